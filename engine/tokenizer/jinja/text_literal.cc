#include "engine/tokenizer/jinja/text_literal.h"

#include <algorithm>
#include <charconv>
#include <cstdint>

#include "engine/tokenizer/jinja/text.h"
#include "kernels/core/status.h"

namespace oriel::jinja {
namespace {

// Escapes of one letter, and what each stands for.
constexpr std::string_view kLetters = "abfnrtv\\'\"";
constexpr std::string_view kMeanings = "\a\b\f\n\r\t\v\\'\"";

absl::Status AppendDigits(std::string_view digits, int base, std::string& out) {
  uint32_t code_point = 0;
  const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), code_point, base);
  if (digits.empty() || read.ec != std::errc() || read.ptr != digits.data() + digits.size() ||
      !AppendUtf8(code_point, out)) {
    return absl::InvalidArgumentError("a text literal has an escape that is no code point");
  }
  return absl::OkStatus();
}

size_t CountOctalDigits(std::string_view text) {
  constexpr size_t kDigitsMax = 3;
  const size_t end = std::min(text.find_first_not_of("01234567"), text.size());
  return std::min(end, kDigitsMax);
}

// Appends the escape whose letter stands at `position`, which moves past it.
absl::Status AppendEscape(std::string_view literal, size_t& position, std::string& out) {
  const char letter = literal[position];
  if (const size_t place = kLetters.find(letter); place != std::string_view::npos) {
    out.push_back(kMeanings[place]);
    ++position;
    return absl::OkStatus();
  }
  const size_t num_hex = letter == 'x' ? 2 : letter == 'u' ? 4 : letter == 'U' ? 8 : 0;
  if (num_hex > 0) {
    const std::string_view digits = literal.substr(position + 1, num_hex);
    if (digits.size() < num_hex) {
      return absl::InvalidArgumentError("a text literal has an escape that is cut short");
    }
    position += 1 + num_hex;
    return AppendDigits(digits, 16, out);
  }
  if (const size_t num_octal = CountOctalDigits(literal.substr(position)); num_octal > 0) {
    const std::string_view digits = literal.substr(position, num_octal);
    position += num_octal;
    return AppendDigits(digits, 8, out);
  }
  if (letter == 'N') {
    return absl::InvalidArgumentError("character names (\\N) are not supported");
  }
  if (letter == '\n') {
    ++position;
  } else {
    out.push_back('\\');
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::string> DecodeTextLiteral(std::string_view literal) {
  std::string out;
  for (size_t position = 0; position < literal.size();) {
    const size_t mark = std::min(literal.find('\\', position), literal.size());
    out.append(literal.substr(position, mark - position));
    position = mark + 1;
    if (position < literal.size()) {
      ORIEL_RETURN_IF_ERROR(AppendEscape(literal, position, out));
    }
  }
  return out;
}

}  // namespace oriel::jinja
