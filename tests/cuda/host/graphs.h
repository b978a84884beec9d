// Captured launches of the runtime that runs on the host; cuda_runtime.h includes this.
#pragma once

namespace cuda_on_host {
extern int graph_launches;  // so far
}  // namespace cuda_on_host

using cudaGraph_t = cuda_on_host::Recorded*;
using cudaGraphExec_t = cuda_on_host::Recorded*;
enum cudaStreamCaptureMode { cudaStreamCaptureModeThreadLocal = 1 };

inline cudaError_t cudaStreamBeginCapture(cudaStream_t, cudaStreamCaptureMode) {
  cuda_on_host::recording = new cuda_on_host::Recorded();
  return cudaSuccess;
}
inline cudaError_t cudaStreamEndCapture(cudaStream_t, cudaGraph_t* graph) {
  *graph = std::exchange(cuda_on_host::recording, nullptr);
  return cudaSuccess;
}
inline cudaError_t cudaGraphInstantiate(cudaGraphExec_t* made, cudaGraph_t graph,
                                        unsigned long long) {
  *made = new cuda_on_host::Recorded(*graph);
  return cudaSuccess;
}
inline cudaError_t cudaGraphLaunch(cudaGraphExec_t graph, cudaStream_t) {
  ++cuda_on_host::graph_launches;
  for (const auto& launch : *graph) launch();
  return cudaSuccess;
}
inline cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  delete graph;
  return cudaSuccess;
}
inline cudaError_t cudaGraphExecDestroy(cudaGraphExec_t graph) {
  delete graph;
  return cudaSuccess;
}
