// ReplyReader: what the engine says about one request, as what the assistant says.
//
// Puts the detokenizer, the reply parser and the stop strings behind each other and keeps count.
// One reply, one thread.
#pragma once

#include <string>
#include <vector>

#include "model/engine.h"
#include "model/tokenizer.h"
#include "runtime/base/core/result.h"
#include "runtime/serving/chat.h"
#include "runtime/serving/reply_parser.h"
#include "runtime/serving/stop_strings.h"

namespace hearth::serving {

struct ReplyReaderOptions {
  bool thinking = false;  // the prompt left a reasoning block open
  CallPlace calls = CallPlace::kNowhere;
  ToolSchemas tools = Json::array();
  std::vector<std::string> stop;
  bool logprobs = false;
  uint32_t prompt_tokens = 0;  // for the progress that is reported
};

class ReplyReader {
 public:
  // The tokenizer and the format must outlive it.
  ReplyReader(const model::Tokenizer& tokenizer, const ChatFormat& format,
              ReplyReaderOptions options, DeltaSink sink);
  ReplyReader(const ReplyReader&) = delete;
  ReplyReader& operator=(const ReplyReader&) = delete;

  void Push(const model::Event& event);
  // A stop string came: nothing more will be reported, and the request may be cancelled.
  bool stopped() const { return stop_.stopped(); }
  bool finished() const { return finished_; }
  // After the last event: the reply, or why there is none. A reply that a stop string ended has
  // FinishReason::kStop.
  Result<ChatReply> Take();

 private:
  void PushToken(const model::Event& event);
  void PushText(std::string_view text);
  void OnParsed(const ChatDelta& delta);
  void ReportText(std::string text);

  const model::Tokenizer& tokenizer_;
  const ReplyReaderOptions options_;
  const DeltaSink sink_;
  model::Detokenizer detokenizer_;
  ReplyParser parser_;
  StopStrings stop_;
  std::vector<ScoredToken> scored_;  // of text that was not yet reported
  std::string content_;
  bool finished_ = false;
  bool said_text_ = false;  // by the chunk at hand
  ChatReply reply_;
  Error error_;
};

}  // namespace hearth::serving
