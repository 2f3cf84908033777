#ifndef ORIEL_ENGINE_TOKENIZER_UTF8_H_
#define ORIEL_ENGINE_TOKENIZER_UTF8_H_

#include <cstddef>
#include <string>
#include <string_view>

namespace oriel {

enum class Utf8Kind {
  kValid,       // one whole character
  kInvalid,     // bytes that no continuation makes valid
  kIncomplete,  // the text ends inside a character that further bytes could complete
};

struct Utf8Sequence {
  Utf8Kind kind = Utf8Kind::kInvalid;
  size_t size_bytes = 0;  // 1 … 4
};

// The sequence at the start of `text`, which must not be empty. Well-formed is what the Unicode
// standard says in its table 3-7: no overlong forms, no surrogates, nothing above U+10FFFF. An
// invalid sequence is the longest start of a character that is there (its "maximal subpart"), at
// least one byte.
Utf8Sequence NextUtf8Sequence(std::string_view text);

// The code point of one valid sequence.
char32_t DecodeUtf8(std::string_view sequence);

void AppendUtf8(char32_t code_point, std::string& out);

// U+FFFD, which stands for bytes that are no character.
inline constexpr std::string_view kReplacementCharacter = "\xEF\xBF\xBD";

// `text` with every invalid or incomplete sequence replaced by U+FFFD.
std::string ReplaceInvalidUtf8(std::string_view text);

}  // namespace oriel

#endif  // ORIEL_ENGINE_TOKENIZER_UTF8_H_
