#include "grammars/inspect.h"

#include <algorithm>
#include <ctime>
#include <nlohmann/json.hpp>

#include "grammars/json_schema.h"
#include "grammars/matcher.h"
#include "grammars/schema/json_text.h"

namespace hearth::grammar {

namespace {

using Json = nlohmann::ordered_json;

double Now() {
  timespec t{};
  clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<double>(t.tv_sec) * 1e6 + static_cast<double>(t.tv_nsec) / 1e3;
}

// What two readings of the clock with nothing between them differ by.
double ClockCost() {
  static const double cost = [] {
    std::vector<double> gaps(2001);
    for (double& gap : gaps) {
      const double before = Now();
      gap = Now() - before;
    }
    std::nth_element(gaps.begin(), gaps.begin() + 1000, gaps.end());
    return gaps[1000];
  }();
  return cost;
}

class Stopwatch {
 public:
  Stopwatch() : start_(Now()) {}
  double Microseconds() const { return std::max(0.0, Now() - start_ - ClockCost()); }

 private:
  double start_;
};

Json Summary(std::vector<double> times) {
  if (times.empty()) return {{"n", 0}};
  std::sort(times.begin(), times.end());
  const auto at = [&](double q) {
    return times[std::min(times.size() - 1,
                          static_cast<size_t>(q * static_cast<double>(times.size())))];
  };
  double sum = 0;
  for (double t : times) sum += t;
  return {{"n", times.size()}, {"mean", sum / static_cast<double>(times.size())},
          {"p50", at(0.5)},    {"p90", at(0.9)},
          {"p99", at(0.99)},   {"max", times.back()}};
}

struct Times {
  std::vector<double> mask, sparse, accept;
};

class Replay {
 public:
  Replay(std::shared_ptr<const CompiledGrammar> grammar,
         std::shared_ptr<const Vocabulary> vocabulary)
      : grammar_(std::move(grammar)), vocabulary_(std::move(vocabulary)) {}

  // The index of the first token that was not allowed (the number of tokens: the end was not), or
  // -1.
  int64_t Run(const std::vector<TokenId>& tokens, Times& times, int64_t& forced) {
    Matcher matcher(grammar_, vocabulary_);
    for (size_t i = 0; i <= tokens.size(); ++i) {
      const bool filled = FillMask(matcher, times);
      const TokenId next = i < tokens.size() ? tokens[i] : vocabulary_->end_tokens()[0];
      if (!filled || !vocabulary_->IsValid(next) ||
          (bits_[static_cast<size_t>(next) / 32] >> (next % 32) & 1) == 0) {
        return static_cast<int64_t>(i);
      }
      int64_t allowed = 0;
      for (size_t w = 0; w < bits_.size() && allowed < 2; ++w) allowed += std::popcount(bits_[w]);
      forced += allowed == 1;
      if (i == tokens.size()) break;
      const Stopwatch watch;
      const bool accepted = matcher.Accept(next);
      times.accept.push_back(watch.Microseconds());
      if (!accepted) return static_cast<int64_t>(i);
    }
    return -1;
  }

 private:
  bool FillMask(Matcher& matcher, Times& times) {
    const Stopwatch watch;
    const auto bits = matcher.FillBitmask(buffer_);
    times.mask.push_back(watch.Microseconds());
    if (!bits) return false;
    bits_ = *bits;
    TokenSet set;
    const Stopwatch again;
    (void)matcher.FillMask(set).ok();
    times.sparse.push_back(again.Microseconds());
    return true;
  }

