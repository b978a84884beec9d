#include "model/tokenizer/pre_tokenizer.h"

#include <span>
#include <string>
#include <utility>

#include "model/tokenizer/utf8.h"

namespace hearth::model {
namespace {

// The patterns as the families' tokenizer.json files publish them; (?i:'s|…) is spelled out.
#define HEARTH_CONTRACTION "(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])"
#define HEARTH_UPPER "[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]"
#define HEARTH_LOWER "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]"
#define HEARTH_SPACES "\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"
#define HEARTH_SIGNS "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~]"

// clang-format off
// Letters with case, as DeepSeek's first models list them.
#define HEARTH_CASED_LETTERS \
  "A-Za-z\u00b5\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u01ba\u01bc-\u01bf\u01c4-\u0293\u0295-\u02af" \
  "\u0370-\u0373\u0376\u0377\u037b-\u037d\u037f\u0386\u0388-\u038a\u038c\u038e-\u03a1" \
  "\u03a3-\u03f5\u03f7-\u0481\u048a-\u052f\u0531-\u0556\u10a0-\u10c5\u13a0-\u13f5" \
  "\u13f8-\u13fd\u1c90-\u1cba\u1cbd-\u1cbf\u1d00-\u1d2b\u1d6b-\u1d77\u1d79-\u1d9a" \
  "\u1e00-\u1f15\u1f18-\u1f1d\u1f20-\u1f45\u1f48-\u1f4d\u1f50-\u1f57\u1f59\u1f5b\u1f5d" \
  "\u1f5f-\u1f7d\u1f80-\u1fb4\u1fb6-\u1fbc\u1fbe\u1fc2-\u1fc4\u1fc6-\u1fcc\u1fd0-\u1fd3" \
  "\u1fd6-\u1fdb\u1fe0-\u1fec\u1ff2-\u1ff4\u1ff6-\u1ffc\u2102\u2107\u210a-\u2113\u2115" \
  "\u2119-\u211d\u2124\u2126\u2128\u212a-\u212d\u212f-\u2134\u2139\u213c-\u213f\u2145-\u2149" \
  "\u214e\u2183\u2184\u2c00-\u2c7b\u2c7e-\u2ce4\u2ceb-\u2cee\u2cf2\u2cf3\ua640-\ua66d" \
  "\ua680-\ua69b\ua722-\ua76f\ua771-\ua787\ua78b-\ua78e\uab70-\uabbf\ufb00-\ufb06" \
  "\ufb13-\ufb17\uff21-\uff3a\uff41-\uff5a\U00010400-\U0001044f\U000104b0-\U000104d3" \
  "\U000104d8-\U000104fb\U00010c80-\U00010cb2\U00010cc0-\U00010cf2\U000118a0-\U000118df" \
  "\U0001e900-\U0001e943"
// clang-format on

constexpr std::string_view kDigit = "\\p{N}";
constexpr std::string_view kThreeDigits = "\\p{N}{1,3}";
constexpr std::string_view kGpt2 =
    "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";
constexpr std::string_view kLlama3 = HEARTH_CONTRACTION
    "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|" HEARTH_SPACES;
constexpr std::string_view kQwen2 = HEARTH_CONTRACTION
    "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|" HEARTH_SPACES;
constexpr std::string_view kQwen35 = HEARTH_CONTRACTION
    "|[^\\r\\n\\p{L}\\p{N}]?[\\p{L}\\p{M}]+|\\p{N}| "
    "?[^\\s\\p{L}\\p{M}\\p{N}]+[\\r\\n]*|" HEARTH_SPACES;
constexpr std::string_view kGpt4o =
    "[^\\r\\n\\p{L}\\p{N}]?" HEARTH_UPPER "*" HEARTH_LOWER "+" HEARTH_CONTRACTION
    "?|[^\\r\\n\\p{L}\\p{N}]?" HEARTH_UPPER "+" HEARTH_LOWER "*" HEARTH_CONTRACTION
    "?|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|" HEARTH_SPACES;
constexpr std::string_view kTekken =
    "[^\\r\\n\\p{L}\\p{N}]?" HEARTH_UPPER "*" HEARTH_LOWER "+|[^\\r\\n\\p{L}\\p{N}]?" HEARTH_UPPER
    "+" HEARTH_LOWER "*|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|" HEARTH_SPACES;
constexpr std::string_view kYoutuWords =
    "[^\\r\\n\\p{L}\\p{N}]?" HEARTH_UPPER "*" HEARTH_LOWER "+" HEARTH_CONTRACTION
    "?|[^\\r\\n\\p{L}\\p{N}]?" HEARTH_UPPER "+" HEARTH_LOWER "*" HEARTH_CONTRACTION
    "?|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|" HEARTH_SPACES;
constexpr std::string_view kDeepseek3 = HEARTH_SIGNS
    "[A-Za-z]+|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| "
    "?[\\p{P}\\p{S}]+[\\r\\n]*|" HEARTH_SPACES;
constexpr std::string_view kSeedCoder = HEARTH_CONTRACTION
    "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}\\r\\n]+|" HEARTH_SPACES;
constexpr std::string_view kBailing =
    "'(?:[sSdDmMtT]|[lL][lL]|[vV][eE]|[rR][eE])|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}|"
    " ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]|\\s+(?!\\S)|\\s+";
constexpr std::string_view kMiniCpm5 = HEARTH_CONTRACTION
    "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}+| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|" HEARTH_SPACES;
constexpr std::string_view kBloom = " ?[^(\\s|.,!?…。，、।۔،)]+";
constexpr std::string_view kCasedWord = "\\s?[" HEARTH_CASED_LETTERS "]+";
constexpr std::string_view kCjkAndKana = "[一-龥぀-ゟ゠-ヿ]+";

#undef HEARTH_CONTRACTION
#undef HEARTH_UPPER
#undef HEARTH_LOWER
#undef HEARTH_SPACES
#undef HEARTH_SIGNS
#undef HEARTH_CASED_LETTERS

struct Family {
  std::span<const std::string_view> names;
  std::span<const std::string_view> patterns;
  bool ignores_merges = false;
  bool adds_bos = false;
};

constexpr std::string_view kGpt2Names[] = {
    "gpt-2",    "phi-2",    "jina-es",     "jina-de",        "jina-v2-es", "jina-v2-de",
    "gigachat", "a.x-4.0",  "mellum",      "exaone4",        "mpt",        "olmo",
    "jais",     "trillion", "modern-bert", "granite-docling"};
constexpr std::string_view kGpt2Patterns[] = {kGpt2};
constexpr std::string_view kDigitsFirstNames[] = {
    "smollm", "starcoder", "refact", "command-r", "codeshell", "exaone", "minerva-7b", "mellum2"};
constexpr std::string_view kDigitsFirstPatterns[] = {kDigit, kGpt2};
constexpr std::string_view kLlama3Names[] = {"llama3",    "llama-v3", "llama-bpe", "falcon3",
                                             "falcon-h1", "pixtral",  "midm-2.0",  "lfm2"};
constexpr std::string_view kLlama3Patterns[] = {kLlama3};
constexpr std::string_view kDbrxNames[] = {"dbrx", "smaug-bpe", "chatglm-bpe"};
constexpr std::string_view kGlm4Names[] = {"glm4", "glm5"};
constexpr std::string_view kQwen2Names[] = {"qwen2",      "deepseek-r1-qwen", "kormo",
                                            "f2llmv2",    "stablelm2",        "hunyuan",
                                            "solar-open", "megrez",           "grok-2"};
constexpr std::string_view kQwen2Patterns[] = {kQwen2};
constexpr std::string_view kQwen35Names[] = {"qwen35"};
constexpr std::string_view kQwen35Patterns[] = {kQwen35};
constexpr std::string_view kGpt4oNames[] = {"gpt-4o", "llama4", "kanana2", "talkie", "minimax-m2"};
constexpr std::string_view kGpt4oPatterns[] = {kGpt4o};
constexpr std::string_view kTekkenNames[] = {"tekken"};
constexpr std::string_view kTekkenPatterns[] = {kTekken};
constexpr std::string_view kYoutuNames[] = {"youtu"};
// clang-format off
constexpr std::string_view kYoutuPatterns[] = {
    "[가-힣ㄱ-ㆎ]+|[！…“”‘’—：；，、-〿︰-﹏]+|[ㄅ-ㄯ]+|[一-龥぀-ゟ゠-ヿ]+",
    kYoutuWords};
// clang-format on
constexpr std::string_view kDeepseek3Names[] = {"deepseek-v3", "hunyuan-dense", "joyai-llm",
                                                "hy_v4"};
constexpr std::string_view kDeepseek3Patterns[] = {kThreeDigits, kCjkAndKana, kDeepseek3};
constexpr std::string_view kDeepseekCoderNames[] = {"deepseek-coder"};
constexpr std::string_view kDeepseekCoderPatterns[] = {"[\\r\\n]", "\\s?\\p{L}+", "\\s?\\p{P}+",
                                                       "[一-龥ࠀ-一가-퟿]+", kDigit};
constexpr std::string_view kDeepseekLlmNames[] = {"deepseek-llm"};
constexpr std::string_view kDeepseekLlmPatterns[] = {
    "[\\r\\n]", kCasedWord, "\\s?[!-/:-~！-／：-～‘-‟　-。]+", "\\s+$", "[一-龥ࠀ-一가-퟿]+",
    "\\p{N}+"};
constexpr std::string_view kFalconNames[] = {"falcon"};
constexpr std::string_view kFalconPatterns[] = {"[\\p{P}$+<=>^~|`]+", kGpt2, "[0-9][0-9][0-9]"};
constexpr std::string_view kDefaultNames[] = {"default", ""};
constexpr std::string_view kDefaultPatterns[] = {"[\\p{P}$+<=>^~|]+", kGpt2, "\\p{N}+",
                                                 "[0-9][0-9][0-9]"};
constexpr std::string_view kSeedCoderNames[] = {"seed-coder"};
constexpr std::string_view kSeedCoderPatterns[] = {kSeedCoder};
constexpr std::string_view kBailingNames[] = {"bailingmoe", "bailingmoe2", "llada-moe"};
constexpr std::string_view kBailingPatterns[] = {kBailing};
constexpr std::string_view kMiniCpm5Names[] = {"minicpm5"};
constexpr std::string_view kMiniCpm5Patterns[] = {kThreeDigits, kMiniCpm5};
constexpr std::string_view kBloomNames[] = {"bloom", "poro-chat", "gpt3-finnish"};
constexpr std::string_view kBloomPatterns[] = {kBloom};
constexpr std::string_view kVikingNames[] = {"viking"};
constexpr std::string_view kVikingPatterns[] = {kBloom, kDigit};

constexpr Family kFamilies[] = {
    {kGpt2Names, kGpt2Patterns},
    {kDigitsFirstNames, kDigitsFirstPatterns},
    {kLlama3Names, kLlama3Patterns, true, true},
    {kDbrxNames, kLlama3Patterns},
    {kGlm4Names, kLlama3Patterns, true},
    {kQwen2Names, kQwen2Patterns},
    {kQwen35Names, kQwen35Patterns},
    {kGpt4oNames, kGpt4oPatterns},
    {kTekkenNames, kTekkenPatterns, true, true},
    {kYoutuNames, kYoutuPatterns, true},
    {kDeepseek3Names, kDeepseek3Patterns},
    {kDeepseekCoderNames, kDeepseekCoderPatterns},
    {kDeepseekLlmNames, kDeepseekLlmPatterns},
    {kFalconNames, kFalconPatterns},
    {kDefaultNames, kDefaultPatterns},
    {kSeedCoderNames, kSeedCoderPatterns},
    {kBailingNames, kBailingPatterns},
    {kMiniCpm5Names, kMiniCpm5Patterns, true},
    {kBloomNames, kBloomPatterns},
    {kVikingNames, kVikingPatterns},
};

std::vector<TextCharacter> DecodeText(std::string_view text) {
  std::vector<TextCharacter> characters;
  characters.reserve(text.size());
  for (size_t at = 0; at < text.size();) {
    const Utf8Step step = DecodeUtf8(text.substr(at));
    characters.push_back({step.code_point, static_cast<uint32_t>(at), CategoryOf(step.code_point)});
    at += step.length;
  }
  return characters;
}

}  // namespace

Result<PreTokenizer> PreTokenizer::Find(std::string_view name) {
  for (const Family& family : kFamilies) {
    for (const std::string_view candidate : family.names) {
      if (candidate != name) continue;
      PreTokenizer found;
      found.ignores_merges_ = family.ignores_merges;
      found.adds_bos_ = family.adds_bos;
      for (const std::string_view pattern : family.patterns) found.patterns_.emplace_back(pattern);
      return found;
    }
  }
  return MakeError(ErrorCode::kUnsupported, "tokenizer.ggml.pre: the pre-tokenizer '", name,
                   "' is not known to this build");
}

std::vector<std::string_view> PreTokenizer::Split(std::string_view text) const {
  const std::vector<TextCharacter> characters = DecodeText(text);
  std::vector<size_t> ends = {characters.size()};
  for (const SplitPattern& pattern : patterns_) {
    std::vector<size_t> finer;
    finer.reserve(ends.size());
    size_t begin = 0;
    for (const size_t end : ends) {
      pattern.Split(characters, begin, end, finer);
      begin = end;
    }
    ends = std::move(finer);
  }
  std::vector<std::string_view> words;
  words.reserve(ends.size());
  size_t begin = 0;
  for (const size_t end : ends) {
    const size_t stop = end < characters.size() ? characters[end].offset : text.size();
    words.push_back(text.substr(begin, stop - begin));
    begin = stop;
  }
  return words;
}

}  // namespace hearth::model
