#!/usr/bin/env bash
# Builds llama.cpp, the peer of the engine's benches, from the source package that PyPI has of
# llama-cpp-python (once; about ten minutes on two cores), and prints the folder of its programs.
set -euo pipefail
version=0.3.36
cache=${XDG_CACHE_HOME:-$HOME/.cache}/hearth/peers
folder=$cache/llama_cpp_python-$version/vendor/llama.cpp/build
if [ ! -x "$folder/bin/llama-server" ]; then
  mkdir -p "$cache"
  python3 -m venv "$cache/venv" >&2
  "$cache/venv/bin/pip" install -q scikit-build-core >&2
  "$cache/venv/bin/pip" download -q --no-deps --no-binary :all: --no-build-isolation \
    "llama-cpp-python==$version" -d "$cache" >&2
  tar -xf "$cache/llama_cpp_python-$version.tar.gz" -C "$cache"
  cmake -S "$folder/.." -B "$folder" -G Ninja -DCMAKE_BUILD_TYPE=Release -DGGML_NATIVE=ON \
    -DLLAMA_CURL=OFF -DLLAMA_BUILD_TESTS=OFF -DLLAMA_BUILD_EXAMPLES=OFF >&2
  ninja -C "$folder" llama-bench llama-batched-bench llama-server llama-quantize >&2
fi
echo "$folder/bin"
