#include "engine/tokenizer/pre_tokenizer_rules.h"

#include <array>

namespace oriel {
namespace {

// In these patterns \s, \p{L} and the like are Unicode classes. [^\P{L}a-z] reads: a letter that is
// not a-z.

// English suffixes, in the two ways that families spell them.
#define ORIEL_SUFFIXES R"re('s|'t|'re|'ve|'m|'ll|'d)re"
#define ORIEL_ANY_CASE_SUFFIXES R"re((?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD]))re"
// White space last: all but the last one of a run, then what is left.
#define ORIEL_SPACES R"re(\s+(?!\S)|\s+)re"

// GPT-2: a word, a number or punctuation, each with one space before it.
#define ORIEL_GPT2 ORIEL_SUFFIXES R"re(| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|)re" ORIEL_SPACES

// GPT-4 and its kin differ in how many digits stay together.
#define ORIEL_GPT4(digits)                                           \
  ORIEL_ANY_CASE_SUFFIXES R"re(|[^\r\n\p{L}\p{N}]?\p{L}+|)re" digits \
                          R"re(| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|)re" ORIEL_SPACES

// A word ends where capitals follow small letters. Letters without case count as both.
#define ORIEL_CASED_WORDS(suffixes)                            \
  R"re([^\r\n\p{L}\p{N}]?[^\P{L}a-z]*[^\P{L}A-Z]+)re" suffixes \
  R"re(|[^\r\n\p{L}\p{N}]?[^\P{L}a-z]+[^\P{L}A-Z]*)re" suffixes

#define ORIEL_AFTER_CASED_WORDS R"re(| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|)re" ORIEL_SPACES

constexpr std::array<std::string_view, 1> kGpt2 = {ORIEL_GPT2};
constexpr std::array<std::string_view, 2> kGpt2SingleDigits = {R"re(\p{N})re", ORIEL_GPT2};
constexpr std::array<std::string_view, 1> kGpt4ThreeDigits = {ORIEL_GPT4(R"re(\p{N}{1,3})re")};
constexpr std::array<std::string_view, 1> kGpt4OneDigit = {ORIEL_GPT4(R"re(\p{N})re")};
constexpr std::array<std::string_view, 1> kGpt4o = {
    ORIEL_CASED_WORDS(ORIEL_ANY_CASE_SUFFIXES "?") R"re(|\p{N}{1,3})re" ORIEL_AFTER_CASED_WORDS};
constexpr std::array<std::string_view, 1> kTekken = {
    ORIEL_CASED_WORDS("") R"re(|\p{N})re" ORIEL_AFTER_CASED_WORDS};
constexpr std::array<std::string_view, 3> kFalcon = {R"re([\p{P}$+<=>^~|`]+)re", ORIEL_GPT2,
                                                     "[0-9][0-9][0-9]"};
constexpr std::array<std::string_view, 4> kDefault = {R"re([\p{P}$+<=>^~|]+)re", ORIEL_GPT2,
                                                      R"re(\p{N}+)re", "[0-9][0-9][0-9]"};

// Chinese, Japanese and Korean characters as DeepSeek's first models group them.
constexpr std::string_view kAsianRuns =
    R"re([\x{4e00}-\x{9fa5}\x{800}-\x{4e00}\x{ac00}-\x{d7ff}]+)re";
// Letters with case, written out: newer versions of Unicode have more of them than the models know.
constexpr std::string_view kCasedRuns =
    R"re(\s?[)re"
    R"re(A-Za-z\x{b5}\x{c0}-\x{d6}\x{d8}-\x{f6}\x{f8}-\x{1ba}\x{1bc}-\x{1bf}\x{1c4}-\x{293})re"
    R"re(\x{295}-\x{2af}\x{370}-\x{373}\x{376}\x{377}\x{37b}-\x{37d}\x{37f}\x{386})re"
    R"re(\x{388}-\x{38a}\x{38c}\x{38e}-\x{3a1}\x{3a3}-\x{3f5}\x{3f7}-\x{481}\x{48a}-\x{52f})re"
    R"re(\x{531}-\x{556}\x{10a0}-\x{10c5}\x{13a0}-\x{13f5}\x{13f8}-\x{13fd}\x{1c90}-\x{1cba})re"
    R"re(\x{1cbd}-\x{1cbf}\x{1d00}-\x{1d2b}\x{1d6b}-\x{1d77}\x{1d79}-\x{1d9a})re"
    R"re(\x{1e00}-\x{1f15}\x{1f18}-\x{1f1d}\x{1f20}-\x{1f45}\x{1f48}-\x{1f4d})re"
    R"re(\x{1f50}-\x{1f57}\x{1f59}\x{1f5b}\x{1f5d}\x{1f5f}-\x{1f7d}\x{1f80}-\x{1fb4})re"
    R"re(\x{1fb6}-\x{1fbc}\x{1fbe}\x{1fc2}-\x{1fc4}\x{1fc6}-\x{1fcc}\x{1fd0}-\x{1fd3})re"
    R"re(\x{1fd6}-\x{1fdb}\x{1fe0}-\x{1fec}\x{1ff2}-\x{1ff4}\x{1ff6}-\x{1ffc}\x{2102}\x{2107})re"
    R"re(\x{210a}-\x{2113}\x{2115}\x{2119}-\x{211d}\x{2124}\x{2126}\x{2128}\x{212a}-\x{212d})re"
    R"re(\x{212f}-\x{2134}\x{2139}\x{213c}-\x{213f}\x{2145}-\x{2149}\x{214e}\x{2183}\x{2184})re"
    R"re(\x{2c00}-\x{2c7b}\x{2c7e}-\x{2ce4}\x{2ceb}-\x{2cee}\x{2cf2}\x{2cf3}\x{a640}-\x{a66d})re"
    R"re(\x{a680}-\x{a69b}\x{a722}-\x{a76f}\x{a771}-\x{a787}\x{a78b}-\x{a78e})re"
    R"re(\x{ab70}-\x{abbf}\x{fb00}-\x{fb06}\x{fb13}-\x{fb17}\x{ff21}-\x{ff3a})re"
    R"re(\x{ff41}-\x{ff5a}\x{10400}-\x{1044f}\x{104b0}-\x{104d3}\x{104d8}-\x{104fb})re"
    R"re(\x{10c80}-\x{10cb2}\x{10cc0}-\x{10cf2}\x{118a0}-\x{118df}\x{1e900}-\x{1e943})re"
    R"re(]+)re";

constexpr std::array<std::string_view, 6> kDeepSeekLlm = {
    R"re([\r\n])re",
    kCasedRuns,
    R"re(\s?[!-/:-~\x{ff01}-\x{ff0f}\x{ff1a}-\x{ff5e}\x{2018}-\x{201f}\x{3000}-\x{3002}]+)re",
    // Spaces at the end. The look-behind keeps the search from trying each space of a long run.
    R"re((?<!\s)\s+$)re",
    kAsianRuns,
    R"re(\p{N}+)re",
};
constexpr std::array<std::string_view, 5> kDeepSeekCoder = {
    R"re([\r\n])re", R"re(\s?\p{L}+)re", R"re(\s?\p{P}+)re", kAsianRuns, R"re(\p{N})re"};
constexpr std::array<std::string_view, 3> kDeepSeekV3 = {
    R"re(\p{N}{1,3})re",
    R"re([\x{4e00}-\x{9fa5}\x{3040}-\x{309f}\x{30a0}-\x{30ff}]+)re",
    R"re([!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+|)re"
    R"re( ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|)re" ORIEL_SPACES,
};

#undef ORIEL_SUFFIXES
#undef ORIEL_ANY_CASE_SUFFIXES
#undef ORIEL_SPACES
#undef ORIEL_GPT2
#undef ORIEL_GPT4
#undef ORIEL_CASED_WORDS
#undef ORIEL_AFTER_CASED_WORDS

constexpr PreTokenizerRule Rule(std::string_view name, std::span<const std::string_view> patterns) {
  return {.name = name, .patterns = patterns};
}

// The families whose tokenizers put the begin token first and look a whole piece up before they
// merge.
constexpr PreTokenizerRule WholePiecesRule(std::string_view name,
                                           std::span<const std::string_view> patterns) {
  return {.name = name, .patterns = patterns, .whole_pieces_first = true, .adds_begin_token = true};
}

constexpr std::array kRules = {
    Rule("default", kDefault),
    Rule("gpt-2", kGpt2),
    Rule("phi-2", kGpt2),
    Rule("mpt", kGpt2),
    Rule("olmo", kGpt2),
    Rule("smollm", kGpt2SingleDigits),
    Rule("starcoder", kGpt2SingleDigits),
    Rule("refact", kGpt2SingleDigits),
    Rule("command-r", kGpt2SingleDigits),
    Rule("codeshell", kGpt2SingleDigits),
    Rule("exaone", kGpt2SingleDigits),
    Rule("qwen2", kGpt4OneDigit),
    Rule("deepseek-r1-qwen", kGpt4OneDigit),
    Rule("megrez", kGpt4OneDigit),
    Rule("stablelm2", kGpt4OneDigit),
    WholePiecesRule("llama-bpe", kGpt4ThreeDigits),
    WholePiecesRule("llama3", kGpt4ThreeDigits),
    WholePiecesRule("llama-v3", kGpt4ThreeDigits),
    WholePiecesRule("falcon3", kGpt4ThreeDigits),
    WholePiecesRule("pixtral", kGpt4ThreeDigits),
    Rule("dbrx", kGpt4ThreeDigits),
    Rule("smaug-bpe", kGpt4ThreeDigits),
    Rule("glm4", kGpt4ThreeDigits),
    Rule("chatglm-bpe", kGpt4ThreeDigits),
    Rule("gpt-4o", kGpt4o),
    Rule("llama4", kGpt4o),
    WholePiecesRule("tekken", kTekken),
    Rule("falcon", kFalcon),
    Rule("deepseek-llm", kDeepSeekLlm),
    Rule("deepseek-coder", kDeepSeekCoder),
    Rule("deepseek-v3", kDeepSeekV3),
};

}  // namespace

std::span<const PreTokenizerRule> PreTokenizerRules() { return kRules; }

const PreTokenizerRule* FindPreTokenizerRule(std::string_view name) {
  for (const PreTokenizerRule& rule : kRules) {
    if (rule.name == name) return &rule;
  }
  return nullptr;
}

}  // namespace oriel
