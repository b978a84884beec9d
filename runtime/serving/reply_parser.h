// ReplyParser: takes a reply apart while it streams: reasoning, text, tool calls.
//
// It is fed the bytes of a reply that a grammar of CompileReply bounds, in chunks of any size:
// every way to cut the text gives the same result. What it reports is never taken back: a few bytes
// wait where they may turn out to begin a marker. One reply, one thread.
#pragma once

#include <string>
#include <string_view>

#include "runtime/serving/chat.h"
#include "runtime/serving/tool_format.h"

namespace hearth::serving {

class ReplyParser {
 public:
  // `thinking`: the prompt left a reasoning block open. Without `has_tools` nothing is a call.
  ReplyParser(const ToolFormat& format, bool thinking, bool has_tools, const DeltaSink& sink);

  void Push(std::string_view bytes);
  // The reply is over, or `cut` (by a token limit, a cancellation). Returns the message: reasoning,
  // content and the calls that are complete; the beginning of a call or of a marker that was cut is
  // left out.
  Message Finish(bool cut);

 private:
  enum class State : uint8_t { kStart, kThinking, kText, kHead, kArguments, kTail };

  // Each handles what it can of buffer_; false where it needs more bytes.
  bool Start();
  bool Thinking();
  bool Text();
  bool Head();
  bool Arguments();
  bool Tail();
  void Report(ChatDelta::Kind kind, std::string_view text);
  // Reports what lies in front of the marker and drops both; where the marker is not there, reports
  // all but a possible beginning of it and returns false.
  bool TakeUntil(std::string_view marker, ChatDelta::Kind kind);

  const ToolFormat& format_;
  const bool has_tools_;
  const DeltaSink& sink_;
  State state_;
  std::string buffer_;  // bytes not yet dealt with
  Message message_;
  // The call at hand: its arguments so far, and where a scan of their JSON stands.
  std::string arguments_;
  int depth_ = 0;
  bool in_string_ = false;
  bool escaped_ = false;
};

}  // namespace hearth::serving
