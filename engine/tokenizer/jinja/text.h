#ifndef ORIEL_ENGINE_TOKENIZER_JINJA_TEXT_H_
#define ORIEL_ENGINE_TOKENIZER_JINJA_TEXT_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace oriel::jinja {

// Python's str, as far as templates see it, over UTF-8: lengths and positions count code points,
// case and white space follow Unicode.
//
// Invariant  every text is valid UTF-8 (IsValidUtf8); where text enters the interpreter this is
//            checked, and cutting at code points keeps it.
// Threads    all functions are pure.

bool IsValidUtf8(std::string_view text);

// Appends one code point; false where it is no Unicode scalar value (a lone surrogate, too large).
bool AppendUtf8(uint32_t code_point, std::string& out);

size_t CountCodePoints(std::string_view text);

// The byte at which code point `index` starts; text.size() where there are fewer.
size_t ByteOffset(std::string_view text, size_t index);

// Reads the code point at byte `position` and moves `position` past it.
uint32_t NextCodePoint(std::string_view text, size_t& position);

// What str.isspace and the regular expression \s mean in Python.
bool IsSpace(uint32_t code_point);

std::string_view StripLeft(std::string_view text);
std::string_view StripRight(std::string_view text);
std::string_view Strip(std::string_view text);

// The same, removing the code points that `characters` holds.
std::string_view StripLeft(std::string_view text, std::string_view characters);
std::string_view StripRight(std::string_view text, std::string_view characters);

// The first byte of `needle` in `text` at or after `from`, or npos. Linear in both, unlike
// std::string::find, whose worst case a hostile template could ask for.
size_t Find(std::string_view text, std::string_view needle, size_t from);

std::string Upper(std::string_view text);
std::string Lower(std::string_view text);
std::string Title(std::string_view text);
std::string Capitalize(std::string_view text);

// repr() of a str: quotes, and escapes for what cannot be printed.
std::string QuotedText(std::string_view text);

// repr() of a float: the shortest digits that read back as the same number.
std::string FloatText(double number);

}  // namespace oriel::jinja

#endif  // ORIEL_ENGINE_TOKENIZER_JINJA_TEXT_H_
