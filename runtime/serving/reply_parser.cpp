#include "runtime/serving/reply_parser.h"

#include <algorithm>

#include "runtime/base/json.h"

namespace hearth::serving {
namespace {

// Length of the longest end of `text` that begins `marker`.
size_t Overlap(std::string_view text, std::string_view marker) {
  for (size_t n = std::min(text.size(), marker.size() - 1); n > 0; --n) {
    if (text.substr(text.size() - n) == marker.substr(0, n)) return n;
  }
  return 0;
}

std::string_view Trim(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r\n";
  const size_t begin = text.find_first_not_of(kBlank);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlank) - begin + 1);
}

constexpr std::string_view kNameHead = "{\"name\": ";

}  // namespace

ReplyParser::ReplyParser(const ToolFormat& format, bool thinking, bool has_tools,
                         const DeltaSink& sink)
    : format_(format),
      has_tools_(has_tools),
      sink_(sink),
      state_(thinking                     ? State::kThinking
             : format.think_begin.empty() ? State::kText
                                          : State::kStart) {
  message_.role = Role::kAssistant;
}

void ReplyParser::Report(ChatDelta::Kind kind, std::string_view text) {
  if (text.empty()) return;
  if (kind == ChatDelta::Kind::kText) message_.content += text;
  if (kind == ChatDelta::Kind::kReasoning) message_.reasoning += text;
  if (sink_) sink_({.kind = kind, .text = std::string(text)});
}

void ReplyParser::Push(std::string_view bytes) {
  message_.raw += bytes;
  buffer_ += bytes;
  bool more = true;
  while (more && !buffer_.empty()) {
    switch (state_) {
      case State::kStart:
        more = Start();
        break;
      case State::kThinking:
        more = Thinking();
        break;
      case State::kText:
        more = Text();
        break;
      case State::kHead:
        more = Head();
        break;
      case State::kArguments:
        more = Arguments();
        break;
      case State::kTail:
        more = Tail();
        break;
    }
  }
}

bool ReplyParser::TakeUntil(std::string_view marker, ChatDelta::Kind kind) {
  const size_t at = buffer_.find(marker);
  const bool found = at != std::string::npos;
  const size_t ready = found ? at : buffer_.size() - Overlap(buffer_, marker);
  Report(kind, std::string_view(buffer_).substr(0, ready));
  buffer_.erase(0, found ? at + marker.size() : ready);
  return found;
}

// Nothing has come yet: reasoning begins here or not at all.
bool ReplyParser::Start() {
  const std::string_view marker = format_.think_begin;
  const size_t n = std::min(buffer_.size(), marker.size());
  if (buffer_.compare(0, n, marker.substr(0, n)) != 0) {
    state_ = State::kText;
    return true;
  }
  if (buffer_.size() < marker.size()) return false;
  buffer_.erase(0, marker.size());
  state_ = State::kThinking;
  return true;
}

bool ReplyParser::Thinking() {
  if (!TakeUntil(format_.think_end, ChatDelta::Kind::kReasoning)) return false;
  state_ = State::kText;
  return true;
}

bool ReplyParser::Text() {
  if (!has_tools_) {
    Report(ChatDelta::Kind::kText, buffer_);
    buffer_.clear();
    return false;
  }
  if (format_.begin.empty()) {
    // The trigger is the beginning of the call itself and stays.
    const size_t at = buffer_.find(format_.trigger());
    if (at == std::string::npos) {
      const size_t ready = buffer_.size() - Overlap(buffer_, format_.trigger());
      Report(ChatDelta::Kind::kText, std::string_view(buffer_).substr(0, ready));
      buffer_.erase(0, ready);
      return false;
    }
    Report(ChatDelta::Kind::kText, std::string_view(buffer_).substr(0, at));
    buffer_.erase(0, at);
  } else if (!TakeUntil(format_.begin, ChatDelta::Kind::kText)) {
    return false;
  }
  state_ = State::kHead;
  return true;
}

// {"name": "NAME", "arguments":, or the end of an empty list of calls.
bool ReplyParser::Head() {
  if (format_.decides_first && message_.calls.empty() && buffer_[0] == format_.end[0]) {
    if (buffer_.size() < format_.end.size()) return false;
    buffer_.erase(0, format_.end.size());
    state_ = State::kText;
    return true;
  }
  const std::string lead = Concat(", \"", format_.arguments_key, "\": ");
  const size_t end = buffer_.find(lead);
  if (end == std::string::npos) return false;
  const auto name =
      ParseJson(std::string_view(buffer_).substr(kNameHead.size(), end - kNameHead.size()));
  ToolCall call;
  if (name.ok() && name->is_string()) call.name = name->get<std::string>();
  message_.calls.push_back(std::move(call));
  Report(ChatDelta::Kind::kCallName, message_.calls.back().name);
  buffer_.erase(0, end + lead.size());
  arguments_.clear();
  depth_ = 0;
  in_string_ = escaped_ = false;
  state_ = State::kArguments;
  return true;
}

// The arguments are one JSON object: it ends where its brackets close.
bool ReplyParser::Arguments() {
  size_t used = 0;
  bool closed = false;
  while (used < buffer_.size() && !closed) {
    const char c = buffer_[used++];
    if (in_string_) {
      if (escaped_) {
        escaped_ = false;
      } else if (c == '\\') {
        escaped_ = true;
      } else if (c == '"') {
        in_string_ = false;
      }
    } else if (c == '"') {
      in_string_ = true;
    } else if (c == '{' || c == '[') {
      ++depth_;
    } else if (c == '}' || c == ']') {
      closed = --depth_ == 0;
    }
  }
  const std::string_view piece = std::string_view(buffer_).substr(0, used);
  arguments_ += piece;
  Report(ChatDelta::Kind::kCallArguments, piece);
  buffer_.erase(0, used);
  if (!closed) return false;
  if (auto arguments = ParseJson(arguments_); arguments.ok()) {
    message_.calls.back().arguments = *std::move(arguments);
  }
  state_ = State::kTail;
  return true;
}

// "}", then another call, or the end of the calls and free text.
bool ReplyParser::Tail() {
  const std::string again = Concat("}", format_.separator);
  const std::string over = Concat("}", format_.end);
  if (buffer_.starts_with(again)) {
    buffer_.erase(0, again.size());
    state_ = State::kHead;
    return true;
  }
  // The separator may begin with the end marker: until they differ, both wait.
  if (std::string_view(again).starts_with(buffer_)) return false;
  if (buffer_.size() < over.size()) return false;
  buffer_.erase(0, over.size());
  state_ = State::kText;
  return true;
}

Message ReplyParser::Finish(bool cut) {
  // What waits here in text is what may begin a marker: of a whole reply it was text after all.
  const bool waits =
      state_ == State::kStart || state_ == State::kThinking || state_ == State::kText;
  if (cut && waits) buffer_.clear();
  switch (state_) {
    case State::kThinking:
      Report(ChatDelta::Kind::kReasoning, buffer_);
      break;
    case State::kStart:
    case State::kText:
      Report(ChatDelta::Kind::kText, buffer_);
      break;
    case State::kArguments:
      message_.calls.pop_back();
      break;
    case State::kHead:
    case State::kTail:
      break;
  }
  buffer_.clear();
  message_.content = Trim(message_.content);
  message_.reasoning = Trim(message_.reasoning);
  return std::move(message_);
}

}  // namespace hearth::serving
