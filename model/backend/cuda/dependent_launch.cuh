// Launches that begin before the kernel ahead of them has ended. PTX ISA, "griddepcontrol"; CUDA
// Programming Guide, "Programmatic Dependent Launch". Compute capability 9.0 and later; before,
// a kernel begins when the one ahead has ended, and these do nothing.
//
// Every thread of every kernel calls WaitForEarlier before it touches what another kernel may have
// written, or writes what another may still read: anything but weights, which are there before the
// first launch, and arguments. It returns when the kernel ahead has ended whole and what it wrote
// is seen. As each kernel does so, the one ahead ended after all before it, and so on: behind the
// wait, all earlier kernels of the stream have ended, just as without this. Whatever is no kernel
// (copies, events, the end of a graph) waits for the end of what is ahead of it, and a kernel
// behind it begins after it.
#pragma once

#include <cuda_runtime.h>

#ifdef __CUDACC__

namespace hearth::model::cuda {

// The next kernel of the stream may start its blocks as soon as all blocks of this one have called
// this, or have ended; it says nothing about memory. Called first of all: what the next kernel does
// before its wait is then done beside this one, on whatever room this one's blocks leave.
__device__ inline void LetNextStart() {
#if __CUDA_ARCH__ >= 900
  asm volatile("griddepcontrol.launch_dependents;" ::: "memory");
#endif
}
__device__ inline void WaitForEarlier() {
#if __CUDA_ARCH__ >= 900
  asm volatile("griddepcontrol.wait;" ::: "memory");
#endif
}
// For kernels that have nothing to do before.
__device__ inline void BeginKernel() {
  LetNextStart();
  WaitForEarlier();
}

}  // namespace hearth::model::cuda

#else
#include <cuda_dependent_launch.h>
#endif
