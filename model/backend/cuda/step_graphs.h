// StepGraphs: passes that are the same launch by launch, as CUDA graphs. A graph costs the host one
// call in place of some hundred, and the device a microsecond a launch.
//
// Not thread-safe; the device outlives it.
#pragma once

#include <cuda_runtime.h>

#include <array>

#include "model/backend/cuda/device_array.h"
#include "model/backend/cuda/graph_table.h"

namespace hearth::model::cuda {

class StepGraphs {
 public:
  explicit StepGraphs(Device& device) : device_(device) {}
  ~StepGraphs() {
    for (cudaGraphExec_t graph : graphs_) Destroy(graph);
  }
  StepGraphs(const StepGraphs&) = delete;
  StepGraphs& operator=(const StepGraphs&) = delete;

  // Does what `launches` does; what they read may change from pass to pass, where it lies may not.
  // They may neither wait nor send anything (the device notices; such a shape then does without).
  template <typename Launches>
  void Run(const StepShape& shape, Launches launches) {
    const GraphTable::Decision decision = table_.Decide(shape, device_.generation());
    if (decision.action == GraphTable::Action::kRun || !device_.usable()) return launches();
    cudaGraphExec_t& graph = graphs_[decision.slot];
    if (decision.action == GraphTable::Action::kCapture && !Capture(graph, launches)) {
      table_.GiveUp(shape);
      return launches();
    }
    device_.NoteLaunch(cudaGraphLaunch(graph, device_.stream()));
  }

 private:
  static void Destroy(cudaGraphExec_t& graph) {
    if (graph != nullptr) (void)cudaGraphExecDestroy(graph);
    graph = nullptr;
  }

  // False where the launches do not make a graph; nothing has run then.
  template <typename Launches>
  bool Capture(cudaGraphExec_t& graph, Launches launches) {
    Destroy(graph);
    if (cudaStreamBeginCapture(device_.stream(), cudaStreamCaptureModeThreadLocal) != cudaSuccess) {
      (void)cudaGetLastError();
      return false;
    }
    device_.BeginCapture();
    launches();
    const bool whole = device_.EndCapture();
    cudaGraph_t captured = nullptr;
    bool made = cudaStreamEndCapture(device_.stream(), &captured) == cudaSuccess && whole &&
                cudaGraphInstantiate(&graph, captured, 0) == cudaSuccess;
    if (captured != nullptr) (void)cudaGraphDestroy(captured);
    if (!made) {
      (void)cudaGetLastError();
      graph = nullptr;
    }
    return made;
  }

  static constexpr size_t kMostGraphs = 64;
  Device& device_;
  GraphTable table_{kMostGraphs};
  std::array<cudaGraphExec_t, kMostGraphs> graphs_{};
};

}  // namespace hearth::model::cuda
