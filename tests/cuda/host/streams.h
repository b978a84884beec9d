// Streams and events of the runtime that runs on the host; cuda_runtime.h includes this.
//
// What the stream of cudaStreamCreate is given is done at once, but for launches that overlap (see
// cuda_runtime.h). One of cudaStreamCreateWithFlags does nothing until somebody waits for it, and
// then no more than is waited for: what should have been waited for and was not is seen to be
// missing.
#pragma once

#include <chrono>
#include <deque>
#include <functional>

namespace cuda_on_host {

struct LateStream {
  std::deque<std::function<void()>> work;
  uint64_t given = 0, done = 0;

  void Give(std::function<void()> next) {
    work.push_back(std::move(next));
    ++given;
  }
  void DoUntil(uint64_t n) {
    while (done < n) {
      work.front()();
      work.pop_front();
      ++done;
    }
  }
};

struct Event {
  std::chrono::steady_clock::time_point at;  // of its recording
  LateStream* stream = nullptr;              // null: of the one that does all at once
  uint64_t after = 0;                        // this much of its work
};

}  // namespace cuda_on_host

using cudaStream_t = cuda_on_host::LateStream*;
constexpr unsigned cudaStreamNonBlocking = 1;
inline cudaError_t cudaStreamCreate(cudaStream_t* stream) {
  *stream = nullptr;
  return cudaSuccess;
}
inline cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned) {
  *stream = new cuda_on_host::LateStream();
  return cudaSuccess;
}
inline cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  if (cuda_on_host::recording) return cudaErrorStreamCaptureUnsupported;
  if (stream != nullptr) {
    stream->DoUntil(stream->given);
  } else {
    cuda_on_host::Finish();
  }
  return cuda_on_host::answer;
}
inline cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  (void)cudaStreamSynchronize(stream);
  delete stream;
  return cudaSuccess;
}

using cudaEvent_t = cuda_on_host::Event*;
constexpr unsigned cudaEventDisableTiming = 2;
inline cudaError_t cudaEventCreate(cudaEvent_t* event) {
  *event = new cuda_on_host::Event();
  return cudaSuccess;
}
inline cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned) {
  return cudaEventCreate(event);
}
inline cudaError_t cudaEventDestroy(cudaEvent_t event) {
  delete event;
  return cudaSuccess;
}
inline cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  if (stream == nullptr) cuda_on_host::Finish();
  *event = {std::chrono::steady_clock::now(), stream, stream != nullptr ? stream->given : 0};
  return cudaSuccess;
}
inline cudaError_t cudaEventSynchronize(cudaEvent_t event) {
  if (event->stream != nullptr) event->stream->DoUntil(event->after);
  return cuda_on_host::answer;
}
// Each time that it is asked for, a late stream does one thing more.
inline cudaError_t cudaEventQuery(cudaEvent_t event) {
  if (cuda_on_host::answer != cudaSuccess) return cuda_on_host::answer;
  if (event->stream == nullptr || event->stream->done >= event->after) return cudaSuccess;
  event->stream->DoUntil(event->stream->done + 1);
  return cudaErrorNotReady;
}
inline cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned) {
  if (cuda_on_host::recording) return cudaErrorStreamCaptureUnsupported;
  if (event->stream == nullptr || event->stream == stream) return cudaSuccess;
  const auto wait = [of = event->stream, after = event->after] { of->DoUntil(after); };
  if (stream != nullptr) {
    stream->Give(wait);
  } else {
    cuda_on_host::Finish();
    wait();
  }
  return cudaSuccess;
}
inline cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t begin, cudaEvent_t end) {
  *milliseconds = std::chrono::duration<float, std::milli>(end->at - begin->at).count();
  return cudaSuccess;
}

inline cudaError_t cudaMemcpyAsync(void* to, const void* from, size_t bytes, cudaMemcpyKind,
                                   cudaStream_t stream) {
  if (cuda_on_host::recording) return cudaErrorStreamCaptureUnsupported;
  if (stream != nullptr) {
    stream->Give([=] { std::memcpy(to, from, bytes); });
  } else {
    cuda_on_host::Finish();
    std::memcpy(to, from, bytes);
  }
  return cudaSuccess;
}
