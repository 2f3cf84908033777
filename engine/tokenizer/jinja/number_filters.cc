#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <optional>
#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/str_format.h"
#include "engine/tokenizer/jinja/arguments.h"
#include "engine/tokenizer/jinja/filters.h"
#include "engine/tokenizer/jinja/operators.h"
#include "engine/tokenizer/jinja/runtime.h"
#include "engine/tokenizer/jinja/text.h"
#include "kernels/core/status.h"

namespace oriel::jinja {
namespace {

using Result = absl::StatusOr<Value>;

// The number that Python's float() reads in a text.
std::optional<double> ReadFloat(std::string_view text) {
  double number = 0;
  if (!absl::SimpleAtod(ToAbsl(Strip(text)), &number)) {
    return std::nullopt;
  }
  return number;
}

// The number that Python's int(text, base) reads, of bases 2 to 36, with 0x and its like before it.
std::optional<int64_t> ReadInteger(std::string_view text, int64_t base) {
  std::string digits(Strip(text));
  digits.erase(std::remove(digits.begin(), digits.end(), '_'), digits.end());
  const bool negative = !digits.empty() && digits[0] == '-';
  if (negative || (!digits.empty() && digits[0] == '+')) {
    digits.erase(0, 1);
  }
  const std::string prefix = digits.substr(0, 2);
  if ((base == 16 && (prefix == "0x" || prefix == "0X")) ||
      (base == 8 && (prefix == "0o" || prefix == "0O")) ||
      (base == 2 && (prefix == "0b" || prefix == "0B"))) {
    digits.erase(0, 2);
  }
  char* end = nullptr;
  errno = 0;
  const int64_t number = std::strtoll(digits.c_str(), &end, static_cast<int>(base));
  if (digits.empty() || digits[0] == '-' || digits[0] == '+' ||
      IsSpace(static_cast<unsigned char>(digits[0])) || *end != '\0' || errno != 0) {
    return std::nullopt;
  }
  return negative ? -number : number;
}

std::optional<int64_t> Truncate(double number) {
  constexpr double kEnd = 9223372036854775808.0;  // 2^63
  if (!(number > -kEnd && number < kEnd)) {
    return std::nullopt;
  }
  return static_cast<int64_t>(number);
}

Result ToInteger(Runtime& runtime, const Value& self, const Arguments& arguments) {
  ORIEL_ASSIGN_OR_RETURN(const auto bound, BoundArguments::Bind(arguments, {"default", "base"}));
  ORIEL_ASSIGN_OR_RETURN(const int64_t base, bound.Integer(1, 10));
  std::optional<int64_t> number;
  if (self.is_undefined()) {
    return absl::InvalidArgumentError(self.complaint());
  }
  if (base < 2 || base > 36) {
    return absl::InvalidArgumentError("int() base must be >= 2 and <= 36");
  }
  if (self.is_integral()) {
    number = self.integer();
  } else if (self.is_number()) {
    number = Truncate(self.number());
  } else if (self.is_text()) {
    ORIEL_RETURN_IF_ERROR(runtime.budget.Scan(self.text().size()));
    number = ReadInteger(self.text(), base);
    if (!number.has_value()) {
      number = Truncate(ReadFloat(self.text()).value_or(std::nan("")));
    }
  }
  if (number.has_value()) {
    return Value(*number);
  }
  return bound.has(0) ? bound.value(0) : Value(int64_t{0});
}

Result ToFloat(Runtime& runtime, const Value& self, const Arguments& arguments) {
  ORIEL_ASSIGN_OR_RETURN(const auto bound, BoundArguments::Bind(arguments, {"default"}));
  if (self.is_undefined()) {
    return absl::InvalidArgumentError(self.complaint());
  }
  if (self.is_number()) {
    return Value(self.number());
  }
  if (self.is_text()) {
    ORIEL_RETURN_IF_ERROR(runtime.budget.Scan(self.text().size()));
    if (const std::optional<double> number = ReadFloat(self.text()); number.has_value()) {
      return Value(*number);
    }
  }
  return bound.has(0) ? bound.value(0) : Value(0.0);
}

absl::Status CheckNumber(const Value& value) {
  if (value.is_undefined()) {
    return absl::InvalidArgumentError(value.complaint());
  }
  if (!value.is_number()) {
    return absl::InvalidArgumentError(
        absl::StrFormat("a number is required, not '%s'", ToAbsl(value.type_name())));
  }
  return absl::OkStatus();
}

Result Absolute(Runtime&, const Value& self, const Arguments&) {
  ORIEL_RETURN_IF_ERROR(CheckNumber(self));
  if (self.is_integral()) {
    return self.integer() < 0 ? Negate(self) : Result(Value(self.integer()));
  }
  return Value(std::fabs(self.number()));
}

// Rounds to decimals as Python does: half to even on the exact binary value.
double RoundDecimals(double number, int64_t decimals) {
  if (!std::isfinite(number) || decimals > 300) {
    return number;
  }
  if (decimals < 0) {
    const double scale = std::pow(10.0, static_cast<double>(-decimals));
    return std::nearbyint(number / scale) * scale;
  }
  double rounded = number;
  const std::string text = absl::StrFormat("%.*f", static_cast<int>(decimals), number);
  return absl::SimpleAtod(text, &rounded) ? rounded : number;
}

Result Round(Runtime&, const Value& self, const Arguments& arguments) {
  ORIEL_ASSIGN_OR_RETURN(const auto bound,
                         BoundArguments::Bind(arguments, {"precision", "method"}));
  ORIEL_ASSIGN_OR_RETURN(const int64_t decimals, bound.Integer(0, 0));
  ORIEL_ASSIGN_OR_RETURN(const std::string method, bound.Text(1, "common"));
  ORIEL_RETURN_IF_ERROR(CheckNumber(self));
  if (method == "common") {
    if (self.is_integral() && decimals >= 0) {
      return Value(self.integer());
    }
    return Value(RoundDecimals(self.number(), decimals));
  }
  if (method != "ceil" && method != "floor") {
    return absl::InvalidArgumentError("method must be common, ceil or floor");
  }
  const double scale = std::pow(10.0, static_cast<double>(decimals));
  const double scaled = self.number() * scale;
  return Value((method == "ceil" ? std::ceil(scaled) : std::floor(scaled)) / scale);
}

constexpr NamedFunction kNumberFilters[] = {
    {"abs", Absolute},
    {"float", ToFloat},
    {"int", ToInteger},
    {"round", Round},
};

}  // namespace

absl::Span<const NamedFunction> NumberFilters() { return kNumberFilters; }

}  // namespace oriel::jinja
