#!/usr/bin/env bash
# Prints the table of the engine's speed beside llama.cpp's. See engine.py --help.
set -euo pipefail
exec python3 "$(dirname "${BASH_SOURCE[0]}")/engine.py" "$@"
