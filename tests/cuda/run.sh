#!/usr/bin/env bash
# On a machine with a GPU: builds the inference core for it, holds the CUDA backend to the other
# backends, then measures it. Needs nvcc 12 or later, cmake 3.25, ninja, g++ and Catch2 2; no network.
#
#   tests/cuda/run.sh [--out FOLDER] [--build-only] [--no-bench | --no-tests] [-- FLAG...]
#
#   --out FOLDER    where JSON files and logs go (build-device/results)
#   --build-only    no GPU is wanted: compiles everything for HEARTH_CUDA_ARCH (90a-real)
#   -- FLAG...      for model-bench, instead of those below
#
# The environment says where things lie:
#   CUDACXX             nvcc, if not in PATH
#   HEARTH_CATCH2       a folder with catch2/catch.hpp, if Catch2 is not installed
#   HEARTH_CUDA_MODELS  a folder of GGUF files, whose logits are held to the CPU's
#   HEARTH_BENCH        models to measure, "SHAPE:TYPE ...", see model-bench --help
set -uo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
out=$root/build-device/results
build_only=0
bench=1
tests=1
flags=(--prompt 4096 --tokens 128 --sequences 64 --context 16384)
models=(${HEARTH_BENCH:-qwen3-0.6b:BF16 qwen3-0.6b:Q8_0 qwen3-1.7b:BF16 qwen3-4b:BF16 qwen3-4b:Q8_0
  qwen3-4b:Q4_K qwen3-8b:BF16 qwen3-8b:Q8_0 qwen3-8b:Q4_K})

fail() {
  printf 'tests/cuda/run.sh: %s\n' "$*" >&2
  exit 1
}

while [ $# -gt 0 ]; do
  case "$1" in
    --out) out=${2:?--out wants a folder} && shift ;;
    --build-only) build_only=1 ;;
    --no-bench) bench=0 ;;
    --no-tests) tests=0 ;;
    --) shift && flags=("$@") && break ;;
    --help) sed -n '2,/^set/s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" && exit ;;
    *) fail "'$1' is not understood; see --help" ;;
  esac
  shift
done

absent=()
for tool in cmake ninja g++; do
  command -v "$tool" >/dev/null || absent+=("$tool")
done
export CUDACXX=${CUDACXX:-nvcc}
command -v "$CUDACXX" >/dev/null || absent+=("nvcc (CUDACXX says where)")
[ -n "${HEARTH_CATCH2:-}" ] || [ -f /usr/include/catch2/catch.hpp ] ||
  absent+=("Catch2 2 (HEARTH_CATCH2 names a folder with catch2/catch.hpp)")
[ -z "${HEARTH_CATCH2:-}" ] || [ -f "$HEARTH_CATCH2/catch2/catch.hpp" ] ||
  absent+=("$HEARTH_CATCH2/catch2/catch.hpp")
[ ${#absent[@]} = 0 ] || fail "absent: $(printf '%s; ' "${absent[@]}")"

gpu=
if [ $build_only = 0 ]; then
  command -v nvidia-smi >/dev/null || fail "there is no GPU here (no nvidia-smi); --build-only does without"
  gpu=$(nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader --id=0) ||
    fail "nvidia-smi finds no GPU: $gpu"
  capability=$(nvidia-smi --query-gpu=compute_cap --format=csv,noheader --id=0)
  printf 'GPU: %s, compute capability %s\n' "$gpu" "$capability"
fi
case "${capability:-}" in
  "") arch=${HEARTH_CUDA_ARCH:-90a-real} ;;
  9.0) arch=90a-real ;;
  8.* | 1?.*) arch=${capability/./}-real ;;
  *) fail "compute capability $capability; 8.0 or later is needed" ;;
esac

mkdir -p "$out" || fail "$out cannot be made"
launcher=()
command -v ccache >/dev/null || launcher=(-DCMAKE_CXX_COMPILER_LAUNCHER=)
say_log() { tail -30 "$1" >&2 && fail "$2 (all of it: $1)"; }
(cd "$root" && cmake --preset model-only -B build-device -DCMAKE_CUDA_ARCHITECTURES="$arch" \
  -DHEARTH_CATCH2="${HEARTH_CATCH2:-}" "${launcher[@]}") >"$out/configure.log" 2>&1 ||
  say_log "$out/configure.log" "cmake failed"
grep -q "The CUDA backend is built" "$out/configure.log" ||
  say_log "$out/configure.log" "cmake found no CUDA compiler that works"
start=$SECONDS
ninja -C "$root/build-device" model-bench cuda_device_test >"$out/build.log" 2>&1 ||
  say_log "$out/build.log" "the build failed"
printf 'built for %s in %d s\n' "$arch" $((SECONDS - start))
[ $build_only = 0 ] || exit 0

# Correctness first: what is fast and wrong is not measured.
if [ $tests = 1 ]; then
  # Tests of kernels look at what one wrote as soon as it was launched.
  CUDA_LAUNCH_BLOCKING=1 "$root/build-device/cuda_device_test" '~[whole]' >"$out/kernels.log" 2>&1 ||
    say_log "$out/kernels.log" "the tests of kernels failed; nothing is measured"
  tail -3 "$out/kernels.log"
  "$root/build-device/cuda_device_test" '[whole]' >"$out/tests.log" 2>&1
  status=$?
  tail -3 "$out/tests.log"
  [ $status = 0 ] || say_log "$out/tests.log" "the tests failed; nothing is measured"
fi
[ $bench = 1 ] || exit 0
failed=0
for model in "${models[@]}"; do
  printf '== %s\n' "$model"
  "$root/build-device/model-bench" --backend cuda --synthetic "$model" "${flags[@]}" \
    --json "$out/${model/:/-}.json" || failed=$((failed + 1))
done
printf '%d models measured, %d failed; JSON in %s\n' ${#models[@]} $failed "$out"
[ $failed = 0 ]
