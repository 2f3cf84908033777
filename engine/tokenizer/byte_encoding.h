#ifndef ORIEL_ENGINE_TOKENIZER_BYTE_ENCODING_H_
#define ORIEL_ENGINE_TOKENIZER_BYTE_ENCODING_H_

#include <cstdint>
#include <string>
#include <string_view>

namespace oriel {

// Byte-level vocabularies write each byte as one printable character, so that a token that is half
// a character or a line feed can stand in a text file: the 188 bytes that are printable in Latin-1
// stand for themselves, the other 68 are, in order, U+0100 … U+0143 (a space is U+0120 'Ġ', a line
// feed U+010A 'Ċ').
//
// Source  GPT-2's bytes_to_unicode.

// The character of one byte, as UTF-8.
std::string EncodeByte(uint8_t byte);

// The bytes that a token's text stands for. A character that stands for no byte is kept as it is:
// some vocabularies list added tokens, written plainly, as normal ones.
std::string DecodeByteText(std::string_view text);

}  // namespace oriel

#endif  // ORIEL_ENGINE_TOKENIZER_BYTE_ENCODING_H_
