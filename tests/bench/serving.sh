#!/usr/bin/env bash
# Prints the table of serving many clients, llama.cpp's server beside ours. See serving.py --help.
set -euo pipefail
exec python3 "$(dirname "${BASH_SOURCE[0]}")/serving.py" "$@"
