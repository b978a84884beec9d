// Masks on the way through texts of the public sample, with a real vocabulary: what is remembered
// must equal what is made afresh at every step, and what the naive walker says at some.
#include "grammars/matcher/mask_builder.h"

#include <catch2/catch.hpp>
#include <fstream>
#include <random>
#include <unordered_map>

#include "grammars/json_schema.h"
#include "tests/grammars/naive_mask.h"
#include "tests/support/files.h"

using namespace hearth;
using namespace hearth::grammar;
using Json = nlohmann::ordered_json;

namespace {

// The longest token at each place.
class Greedy {
 public:
  explicit Greedy(const Vocabulary& vocabulary) {
    for (size_t i = 0; i < vocabulary.size(); ++i) {
      const auto id = static_cast<TokenId>(i);
      if (!vocabulary.IsText(id)) continue;
      ids_.emplace(vocabulary.Bytes(id), id);
      longest_ = std::max(longest_, vocabulary.Bytes(id).size());
    }
  }
  std::vector<TokenId> Encode(std::string_view text) const {
    std::vector<TokenId> out;
    while (!text.empty()) {
      size_t length = std::min(longest_, text.size());
      while (length > 1 && !ids_.contains(text.substr(0, length))) --length;
      out.push_back(ids_.at(text.substr(0, length)));
      text.remove_prefix(length);
    }
    return out;
  }

 private:
  std::unordered_map<std::string_view, TokenId> ids_;
  size_t longest_ = 1;
};

}  // namespace

TEST_CASE("remembered masks equal fresh ones and the naive walker's") {
  const auto folder = test::Shared("grammar");
  if (folder.empty()) {
    WARN("skipped: no shared/grammar beside the repository");
    return;
  }
  const std::string file = (folder / "vocab-smollm2-49k.gvoc").string();
  const auto vocabulary = Vocabulary::ReadGvoc(file), forgetful = Vocabulary::ReadGvoc(file);
  REQUIRE(vocabulary.ok());
  const Greedy greedy(**vocabulary);
  std::mt19937 random(5);
  const uint32_t naive_every = test::Slow() ? 20 : 500;
  const size_t most_steps = test::Slow() ? SIZE_MAX : 40;  // of a text
  std::vector<uint32_t> bits((*vocabulary)->mask_words()), fresh(bits.size());
  size_t steps = 0, walked = 0;
  for (const auto& set : std::filesystem::directory_iterator(folder / "schemas")) {
    std::ifstream in(set.path());
    std::string line;
    while (std::getline(in, line)) {
      const Json record = Json::parse(line);
      const auto grammar = CompileJsonSchemaText(record["schema"].dump());
      if (!grammar) continue;
      for (const Json& instance : record["instances"]) {
        Matcher matcher(*grammar, *vocabulary), other(*grammar, *forgetful);
        const std::string text = instance["text"].get<std::string>();
        for (const TokenId token : greedy.Encode(text)) {
          if (matcher.steps() >= most_steps) break;
          INFO(record["id"] << " after " << matcher.steps() << " tokens");
          (*forgetful)->tables().masks().Clear();
          REQUIRE(matcher.FillBitmask(bits).ok());
          REQUIRE(other.FillBitmask(fresh).ok());
          REQUIRE(bits == fresh);
          ++steps;
          if (random() % naive_every == 0 && matcher.mask_is_exact()) {
            const std::vector<bool> naive = NaiveMask(matcher, **vocabulary);
            size_t different = 0;
            for (size_t i = 0; i < naive.size(); ++i) {
              different += naive[i] != ((bits[i / 32] >> (i % 32) & 1) != 0);
            }
            REQUIRE(different == 0);
            ++walked;
          }
          const bool allowed = (bits[static_cast<size_t>(token) / 32] >> (token % 32) & 1) != 0;
          if (!matcher.Accept(token)) {
            REQUIRE_FALSE((allowed && matcher.mask_is_exact()));
            break;
          }
          REQUIRE(allowed);
          if (random() % 16 == 0) {  // back and forth changes nothing
            matcher.Rollback(1);
            std::vector<uint32_t> again(bits.size());
            REQUIRE(matcher.FillBitmask(again).ok());
            REQUIRE(again == bits);
            REQUIRE(matcher.Accept(token));
          }
          REQUIRE(other.Accept(token));
        }
      }
    }
  }
  INFO(steps << " steps, " << walked << " of them walked");
  CHECK(steps > 1000);
  CHECK(walked > 10);
}
