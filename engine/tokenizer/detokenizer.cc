#include "engine/tokenizer/detokenizer.h"

#include <utility>

#include "engine/tokenizer/utf8.h"

namespace oriel {

std::string Detokenizer::Append(TokenId id) {
  if (options_.skip_special_tokens && tokenizer_.IsSpecial(id)) return "";
  pending_ += tokenizer_.TokenBytes(id);
  std::string delta;
  std::string_view rest = pending_;
  while (!rest.empty()) {
    const Utf8Sequence sequence = NextUtf8Sequence(rest);
    if (sequence.kind == Utf8Kind::kIncomplete) break;
    delta += sequence.kind == Utf8Kind::kValid ? rest.substr(0, sequence.size_bytes)
                                               : kReplacementCharacter;
    rest.remove_prefix(sequence.size_bytes);
  }
  pending_ = std::string(rest);
  return delta;
}

std::string Detokenizer::Finish() { return ReplaceInvalidUtf8(std::exchange(pending_, "")); }

}  // namespace oriel
