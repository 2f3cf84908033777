#ifndef ORIEL_ENGINE_TOKENIZER_PRE_TOKENIZER_RULES_H_
#define ORIEL_ENGINE_TOKENIZER_PRE_TOKENIZER_RULES_H_

#include <span>
#include <string_view>

namespace oriel {

// How one family of models cuts text before merging.
struct PreTokenizerRule {
  std::string_view name;  // the value of tokenizer.ggml.pre
  // Applied in turn: each one splits every piece that the one before left.
  std::span<const std::string_view> patterns;
  // A piece that is a token as a whole becomes that token, whatever its merges would give.
  bool whole_pieces_first = false;
  // The begin token is added unless tokenizer.ggml.add_bos_token says otherwise.
  bool adds_begin_token = false;
};

// All rules that are known, in the order of a message that lists them.
//
// Source  llama.cpp, llm_tokenizer_bpe and llama_vocab::impl::load: model files carry that
//         program's names, and their ids must be the same. It does not normalize text, not even
//         where a family's own tokenizer composes characters first (Qwen2: NFC); neither do we.
std::span<const PreTokenizerRule> PreTokenizerRules();

// Null if no rule has this name.
const PreTokenizerRule* FindPreTokenizerRule(std::string_view name);

}  // namespace oriel

#endif  // ORIEL_ENGINE_TOKENIZER_PRE_TOKENIZER_RULES_H_
