#include "engine/tokenizer/jinja/format_spec.h"

#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "engine/tokenizer/jinja/printing.h"
#include "engine/tokenizer/jinja/text.h"
#include "kernels/core/status.h"

namespace oriel::jinja {
namespace {

absl::Status NotANumber(const FormatSpec& spec, const Value& value) {
  return absl::InvalidArgumentError(absl::StrFormat("%%%c format: a number is required, not %s",
                                                    spec.type, ToAbsl(value.type_name())));
}

// Digits of a magnitude in base 2, 8, 10 or 16.
std::string Digits(uint64_t magnitude, unsigned base) {
  std::string digits;
  do {
    digits.insert(digits.begin(), "0123456789abcdef"[magnitude % base]);
    magnitude /= base;
  } while (magnitude > 0);
  return digits;
}

void InsertCommas(std::string& digits) {
  const size_t mark = digits.find_first_of(".e");
  for (size_t i = mark == std::string::npos ? digits.size() : mark; i > 3; i -= 3) {
    digits.insert(i - 3, 1, ',');
  }
}

std::string FloatDigits(double magnitude, const FormatSpec& spec) {
  const int precision = spec.precision < 0 ? 6 : static_cast<int>(spec.precision);
  switch (spec.type) {
    case 'e':
      return absl::StrFormat("%.*e", precision, magnitude);
    case 'E':
      return absl::StrFormat("%.*E", precision, magnitude);
    case 'g':
      return absl::StrFormat("%.*g", precision, magnitude);
    case 'G':
      return absl::StrFormat("%.*G", precision, magnitude);
    case '%':
      return absl::StrFormat("%.*f%%", precision, magnitude * 100);
    default:
      return absl::StrFormat("%.*f", precision, magnitude);
  }
}

// A number without its sign.
std::string NumberDigits(const Value& value, const FormatSpec& spec) {
  const bool floating = std::string_view("eEfFgG%").find(spec.type) != std::string_view::npos;
  std::string digits;
  if (floating) {
    digits = FloatDigits(std::fabs(value.number()), spec);
  } else {
    const int64_t integer =
        value.is_integral() ? value.integer() : static_cast<int64_t>(value.number());
    const uint64_t magnitude =
        integer < 0 ? ~static_cast<uint64_t>(integer) + 1 : static_cast<uint64_t>(integer);
    switch (spec.type) {
      case 'x':
      case 'X':
        digits = absl::StrCat(spec.alternate ? "0x" : "", Digits(magnitude, 16));
        break;
      case 'o':
        digits = absl::StrCat(spec.alternate ? "0o" : "", Digits(magnitude, 8));
        break;
      case 'b':
        digits = absl::StrCat(spec.alternate ? "0b" : "", Digits(magnitude, 2));
        break;
      default:
        digits = Digits(magnitude, 10);
        break;
    }
    if (spec.type == 'X') {
      digits = Upper(digits);
    }
  }
  if (spec.commas) {
    InsertCommas(digits);
  }
  return digits;
}

absl::Status AppendFill(const FormatSpec& spec, size_t count, TextBuilder& out) {
  if (spec.fill.size() == 1) {
    return out.Append(count, spec.fill[0]);
  }
  for (size_t i = 0; i < count; ++i) {
    ORIEL_RETURN_IF_ERROR(out.Append(spec.fill));
  }
  return absl::OkStatus();
}

// Sign and digits, or an empty sign and text, filled up to the width.
absl::Status AppendPadded(const FormatSpec& spec, FormatSpec::Align align, std::string_view sign,
                          std::string_view body, TextBuilder& out) {
  const size_t length = sign.size() + CountCodePoints(body);
  const auto width = static_cast<size_t>(spec.width);
  const size_t missing = width > length ? width - length : 0;
  size_t before = 0;
  size_t after = 0;
  switch (align) {
    case FormatSpec::Align::kNatural:
    case FormatSpec::Align::kLeft:
      after = missing;
      break;
    case FormatSpec::Align::kRight:
    case FormatSpec::Align::kAfterSign:
      before = missing;
      break;
    case FormatSpec::Align::kCentre:
      before = missing / 2;
      after = missing - before;
      break;
  }
  const bool sign_first = align == FormatSpec::Align::kAfterSign;
  ORIEL_RETURN_IF_ERROR(out.Append(sign_first ? sign : ""));
  ORIEL_RETURN_IF_ERROR(AppendFill(spec, before, out));
  ORIEL_RETURN_IF_ERROR(out.Append(sign_first ? "" : sign));
  ORIEL_RETURN_IF_ERROR(out.Append(body));
  return AppendFill(spec, after, out);
}

}  // namespace

absl::StatusOr<int64_t> ReadFormatNumber(std::string_view format, size_t& position, int64_t limit) {
  int64_t number = 0;
  for (; position < format.size() && format[position] >= '0' && format[position] <= '9';
       ++position) {
    number = number * 10 + (format[position] - '0');
    if (number > limit) {
      return absl::InvalidArgumentError(
          absl::StrCat("a number in a format string is above ", limit));
    }
  }
  return number;
}

absl::Status AppendFormatted(Budget& budget, const FormatSpec& spec, const Value& value,
                             TextBuilder& out) {
  const bool natural = spec.align == FormatSpec::Align::kNatural;
  if (spec.type == 's') {
    ORIEL_ASSIGN_OR_RETURN(const std::string text, Print(budget, value));
    std::string_view body = text;
    if (spec.precision >= 0) {
      body = body.substr(0, ByteOffset(body, static_cast<size_t>(spec.precision)));
    }
    return AppendPadded(spec, natural ? FormatSpec::Align::kLeft : spec.align, "", body, out);
  }
  if (!value.is_number()) {
    return NotANumber(spec, value);
  }
  const double number = value.number();
  if (!std::isfinite(number) || (!value.is_integral() && std::fabs(number) >= 9e18)) {
    return absl::InvalidArgumentError("a number to format is infinite or too large");
  }
  std::string_view sign = spec.sign == '+' ? "+" : spec.sign == ' ' ? " " : "";
  if (number < 0 || (!value.is_integral() && std::signbit(number))) {
    sign = "-";
  }
  return AppendPadded(spec, natural ? FormatSpec::Align::kRight : spec.align, sign,
                      NumberDigits(value, spec), out);
}

}  // namespace oriel::jinja
