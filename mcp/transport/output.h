// Output: writes lines to a descriptor without ever waiting for its reader.
//
// A pipe is opened once more for that, so that O_NONBLOCK is ours and not everybody's who shares
// it; a socket is written with MSG_DONTWAIT; a file never makes one wait.
#pragma once

#include <mutex>
#include <string>
#include <string_view>

namespace hearth::mcp {

// Lets a pipe hold a megabyte, where the system allows it: a large message then takes a few
// wake-ups of both sides instead of one for every 64 kB. Does nothing to what is no pipe.
void WidenPipe(int fd);

// Thread-safe.
class Output {
 public:
  explicit Output(int fd);
  ~Output();
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;

  // Adds a line; Flush writes it.
  void Add(std::string_view line);
  // Writes what can be written now; false where the reader has gone.
  bool Flush();
  size_t pending() const;
  bool broken() const;
  // For poll: becomes writable when Flush can go on.
  int fd() const { return fd_; }

 private:
  void Widen();
  // Bytes written; 0 where it would have to wait, below 0 where the reader has gone.
  long Write(const char* data, size_t size) const;

  int fd_;
  bool own_ = false;
  bool socket_ = false;
  bool wide_ = false;
  bool waits_ = false;  // neither: a write may wait, so it is tried only when poll allows it
  mutable std::mutex mutex_;
  std::string buffer_;
  size_t written_ = 0;
  bool broken_ = false;
};

}  // namespace hearth::mcp
