// ReplyParser: takes a reply apart while it streams: reasoning, text, tool calls.
//
// It is fed the bytes of a reply in chunks of any size: every way to cut them gives the same
// result. It walks the same description that the reply's grammar is made of, so where it stands is
// where the grammar stands; it also takes what no grammar bounded. What it reports is never taken
// back: a few bytes wait where they may turn out to begin a marker, space waits for what follows
// it, and a tool's name is reported once it is certain that a call of an offered tool begins. What
// looked like a call before that is text after all; a call that breaks off later is left out of the
// message, and what follows the break is text. One reply, one thread.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "runtime/serving/arguments/argument_reader.h"
#include "runtime/serving/chat.h"
#include "runtime/serving/chat_format.h"

namespace hearth::serving {

// Where in the text of a reply calls may stand.
enum class CallPlace : uint8_t { kNowhere, kAnywhere, kFirst };
// That of replies to this request.
CallPlace PlaceOfCalls(const ChatRequest& request);

class ReplyParser {
 public:
  // The format outlives the parser. `thinking`: the prompt left a reasoning block open. `tools`: an
  // empty list means that any name will do. In a bound format control tokens come with their marks.
  ReplyParser(const ChatFormat& format, bool thinking, CallPlace calls, ToolSchemas tools,
              DeltaSink sink);

  void Push(std::string_view bytes);
  // The reply is over, or `cut` (by a token limit, a cancellation). Returns the message: reasoning,
  // content and the calls that are complete; the beginning of a call or of a marker that was cut is
  // left out.
  Message Finish(bool cut);

  bool in_reasoning() const { return state_ == State::kThinking; }
  bool in_text() const { return state_ == State::kText; }

 private:
  using Piece = ChatFormat::Piece;
  using Region = ChatFormat::Region;
  enum class State : uint8_t { kText, kThinking, kRegion };
  enum class Step : uint8_t { kMore, kGo, kBroken };
  // What a marker in text begins.
  struct Marker {
    enum class Kind : uint8_t { kThinking, kRegion, kSilent };
    Kind kind;
    const Region* region = nullptr;
  };

  void FindMarkers(const std::string& trigger, const Region& region);
  void ChooseMarkers();
  void Drain();
  // Each handles what it can of buffer_; false where it needs more bytes.
  bool Text();
  bool Thinking();
  bool InRegion();
  bool Opens(bool& decided);
  size_t SkipStray(bool may_think);
  void BeginThinking(size_t marker_size);
  void BeginRegion(const Region& region, size_t trigger_size);
  void EndRegion();
  void Break();

  Step StepRegion();
  Step Next();
  Step Between();
  Step PieceStep(const Piece& piece);
  Step Literal(std::string_view text);
  Step Name();
  Step Word(bool (*belongs)(char), std::string* out);
  Step Skip();
  Step Optional(const Piece& piece);
  Step Arguments();
  // The text that must follow the piece at hand.
  std::string TextAfter(size_t piece) const;
  void Use(size_t bytes);
  const Json* FindTool(std::string_view name) const;

  void Report(ChatDelta::Kind kind, std::string_view text);

  const ChatFormat& format_;
  CallPlace calls_;
  const ToolSchemas tools_;
  const DeltaSink sink_;
  State state_ = State::kText;
  std::string buffer_;  // bytes not yet dealt with
  std::string space_;   // that nothing has followed yet
  bool over_ = false;   // nothing follows buffer_
  Message message_;
  bool said_anything_ = false;  // text or a call
  // What may come in text, and what each begins.
  std::vector<std::string> markers_;
  std::vector<Marker> kinds_;

  // The region at hand: where in it, and what of it could still turn out to be text.
  const Region* region_ = nullptr;
  enum class Place : uint8_t { kBegin, kNext, kCall };
  Place place_ = Place::kBegin;
  size_t piece_ = 0;
  std::string held_;
  size_t trigger_size_ = 0;
  bool first_call_ = true;
  // The call at hand.
  ToolCall call_;
  bool reported_ = false;  // its name
  std::string arguments_;
  std::unique_ptr<ArgumentReader> reader_;
};

}  // namespace hearth::serving
