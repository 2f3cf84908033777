#include "engine/tokenizer/jinja/text.h"

#include <string.h>  // memmem

#include <charconv>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "kernels/core/status.h"
#include "unicode/locid.h"
#include "unicode/uchar.h"
#include "unicode/unistr.h"
#include "unicode/utf8.h"

namespace oriel::jinja {
namespace {

icu::UnicodeString ToIcu(std::string_view text) {
  return icu::UnicodeString::fromUTF8(
      icu::StringPiece(text.data(), static_cast<int32_t>(text.size())));
}

std::string FromIcu(const icu::UnicodeString& text) {
  std::string out;
  return text.toUTF8String(out);
}

// The title case of one code point; several code points where the upper case is several (German
// sharp s gives "Ss").
std::string TitleCodePoint(std::string_view code_point) {
  if (code_point.empty()) {
    return "";
  }
  size_t position = 0;
  const auto from = static_cast<UChar32>(NextCodePoint(code_point, position));
  const UChar32 simple = u_totitle(from);
  std::string out;
  if (simple != from) {
    AppendUtf8(static_cast<uint32_t>(simple), out);
    return out;
  }
  const std::string upper = Upper(code_point);
  const size_t first_bytes = ByteOffset(upper, 1);
  return upper.substr(0, first_bytes) + Lower(std::string_view(upper).substr(first_bytes));
}

// What str.isprintable refuses: controls, unassigned and private code points, and every separator
// but the space.
bool IsPrintable(uint32_t code_point) {
  constexpr uint32_t kRefused = U_GC_C_MASK | U_GC_Z_MASK;
  return code_point == ' ' || (U_GET_GC_MASK(static_cast<UChar32>(code_point)) & kRefused) == 0;
}

bool Holds(std::string_view characters, uint32_t code_point) {
  for (size_t position = 0; position < characters.size();) {
    if (NextCodePoint(characters, position) == code_point) {
      return true;
    }
  }
  return false;
}

// The byte at which the code point that ends at `end` starts.
size_t PreviousStart(std::string_view text, size_t end) {
  size_t start = end - 1;
  while (start > 0 && (static_cast<unsigned char>(text[start]) & 0xC0) == 0x80) {
    --start;
  }
  return start;
}

template <typename Predicate>
std::string_view StripLeftIf(std::string_view text, Predicate removes) {
  size_t start = 0;
  for (size_t position = 0; position < text.size() && removes(NextCodePoint(text, position));) {
    start = position;
  }
  return text.substr(start);
}

template <typename Predicate>
std::string_view StripRightIf(std::string_view text, Predicate removes) {
  while (!text.empty()) {
    const size_t start = PreviousStart(text, text.size());
    size_t position = start;
    if (!removes(NextCodePoint(text, position))) {
      break;
    }
    text = text.substr(0, start);
  }
  return text;
}

void AppendEscaped(uint32_t code_point, char quote, std::string& out) {
  switch (code_point) {
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    case '\\':
      out += "\\\\";
      return;
    default:
      break;
  }
  if (code_point == static_cast<uint32_t>(quote)) {
    out += {'\\', quote};
  } else if (IsPrintable(code_point)) {
    AppendUtf8(code_point, out);
  } else if (code_point < 0x100) {
    absl::StrAppendFormat(&out, "\\x%02x", code_point);
  } else if (code_point < 0x10000) {
    absl::StrAppendFormat(&out, "\\u%04x", code_point);
  } else {
    absl::StrAppendFormat(&out, "\\U%08x", code_point);
  }
}

}  // namespace

bool IsValidUtf8(std::string_view text) {
  const auto* bytes = reinterpret_cast<const uint8_t*>(text.data());
  for (size_t position = 0; position < text.size();) {
    UChar32 code_point = 0;
    U8_NEXT(bytes, position, text.size(), code_point);
    if (code_point < 0) {
      return false;
    }
  }
  return true;
}

bool AppendUtf8(uint32_t code_point, std::string& out) {
  if (code_point > 0x10FFFF || (code_point >= 0xD800 && code_point <= 0xDFFF)) {
    return false;
  }
  char bytes[U8_MAX_LENGTH];
  size_t length = 0;
  U8_APPEND_UNSAFE(bytes, length, code_point);
  out.append(bytes, length);
  return true;
}

size_t CountCodePoints(std::string_view text) {
  size_t count = 0;
  for (const char byte : text) {
    count += (static_cast<unsigned char>(byte) & 0xC0) != 0x80 ? 1 : 0;
  }
  return count;
}

size_t ByteOffset(std::string_view text, size_t index) {
  // Whole blocks are counted, which is several times faster than decoding them.
  constexpr size_t kBlockBytes = 64;
  size_t position = 0;
  while (position + kBlockBytes <= text.size()) {
    const size_t count = CountCodePoints(text.substr(position, kBlockBytes));
    if (count > index) {
      break;
    }
    index -= count;
    position += kBlockBytes;
  }
  for (; position < text.size(); ++position) {
    const bool starts = (static_cast<unsigned char>(text[position]) & 0xC0) != 0x80;
    if (starts && index-- == 0) {
      break;
    }
  }
  return position;
}

uint32_t NextCodePoint(std::string_view text, size_t& position) {
  const auto* bytes = reinterpret_cast<const uint8_t*>(text.data());
  UChar32 code_point = 0;
  U8_NEXT_OR_FFFD(bytes, position, text.size(), code_point);
  return static_cast<uint32_t>(code_point);
}

bool IsSpace(uint32_t code_point) {
  return (code_point >= 0x09 && code_point <= 0x0D) || (code_point >= 0x1C && code_point <= 0x20) ||
         code_point == 0x85 || code_point == 0xA0 || code_point == 0x1680 ||
         (code_point >= 0x2000 && code_point <= 0x200A) || code_point == 0x2028 ||
         code_point == 0x2029 || code_point == 0x202F || code_point == 0x205F ||
         code_point == 0x3000;
}

std::string_view StripLeft(std::string_view text) { return StripLeftIf(text, IsSpace); }

std::string_view StripRight(std::string_view text) { return StripRightIf(text, IsSpace); }

std::string_view Strip(std::string_view text) { return StripRight(StripLeft(text)); }

std::string_view StripLeft(std::string_view text, std::string_view characters) {
  return StripLeftIf(text, [&](uint32_t code_point) { return Holds(characters, code_point); });
}

std::string_view StripRight(std::string_view text, std::string_view characters) {
  return StripRightIf(text, [&](uint32_t code_point) { return Holds(characters, code_point); });
}

size_t Find(std::string_view text, std::string_view needle, size_t from) {
  if (from > text.size()) {
    return std::string_view::npos;
  }
  const void* found = memmem(text.data() + from, text.size() - from, needle.data(), needle.size());
  if (found == nullptr) {
    return std::string_view::npos;
  }
  return static_cast<size_t>(static_cast<const char*>(found) - text.data());
}

std::string Upper(std::string_view text) {
  return FromIcu(ToIcu(text).toUpper(icu::Locale::getRoot()));
}

std::string Lower(std::string_view text) {
  return FromIcu(ToIcu(text).toLower(icu::Locale::getRoot()));
}

std::string Title(std::string_view text) {
  // Python starts a word after anything that has no case, so an apostrophe starts one too.
  std::string out;
  size_t word_start = 0;
  for (size_t position = 0; position < text.size();) {
    const auto code_point = static_cast<UChar32>(NextCodePoint(text, position));
    if (!u_hasBinaryProperty(code_point, UCHAR_CASED) || position == text.size()) {
      out += Capitalize(text.substr(word_start, position - word_start));
      word_start = position;
    }
  }
  return out;
}

std::string Capitalize(std::string_view text) {
  const size_t first_bytes = ByteOffset(text, 1);
  return absl::StrCat(TitleCodePoint(text.substr(0, first_bytes)), Lower(text.substr(first_bytes)));
}

std::string QuotedText(std::string_view text) {
  const bool has_single = text.find('\'') != std::string_view::npos;
  const bool has_double = text.find('"') != std::string_view::npos;
  const char quote = has_single && !has_double ? '"' : '\'';
  std::string out(1, quote);
  for (size_t position = 0; position < text.size();) {
    AppendEscaped(NextCodePoint(text, position), quote, out);
  }
  out.push_back(quote);
  return out;
}

std::string FloatText(double number) {
  if (std::isnan(number)) {
    return "nan";
  }
  if (std::isinf(number)) {
    return number < 0 ? "-inf" : "inf";
  }
  // to_chars in scientific form gives the shortest digits; Python lays them out without an
  // exponent where that lies in [-4, 16).
  char buffer[64];
  const auto end = std::to_chars(buffer, buffer + sizeof(buffer), std::fabs(number),
                                 std::chars_format::scientific);
  const std::string_view text(buffer, static_cast<size_t>(end.ptr - buffer));
  const size_t mark = text.find('e');
  std::string digits(text.substr(0, mark));
  if (digits.size() > 1) {
    digits.erase(1, 1);
  }
  const size_t sign_bytes = text[mark + 1] == '+' ? 1 : 0;
  int exponent = 0;
  std::from_chars(buffer + mark + 1 + sign_bytes, end.ptr, exponent);
  const absl::string_view sign = std::signbit(number) ? "-" : "";
  if (exponent < -4 || exponent >= 16) {
    const std::string_view point = digits.size() > 1 ? "." : "";
    return absl::StrCat(sign, digits.substr(0, 1), ToAbsl(point), digits.substr(1), "e",
                        absl::StrFormat("%c%02d", exponent < 0 ? '-' : '+', std::abs(exponent)));
  }
  if (exponent < 0) {
    return absl::StrCat(sign, "0.", std::string(static_cast<size_t>(-exponent - 1), '0'), digits);
  }
  const auto whole = static_cast<size_t>(exponent) + 1;
  if (digits.size() <= whole) {
    return absl::StrCat(sign, digits, std::string(whole - digits.size(), '0'), ".0");
  }
  return absl::StrCat(sign, digits.substr(0, whole), ".", digits.substr(whole));
}

}  // namespace oriel::jinja
