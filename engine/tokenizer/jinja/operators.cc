#include "engine/tokenizer/jinja/operators.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "engine/tokenizer/jinja/builder.h"
#include "engine/tokenizer/jinja/format.h"
#include "kernels/core/status.h"

namespace oriel::jinja {
namespace {

std::string_view Symbol(ArithmeticOperator op) {
  switch (op) {
    case ArithmeticOperator::kAdd:
      return "+";
    case ArithmeticOperator::kSubtract:
      return "-";
    case ArithmeticOperator::kMultiply:
      return "*";
    case ArithmeticOperator::kDivide:
      return "/";
    case ArithmeticOperator::kFloorDivide:
      return "//";
    case ArithmeticOperator::kModulo:
      return "%";
    case ArithmeticOperator::kPower:
      return "** or pow()";
  }
  return "";
}

absl::Status Overflow() {
  return absl::InvalidArgumentError("an integer result needs more than 64 bits");
}

absl::Status DivisionByZero() { return absl::InvalidArgumentError("division by zero"); }

absl::Status Unsupported(ArithmeticOperator op, const Value& a, const Value& b) {
  if (op == ArithmeticOperator::kAdd && a.is_text()) {
    return absl::InvalidArgumentError(
        absl::StrCat("can only concatenate str (not \"", ToAbsl(b.type_name()), "\") to str"));
  }
  return absl::InvalidArgumentError(absl::StrCat("unsupported operand type(s) for ",
                                                 ToAbsl(Symbol(op)), ": '", ToAbsl(a.type_name()),
                                                 "' and '", ToAbsl(b.type_name()), "'"));
}

// Rounds down, where C++ rounds towards zero.
int64_t FloorDivide(int64_t a, int64_t b) {
  const int64_t quotient = a / b;
  return a % b != 0 && (a < 0) != (b < 0) ? quotient - 1 : quotient;
}

double FloatModulo(double a, double b) {
  const double remainder = std::fmod(a, b);
  return remainder != 0 && (remainder < 0) != (b < 0) ? remainder + b : remainder;
}

absl::StatusOr<Value> IntegerPower(int64_t base, int64_t exponent) {
  if (exponent < 0) {
    if (base == 0) {
      return absl::InvalidArgumentError("0.0 cannot be raised to a negative power");
    }
    return Value(std::pow(static_cast<double>(base), static_cast<double>(exponent)));
  }
  int64_t result = 1;
  for (; exponent > 0; exponent /= 2) {
    if (exponent % 2 == 1 && __builtin_mul_overflow(result, base, &result)) {
      return Overflow();
    }
    if (exponent > 1 && __builtin_mul_overflow(base, base, &base)) {
      return Overflow();
    }
  }
  return Value(result);
}

absl::StatusOr<Value> CalculateIntegers(ArithmeticOperator op, int64_t a, int64_t b) {
  const bool divides = op == ArithmeticOperator::kDivide ||
                       op == ArithmeticOperator::kFloorDivide || op == ArithmeticOperator::kModulo;
  if (divides && b == 0) {
    return DivisionByZero();
  }
  int64_t result = 0;
  switch (op) {
    case ArithmeticOperator::kAdd:
      return __builtin_add_overflow(a, b, &result) ? absl::StatusOr<Value>(Overflow())
                                                   : Value(result);
    case ArithmeticOperator::kSubtract:
      return __builtin_sub_overflow(a, b, &result) ? absl::StatusOr<Value>(Overflow())
                                                   : Value(result);
    case ArithmeticOperator::kMultiply:
      return __builtin_mul_overflow(a, b, &result) ? absl::StatusOr<Value>(Overflow())
                                                   : Value(result);
    case ArithmeticOperator::kDivide:
      return Value(static_cast<double>(a) / static_cast<double>(b));
    case ArithmeticOperator::kFloorDivide:
      return b == -1 && a == std::numeric_limits<int64_t>::min() ? absl::StatusOr<Value>(Overflow())
                                                                 : Value(FloorDivide(a, b));
    case ArithmeticOperator::kModulo:
      // By -1 apart, because the division behind % would overflow at the smallest integer.
      return Value(b == -1 ? int64_t{0} : a - FloorDivide(a, b) * b);
    case ArithmeticOperator::kPower:
      return IntegerPower(a, b);
  }
  return DivisionByZero();
}

absl::StatusOr<Value> CalculateFloats(ArithmeticOperator op, double a, double b) {
  const bool divides = op == ArithmeticOperator::kDivide ||
                       op == ArithmeticOperator::kFloorDivide || op == ArithmeticOperator::kModulo;
  if (divides && b == 0) {
    return DivisionByZero();
  }
  switch (op) {
    case ArithmeticOperator::kAdd:
      return Value(a + b);
    case ArithmeticOperator::kSubtract:
      return Value(a - b);
    case ArithmeticOperator::kMultiply:
      return Value(a * b);
    case ArithmeticOperator::kDivide:
      return Value(a / b);
    case ArithmeticOperator::kFloorDivide:
      return Value(std::floor((a - FloatModulo(a, b)) / b + 0.5));
    case ArithmeticOperator::kModulo:
      return Value(FloatModulo(a, b));
    case ArithmeticOperator::kPower:
      return Value(std::pow(a, b));
  }
  return DivisionByZero();
}

// Pays for `count` copies of `bytes` bytes, of which there may be more than a count can hold.
absl::Status PayForCopies(Budget& budget, uint64_t bytes, uint64_t count) {
  uint64_t total = 0;
  if (__builtin_mul_overflow(bytes, count, &total)) {
    total = std::numeric_limits<uint64_t>::max();
  }
  return budget.Build(total);
}

absl::StatusOr<Value> RepeatText(Budget& budget, const std::string& text, int64_t count) {
  const auto copies = static_cast<uint64_t>(std::max<int64_t>(count, 0));
  ORIEL_RETURN_IF_ERROR(PayForCopies(budget, text.size(), copies));
  std::string repeated;
  repeated.reserve(text.size() * copies);
  for (uint64_t i = 0; i < copies && !text.empty(); ++i) {
    repeated += text;
  }
  return Value::Text(std::move(repeated));
}

absl::StatusOr<Value> RepeatSequence(Budget& budget, const Sequence& sequence, int64_t count) {
  const auto copies = static_cast<uint64_t>(std::max<int64_t>(count, 0));
  ORIEL_RETURN_IF_ERROR(PayForCopies(budget, sequence.items.size() * sizeof(Value), copies));
  std::vector<Value> items;
  for (uint64_t i = 0; i < copies && !sequence.items.empty(); ++i) {
    items.insert(items.end(), sequence.items.begin(), sequence.items.end());
  }
  return MakeSequence(budget, sequence.kind, std::move(items));
}

bool IsListOrTuple(const Value& value) {
  return value.is_sequence() && (value.sequence().kind == SequenceKind::kList ||
                                 value.sequence().kind == SequenceKind::kTuple);
}

absl::StatusOr<Value> Add(Budget& budget, const Value& a, const Value& b) {
  if (a.is_text() && b.is_text()) {
    TextBuilder out(budget);
    ORIEL_RETURN_IF_ERROR(out.Append(a.text()));
    ORIEL_RETURN_IF_ERROR(out.Append(b.text()));
    return out.Finish();
  }
  if (IsListOrTuple(a) && IsListOrTuple(b) && a.sequence().kind == b.sequence().kind) {
    const std::vector<Value>& more = b.sequence().items;
    ORIEL_RETURN_IF_ERROR(budget.Build((a.sequence().items.size() + more.size()) * sizeof(Value)));
    std::vector<Value> items = a.sequence().items;
    items.insert(items.end(), more.begin(), more.end());
    return MakeSequence(budget, a.sequence().kind, std::move(items));
  }
  return Unsupported(ArithmeticOperator::kAdd, a, b);
}

absl::StatusOr<Value> Multiply(Budget& budget, const Value& a, const Value& b) {
  const Value& repeated = a.is_integral() ? b : a;
  const Value& count = a.is_integral() ? a : b;
  if (count.is_integral() && repeated.is_text()) {
    return RepeatText(budget, repeated.text(), count.integer());
  }
  if (count.is_integral() && IsListOrTuple(repeated)) {
    return RepeatSequence(budget, repeated.sequence(), count.integer());
  }
  return Unsupported(ArithmeticOperator::kMultiply, a, b);
}

}  // namespace

absl::StatusOr<Value> Calculate(Budget& budget, ArithmeticOperator op, const Value& a,
                                const Value& b) {
  const bool fills_format = op == ArithmeticOperator::kModulo && a.is_text();
  if (fills_format) {
    return FormatPercent(budget, a.text(), b);
  }
  if (a.is_undefined() || b.is_undefined()) {
    return absl::InvalidArgumentError((a.is_undefined() ? a : b).complaint());
  }
  if (a.is_integral() && b.is_integral()) {
    return CalculateIntegers(op, a.integer(), b.integer());
  }
  if (a.is_number() && b.is_number()) {
    return CalculateFloats(op, a.number(), b.number());
  }
  switch (op) {
    case ArithmeticOperator::kAdd:
      return Add(budget, a, b);
    case ArithmeticOperator::kMultiply:
      return Multiply(budget, a, b);
    case ArithmeticOperator::kSubtract:
    case ArithmeticOperator::kDivide:
    case ArithmeticOperator::kFloorDivide:
    case ArithmeticOperator::kModulo:
    case ArithmeticOperator::kPower:
      return Unsupported(op, a, b);
  }
  return Unsupported(op, a, b);
}

absl::StatusOr<Value> Negate(const Value& value) {
  if (value.is_undefined()) {
    return absl::InvalidArgumentError(value.complaint());
  }
  if (value.is_integral()) {
    return CalculateIntegers(ArithmeticOperator::kSubtract, 0, value.integer());
  }
  if (value.is_number()) {
    return Value(-value.number());
  }
  return absl::InvalidArgumentError(
      absl::StrCat("bad operand type for unary -: '", ToAbsl(value.type_name()), "'"));
}

}  // namespace oriel::jinja