  std::shared_ptr<const CompiledGrammar> grammar_;
  std::shared_ptr<const Vocabulary> vocabulary_;
  BitmaskBuffer buffer_;
  std::span<const uint32_t> bits_;
};

// The text of a member's value, as it was written; `object` is valid JSON that has the member.
std::string_view MemberText(std::string_view object, std::string_view name) {
  std::string_view found;
  size_t at = 0, depth = 0, begin = 0;
  std::string_view key;
  bool in_key = false;
  const auto end_value = [&] {
    if (key == name) found = object.substr(begin, at - begin);
    key = {};
  };
  for (; at < object.size(); ++at) {
    const char c = object[at];
    if (c == '"') {
      const size_t open = at++;
      while (object[at] != '"') at += object[at] == '\\' ? 2 : 1;
      if (depth == 1 && in_key) key = object.substr(open + 1, at - open - 1);
    } else if (c == '{' || c == '[') {
      if (++depth == 1) in_key = true;
    } else if (c == '}' || c == ']') {
      if (depth-- == 1) end_value();
    } else if (depth == 1 && c == ':' && in_key) {
      in_key = false;
      begin = at + 1;
    } else if (depth == 1 && c == ',') {
      end_value();
      in_key = true;
    }
  }
  return found;
}

Json Handle(std::string_view line, const Json& request,
            const std::shared_ptr<const Vocabulary>& vocabulary) {
  Json reply;
  if (request.contains("id") && !request["id"].is_structured()) reply["id"] = request["id"];
  if (!request.contains("schema")) {
    reply["error"] = "unsupported: a request without schema";
    return reply;
  }
  JsonSchemaOptions options;
  if (request.contains("options") && request["options"].is_object()) {
    const Json& o = request["options"];
    if (o.value("whitespace", Json("any")) == "spaced") {
      options.whitespace = JsonSchemaOptions::Whitespace::kSpaced;
    }
    if (o.value("whitespace", Json("any")) == "compact") {
      options.whitespace = JsonSchemaOptions::Whitespace::kCompact;
    }
    options.any_order = o.value("any_order", Json(false)) == true;
    options.plain_integers = o.value("plain_integers", Json(false)) == true;
  }
  const std::string_view text = MemberText(line, "schema");
  (void)ClockCost();
  const Stopwatch watch;
  auto grammar = CompileJsonSchemaText(text, options);
  reply["compile_us"] = watch.Microseconds();
  if (!grammar) {
    reply["error"] = grammar.error().message;
    return reply;
  }
  if (vocabulary != nullptr) {
    Matcher first(*grammar, vocabulary);
    std::vector<uint32_t> bits(vocabulary->mask_words());
    (void)first.FillBitmask(bits).ok();
    reply["ttfm_us"] = watch.Microseconds();
  }
  reply["results"] = Json::array();
  reply["token_results"] = Json::array();
  reply["first_bad"] = Json::array();
  Times cold, warm;
  Replay replay(*grammar, vocabulary);
  int64_t forced = 0;
  const int64_t repeat = request.contains("repeat") && request["repeat"].is_number_integer()
                             ? request["repeat"].get<int64_t>()
                             : 1;
  static const Json none = Json::array();
  const Json& instances = request.contains("instances") && request["instances"].is_array()
                              ? request["instances"]
                              : none;
  for (const Json& instance : instances) {
    Json result = nullptr, token_result = nullptr, first_bad = nullptr;
    if (instance.is_object() && instance.contains("text") && instance["text"].is_string()) {
      Matcher matcher(*grammar, nullptr);
      result =
          matcher.AcceptBytes(instance["text"].get_ref<const std::string&>()) && matcher.CanEnd();
    }
    if (vocabulary != nullptr && instance.is_object() && instance.contains("tokens") &&
        instance["tokens"].is_array()) {
      std::vector<TokenId> tokens;
      for (const Json& id : instance["tokens"])
        tokens.push_back(id.is_number_integer() ? id.get<TokenId>() : -1);
      Times first;
      int64_t choices = 0;
      const int64_t bad = replay.Run(tokens, first, choices);
      token_result = bad < 0;
      first_bad = bad;
      if (bad < 0) {
        forced += choices;
        Times best = first;
        for (int64_t r = 1; r < std::min<int64_t>(repeat, 100); ++r) {
          Times again;
          int64_t ignored = 0;
          replay.Run(tokens, again, ignored);
          const auto smaller = [](std::vector<double>& a, const std::vector<double>& b) {
            for (size_t i = 0; i < std::min(a.size(), b.size()); ++i) a[i] = std::min(a[i], b[i]);
          };
          smaller(best.mask, again.mask);
          smaller(best.sparse, again.sparse);
          smaller(best.accept, again.accept);
        }
        const auto append = [](std::vector<double>& to, const std::vector<double>& from) {
          to.insert(to.end(), from.begin(), from.end());
        };
        append(cold.mask, first.mask);
        append(warm.mask, best.mask);
        append(warm.sparse, best.sparse);
        append(warm.accept, best.accept);
      }
    }
    reply["results"].push_back(std::move(result));
    reply["token_results"].push_back(std::move(token_result));
    reply["first_bad"].push_back(std::move(first_bad));
  }
  reply["mask_us"] = Summary(std::move(warm.mask));
  reply["mask_cold_us"] = Summary(std::move(cold.mask));
  reply["mask_sparse_us"] = Summary(std::move(warm.sparse));
  reply["accept_us"] = Summary(std::move(warm.accept));
  reply["forced_tokens"] = forced;
  reply["grammar_bytes"] = (*grammar)->bytes();
  reply["notes"] = (*grammar)->notes();
  return reply;
}

}  // namespace

std::string HandleInspectRequest(std::string_view line,
                                 const std::shared_ptr<const Vocabulary>& vocabulary) {
  constexpr size_t kAnyDepth = SIZE_MAX;  // deep schemas get a reply of their own
  const auto request = ParseJsonText(line, kAnyDepth);
  Json reply;
  if (!request || !request->is_object()) {
    reply["error"] =
        "the request is not a JSON object" + (request ? "" : ": " + request.error().message);
  } else {
    reply = Handle(line, *request, vocabulary);
  }
  return reply.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace hearth::grammar
