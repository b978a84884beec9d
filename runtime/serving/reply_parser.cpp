#include "runtime/serving/reply_parser.h"

#include <algorithm>
#include <cctype>
#include <utility>

#include "runtime/serving/text_match.h"

namespace hearth::serving {
namespace {

using Kind = ChatFormat::Piece::Kind;

constexpr size_t kLongestSkip = 256;
constexpr std::string_view kNameSlot = "$name";
constexpr std::string_view kSpace = " \t\r\n";

bool IsIdByte(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-';
}
bool IsDigit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

CallPlace PlaceOfCalls(const ChatRequest& request) {
  if (request.tools.empty() || request.tool_choice == ToolChoice::kNone) return CallPlace::kNowhere;
  return request.bounds_answer() ? CallPlace::kFirst : CallPlace::kAnywhere;
}

ReplyParser::ReplyParser(const ChatFormat& format, bool thinking, CallPlace calls,
                         ToolSchemas tools, DeltaSink sink)
    : format_(format),
      calls_(calls),
      tools_(std::move(tools)),
      sink_(std::move(sink)),
      state_(thinking ? State::kThinking : State::kText) {
  message_.role = Role::kAssistant;
  ChooseMarkers();
}

// A trigger that holds the tool's name is one for each tool.
void ReplyParser::FindMarkers(const std::string& trigger, const Region& region) {
  const auto add = [&](std::string text) {
    if (text.empty() || std::ranges::find(markers_, text) != markers_.end()) return;
    markers_.push_back(std::move(text));
    kinds_.push_back({Marker::Kind::kRegion, &region});
  };
  const size_t slot = trigger.find(kNameSlot);
  if (slot == std::string::npos) return add(trigger);
  if (tools_.empty()) return add(trigger.substr(0, slot));
  for (const Json& tool : tools_) {
    add(Concat(trigger.substr(0, slot), tool.at("function").at("name").get<std::string>(),
               trigger.substr(slot + kNameSlot.size())));
  }
}

void ReplyParser::ChooseMarkers() {
  markers_.clear();
  kinds_.clear();
  if (format_.thinks_anywhere) {
    markers_.push_back(format_.think_begin);
    kinds_.push_back({Marker::Kind::kThinking, nullptr});
  }
  if (calls_ != CallPlace::kNowhere) {
    for (const Region& region : format_.regions) {
      for (const std::string& trigger : region.triggers) FindMarkers(trigger, region);
    }
  }
  for (const std::string& marker : format_.silent) {
    markers_.push_back(marker);
    kinds_.push_back({Marker::Kind::kSilent, nullptr});
  }
}

// Space is reported with what follows it, so that none is at the ends of what is said.
void ReplyParser::Report(ChatDelta::Kind kind, std::string_view text) {
  std::string out = WithoutControlTokens(text);
  std::string& said = kind == ChatDelta::Kind::kText ? message_.content : message_.reasoning;
  if (format_.has_calls()) {
    const size_t end = out.find_last_not_of(kSpace) + 1;  // 0: nothing but space
    space_ += out.substr(0, end == 0 ? out.size() : 0);
    if (end == 0) return;
    std::string before = std::exchange(space_, out.substr(end));
    out = before + out.substr(0, end);
    if (said.empty()) out.erase(0, out.find_first_not_of(kSpace));
  }
  if (out.empty()) return;
  said += out;
  if (kind == ChatDelta::Kind::kText) said_anything_ = true;
  if (sink_) sink_({.kind = kind, .text = std::move(out)});
}

void ReplyParser::Push(std::string_view bytes) {
  message_.raw += WithoutControlMarks(bytes);
  buffer_ += bytes;
  Drain();
}

void ReplyParser::Drain() {
  bool more = true;
  while (more && !buffer_.empty()) {
    switch (state_) {
      case State::kText:
        more = Text();
        break;
      case State::kThinking:
        more = Thinking();
        break;
      case State::kRegion:
        more = InRegion();
        break;
    }
  }
}

void ReplyParser::BeginThinking(size_t marker_size) {
  buffer_.erase(0, marker_size);
  space_ = message_.reasoning.empty() ? "" : "\n";
  state_ = State::kThinking;
}

// What opens a reply: reasoning, and calls where they may only stand there. `decided` is false
// where more bytes must say.
bool ReplyParser::Opens(bool& decided) {
  decided = true;
  const bool may_think = !said_anything_ && !format_.think_begin.empty();
  const bool may_call = calls_ == CallPlace::kFirst;
  if (!may_think && !may_call) return false;
  const size_t begin = SkipStray(may_think);
  const std::string_view rest = std::string_view(buffer_).substr(begin);
  if (may_think && rest.starts_with(format_.think_begin)) {
    BeginThinking(begin + format_.think_begin.size());
    return true;
  }
  bool may = may_think && format_.think_begin.starts_with(rest);
  if (may_call) {
    for (const std::string& marker : markers_) {
      if (rest.starts_with(marker)) return false;
      may = may || marker.starts_with(rest);
    }
  }
  if (may) {
    decided = false;
  } else if (may_call) {
    calls_ = CallPlace::kNowhere;  // all of it is a document
    ChooseMarkers();
  }
  return false;
}

// Takes away control tokens that open nothing and say nothing. Returns where what comes behind them
// and space begins.
size_t ReplyParser::SkipStray(bool may_think) {
  while (true) {
    const size_t begin = std::min(buffer_.find_first_not_of(kSpace), buffer_.size());
    if (begin == buffer_.size() || buffer_[begin] != kControlBegin) return begin;
    const size_t end = buffer_.find(kControlEnd, begin);
    if (end == std::string::npos) return begin;
    const std::string_view token = std::string_view(buffer_).substr(begin, end + 1 - begin);
    const auto opens = [&](const std::string& marker) { return marker.starts_with(token); };
    if (may_think && opens(format_.think_begin)) return begin;
    if (std::ranges::any_of(markers_, opens)) return begin;
    buffer_.erase(begin, token.size());
  }
}

bool ReplyParser::Text() {
  bool decided;
  if (Opens(decided)) return true;
  if (!decided) return false;
  const FoundMarker found = FindFirst(buffer_, markers_, over_);
  Report(ChatDelta::Kind::kText, std::string_view(buffer_).substr(0, found.clear));
  buffer_.erase(0, found.clear);
  if (found.at == std::string::npos) return false;
  const size_t size = markers_[found.which].size();
  switch (kinds_[found.which].kind) {
    case Marker::Kind::kRegion:
      BeginRegion(*kinds_[found.which].region, size);
      break;
    case Marker::Kind::kThinking:
      BeginThinking(size);
      break;
    case Marker::Kind::kSilent:
      buffer_.erase(0, size);
      break;
  }
  return true;
}

bool ReplyParser::Thinking() {
  std::vector<std::string> ends{format_.think_end};
  std::vector<const Region*> regions{nullptr};
  for (size_t i = 0; i < markers_.size(); ++i) {
    if (kinds_[i].kind != Marker::Kind::kRegion || !format_.EndsThinking(markers_[i])) continue;
    ends.push_back(markers_[i]);
    regions.push_back(kinds_[i].region);
  }
  const FoundMarker end = FindFirst(buffer_, ends, over_);
  Report(ChatDelta::Kind::kReasoning, std::string_view(buffer_).substr(0, end.clear));
  buffer_.erase(0, end.clear);
  if (end.at == std::string::npos) return false;
  space_.clear();
  if (const Region* region = regions[end.which]) {
    BeginRegion(*region, ends[end.which].size());
  } else {
    buffer_.erase(0, format_.think_end.size());
    state_ = State::kText;
  }
  return true;
}

void ReplyParser::BeginRegion(const Region& region, size_t trigger_size) {
  region_ = &region;
  state_ = State::kRegion;
  place_ = region.begin.empty() && !region.is_list() ? Place::kCall : Place::kBegin;
  piece_ = 0;
  held_.clear();
  trigger_size_ = trigger_size;
  first_call_ = true;
  reported_ = false;
  call_ = {};
}

void ReplyParser::EndRegion() {
  state_ = State::kText;
  region_ = nullptr;
  if (calls_ == CallPlace::kFirst && message_.calls.empty()) calls_ = CallPlace::kNowhere;
  ChooseMarkers();
}

// A call that nobody has heard of yet is text; all but its trigger is looked at anew.
void ReplyParser::Break() {
  const std::string text = std::exchange(held_, "") + std::exchange(buffer_, "");
  const size_t size = reported_ || !first_call_ ? 0 : std::min(trigger_size_, text.size());
  EndRegion();
  Report(ChatDelta::Kind::kText, std::string_view(text).substr(0, size));
  buffer_ = text.substr(size);
}

bool ReplyParser::InRegion() {
  while (state_ == State::kRegion) {
    switch (StepRegion()) {
      case Step::kMore:
        return false;
      case Step::kBroken:
        Break();
        return true;
      case Step::kGo:
        break;
    }
  }
  return true;
}

void ReplyParser::Use(size_t bytes) {
  if (!reported_) held_ += std::string_view(buffer_).substr(0, bytes);
  buffer_.erase(0, bytes);
}

ReplyParser::Step ReplyParser::StepRegion() {
  switch (place_) {
    case Place::kBegin: {
      const Step step = Literal(region_->begin);
      if (step == Step::kGo) place_ = region_->is_list() ? Place::kNext : Place::kCall;
      return step;
    }
    case Place::kNext:
      return Next();
    case Place::kCall:
      break;
  }
  if (piece_ == region_->call.size()) {
    first_call_ = false;
    reported_ = false;
    place_ = Place::kNext;
    return Step::kGo;
  }
  return PieceStep(region_->call[piece_]);
}

// Another call of the list, or its end.
ReplyParser::Step ReplyParser::Next() {
  if (!region_->is_list()) return Between();
  if (buffer_.empty()) return Step::kMore;
  const auto& first = region_->call[0];
  std::string again = first_call_ ? "" : region_->separator;
  const TextMatch separator = MatchText(again, buffer_);
  if (first.kind == Kind::kText) again += first.text;
  const TextMatch more = MatchText(again, buffer_);
  const TextMatch end = MatchText(region_->end, buffer_);
  if (end.kind == TextMatch::Kind::kYes) {
    Use(end.used);
    EndRegion();
    return Step::kGo;
  }
  if (more.kind == TextMatch::Kind::kMore || end.kind == TextMatch::Kind::kMore) {
    if (more.kind != TextMatch::Kind::kYes || end.kind == TextMatch::Kind::kMore) {
      return Step::kMore;
    }
  }
  if (more.kind != TextMatch::Kind::kYes) return Step::kBroken;
  Use(separator.used);
  place_ = Place::kCall;
  piece_ = 0;
  call_ = {};
  return Step::kGo;
}

// What stands between two regions of one call each says nothing, where another follows.
ReplyParser::Step ReplyParser::Between() {
  const std::string& between = region_->between;
  const bool says_something = between.find_first_not_of(kSpace) != std::string::npos;
  const TextMatch again = MatchText(between + region_->Opening(), buffer_);
  if (says_something && again.kind == TextMatch::Kind::kMore) return Step::kMore;
  if (says_something && again.kind == TextMatch::Kind::kYes) {
    Use(MatchText(between, buffer_).used);
  }
  EndRegion();
  return Step::kGo;
}

ReplyParser::Step ReplyParser::PieceStep(const Piece& piece) {
  Step step = Step::kGo;
  switch (piece.kind) {
    case Kind::kText:
      step = Literal(piece.text);
      break;
    case Kind::kName:
      step = Name();
      break;
    case Kind::kId:
      step = Word(IsIdByte, &call_.id);
      if (step == Step::kGo && reported_ && !message_.calls.empty()) {
        message_.calls.back().id = call_.id;
      }
      break;
    case Kind::kIndex:
      step = Word(IsDigit, nullptr);
      break;
    case Kind::kSkip:
      step = Skip();
      break;
    case Kind::kOptional:
      step = Optional(piece);
      break;
    case Kind::kArguments:
      step = Arguments();
      break;
    default:
      break;
  }
  if (step == Step::kGo) ++piece_;
  return step;
}

ReplyParser::Step ReplyParser::Literal(std::string_view text) {
  const TextMatch match = MatchText(text, buffer_);
  if (match.kind == TextMatch::Kind::kMore) return Step::kMore;
  if (match.kind == TextMatch::Kind::kNo) return Step::kBroken;
  Use(match.used);
  return Step::kGo;
}

ReplyParser::Step ReplyParser::Name() {
  const bool quoted = region_->quotes_name();
  size_t end = 0;
  if (quoted) {
    while (end < buffer_.size() && buffer_[end] != '"') end += buffer_[end] == '\\' ? 2 : 1;
  } else {
    while (end < buffer_.size() && IsNameByte(buffer_[end])) ++end;
  }
  if (std::min(end, buffer_.size()) > kLongestName) return Step::kBroken;
  if (end >= buffer_.size()) return Step::kMore;
  const std::string name = buffer_.substr(0, end);
  if (quoted) {
    const auto parsed = ParseJson(Concat("\"", name, "\""));
    if (!parsed.ok()) return Step::kBroken;
    call_.name = parsed->get<std::string>();
  } else {
    call_.name = name;
  }
  if (call_.name.empty()) return Step::kBroken;
  if (!tools_.empty() && FindTool(call_.name) == nullptr) return Step::kBroken;
  Use(end);
  return Step::kGo;
}

ReplyParser::Step ReplyParser::Word(bool (*belongs)(char), std::string* out) {
  size_t end = 0;
  while (end < buffer_.size() && belongs(buffer_[end])) ++end;
  if (end > kLongestName) return Step::kBroken;
  if (end == buffer_.size()) return Step::kMore;
  if (out != nullptr) *out = buffer_.substr(0, end);
  Use(end);
  return Step::kGo;
}

ReplyParser::Step ReplyParser::Skip() {
  const std::string stop = TextAfter(piece_);
  const size_t at = buffer_.find(stop);
  const size_t length = std::min(at, buffer_.size());
  if (length > kLongestSkip ||
      std::string_view(buffer_).substr(0, length).find('\n') != std::string_view::npos) {
    return Step::kBroken;
  }
  if (at == std::string::npos) return Step::kMore;
  Use(at);
  return Step::kGo;
}

// The group is there where its first text is, and not there where what follows it is.
ReplyParser::Step ReplyParser::Optional(const Piece& piece) {
  const TextMatch inside = MatchText(region_->call[piece_ + 1].text, buffer_);
  if (inside.kind == TextMatch::Kind::kYes) return Step::kGo;
  const TextMatch after = MatchText(TextAfter(piece_ + piece.count), buffer_);
  if (inside.kind == TextMatch::Kind::kMore) return Step::kMore;
  if (after.kind == TextMatch::Kind::kMore) return Step::kMore;
  if (after.kind == TextMatch::Kind::kNo) return Step::kBroken;
  piece_ += piece.count;
  return Step::kGo;
}

std::string ReplyParser::TextAfter(size_t piece) const {
  const auto& pieces = region_->call;
  return piece + 1 < pieces.size() ? pieces[piece + 1].text : region_->end;
}

const Json* ReplyParser::FindTool(std::string_view name) const {
  for (const Json& tool : tools_) {
    const Json& function = tool.at("function");
    if (function.at("name").get_ref<const std::string&>() == name) return &function;
  }
  return nullptr;
}

ReplyParser::Step ReplyParser::Arguments() {
  if (!reported_) {
    const Json* tool = FindTool(call_.name);
    const Json* parameters = tool != nullptr ? FindMember(*tool, "parameters") : nullptr;
    reader_ = MakeArgumentReader(format_, parameters, TextAfter(piece_));
    arguments_.clear();
    held_.clear();
    reported_ = true;
    said_anything_ = true;
    space_.clear();
    if (sink_) sink_({.kind = ChatDelta::Kind::kCallName, .text = call_.name});
  }
  std::string json;
  const ArgumentReader::Outcome outcome = reader_->Read(buffer_, json);
  arguments_ += json;
  if (sink_ && !json.empty()) {
    sink_({.kind = ChatDelta::Kind::kCallArguments, .text = std::move(json)});
  }
  if (outcome == ArgumentReader::Outcome::kMore) return Step::kMore;
  if (outcome == ArgumentReader::Outcome::kBroken) return Step::kBroken;
  auto parsed = ParseJson(arguments_);
  if (!parsed.ok()) return Step::kBroken;
  call_.arguments = *std::move(parsed);
  message_.calls.push_back(call_);
  if (sink_) sink_({.kind = ChatDelta::Kind::kCallEnd});
  return Step::kGo;
}

Message ReplyParser::Finish(bool cut) {
  // What waits may begin a marker or a call: of a whole reply it was text after all, but for the
  // end of a list that has calls.
  if (!cut) {
    over_ = true;
    Drain();
    while (state_ == State::kRegion && !reported_) {
      if (place_ == Place::kNext && !first_call_ && region_->is_list()) buffer_.clear();
      Break();
      Drain();
    }
    if (state_ != State::kRegion) {
      Report(state_ == State::kThinking ? ChatDelta::Kind::kReasoning : ChatDelta::Kind::kText,
             buffer_);
    }
  }
  buffer_.clear();
  return std::move(message_);
}

}  // namespace hearth::serving
