#include "engine/tokenizer/jinja/predicates.h"

#include "absl/strings/str_cat.h"
#include "engine/tokenizer/jinja/arguments.h"
#include "engine/tokenizer/jinja/comparison.h"
#include "engine/tokenizer/jinja/filters.h"
#include "engine/tokenizer/jinja/operators.h"
#include "engine/tokenizer/jinja/runtime.h"
#include "engine/tokenizer/jinja/text.h"
#include "kernels/core/status.h"

namespace oriel::jinja {
namespace {

// A test of the value alone.
using Check = bool (*)(const Value& value);

bool IsIterable(const Value& value) {
  return value.is_text() || value.is_sequence() || value.is_dict() || value.is_undefined();
}

// Anything with a length and items by place or key, so text and dicts too.
bool IsSequenceLike(const Value& value) {
  if (value.is_sequence()) {
    const SequenceKind kind = value.sequence().kind;
    return kind == SequenceKind::kList || kind == SequenceKind::kTuple ||
           kind == SequenceKind::kRange;
  }
  return value.is_text() || value.is_dict() || value.is_undefined();
}

bool IsCallable(const Value& value) {
  return value.kind() == Value::Kind::kFunction || value.kind() == Value::Kind::kMacro ||
         value.is_undefined();
}

struct NamedCheck {
  std::string_view name;
  Check check;
};

constexpr NamedCheck kChecks[] = {
    {"boolean", [](const Value& value) { return value.is_bool(); }},
    {"callable", IsCallable},
    {"defined", [](const Value& value) { return !value.is_undefined(); }},
    {"false", [](const Value& value) { return value.is_bool() && !value.boolean(); }},
    {"float", [](const Value& value) { return value.kind() == Value::Kind::kFloat; }},
    {"integer", [](const Value& value) { return value.kind() == Value::Kind::kInt; }},
    {"iterable", IsIterable},
    {"mapping", [](const Value& value) { return value.is_dict(); }},
    {"none", [](const Value& value) { return value.is_none(); }},
    {"number", [](const Value& value) { return value.is_number(); }},
    {"sequence", IsSequenceLike},
    {"string", [](const Value& value) { return value.is_text(); }},
    {"true", [](const Value& value) { return value.is_bool() && value.boolean(); }},
    {"undefined", [](const Value& value) { return value.is_undefined(); }},
};

// A test that looks at arguments, or into the value.
using Predicate = absl::StatusOr<bool> (*)(Runtime& runtime, const Value& value,
                                           const Arguments& arguments);

absl::StatusOr<Value> OneArgument(const Arguments& arguments) {
  ORIEL_ASSIGN_OR_RETURN(const auto bound, BoundArguments::Bind(arguments, {"other"}, 1));
  return bound.value(0);
}

absl::StatusOr<bool> Equals(Runtime& runtime, const Value& value, const Arguments& arguments) {
  ORIEL_ASSIGN_OR_RETURN(const Value other, OneArgument(arguments));
  return AreEqual(runtime.budget, value, other);
}

// Python's identity, which templates ask of none, true and false.
absl::StatusOr<bool> IsSame(Runtime& runtime, const Value& value, const Arguments& arguments) {
  ORIEL_ASSIGN_OR_RETURN(const Value other, OneArgument(arguments));
  return value.kind() == other.kind() ? AreEqual(runtime.budget, value, other) : false;
}

absl::StatusOr<bool> Differs(Runtime& runtime, const Value& value, const Arguments& arguments) {
  ORIEL_ASSIGN_OR_RETURN(const bool equal, Equals(runtime, value, arguments));
  return !equal;
}

absl::StatusOr<int> OrderToOther(Runtime& runtime, const Value& value, const Arguments& arguments) {
  ORIEL_ASSIGN_OR_RETURN(const Value other, OneArgument(arguments));
  return Order(runtime.budget, value, other);
}

absl::StatusOr<bool> IsLess(Runtime& runtime, const Value& value, const Arguments& arguments) {
  ORIEL_ASSIGN_OR_RETURN(const int order, OrderToOther(runtime, value, arguments));
  return order < 0;
}

absl::StatusOr<bool> IsAtMost(Runtime& runtime, const Value& value, const Arguments& arguments) {
  ORIEL_ASSIGN_OR_RETURN(const int order, OrderToOther(runtime, value, arguments));
  return order <= 0;
}

absl::StatusOr<bool> IsGreater(Runtime& runtime, const Value& value, const Arguments& arguments) {
  ORIEL_ASSIGN_OR_RETURN(const int order, OrderToOther(runtime, value, arguments));
  return order > 0;
}

absl::StatusOr<bool> IsAtLeast(Runtime& runtime, const Value& value, const Arguments& arguments) {
  ORIEL_ASSIGN_OR_RETURN(const int order, OrderToOther(runtime, value, arguments));
  return order >= 0;
}

absl::StatusOr<bool> IsIn(Runtime& runtime, const Value& value, const Arguments& arguments) {
  ORIEL_ASSIGN_OR_RETURN(const Value container, OneArgument(arguments));
  return Contains(runtime.budget, container, value);
}

absl::StatusOr<bool> LeavesRemainder(Runtime& runtime, const Value& value, const Value& divisor,
                                     int64_t remainder) {
  ORIEL_ASSIGN_OR_RETURN(const Value left,
                         Calculate(runtime.budget, ArithmeticOperator::kModulo, value, divisor));
  return AreEqual(runtime.budget, left, Value(remainder));
}

absl::StatusOr<bool> IsDivisibleBy(Runtime& runtime, const Value& value,
                                   const Arguments& arguments) {
  ORIEL_ASSIGN_OR_RETURN(const auto bound, BoundArguments::Bind(arguments, {"num"}, 1));
  return LeavesRemainder(runtime, value, bound.value(0), 0);
}

absl::StatusOr<bool> IsEven(Runtime& runtime, const Value& value, const Arguments&) {
  return LeavesRemainder(runtime, value, Value(int64_t{2}), 0);
}

absl::StatusOr<bool> IsOdd(Runtime& runtime, const Value& value, const Arguments&) {
  return LeavesRemainder(runtime, value, Value(int64_t{2}), 1);
}

absl::StatusOr<bool> IsLower(Runtime& runtime, const Value& value, const Arguments&) {
  if (!value.is_text()) {
    return false;
  }
  ORIEL_RETURN_IF_ERROR(runtime.budget.Build(4 * value.text().size()));
  return Lower(value.text()) == value.text() && Upper(value.text()) != value.text();
}

absl::StatusOr<bool> IsUpper(Runtime& runtime, const Value& value, const Arguments&) {
  if (!value.is_text()) {
    return false;
  }
  ORIEL_RETURN_IF_ERROR(runtime.budget.Build(4 * value.text().size()));
  return Upper(value.text()) == value.text() && Lower(value.text()) != value.text();
}

absl::StatusOr<bool> IsFilterName(Runtime&, const Value& value, const Arguments&) {
  return value.is_text() && FindFilter(value.text()) != nullptr;
}

struct NamedPredicate {
  std::string_view name;
  Predicate predicate;
};

constexpr NamedPredicate kPredicates[] = {
    {"!=", Differs},
    {"<", IsLess},
    {"<=", IsAtMost},
    {"==", Equals},
    {">", IsGreater},
    {">=", IsAtLeast},
    {"divisibleby", IsDivisibleBy},
    {"eq", Equals},
    {"equalto", Equals},
    {"even", IsEven},
    {"filter", IsFilterName},
    {"ge", IsAtLeast},
    {"greaterthan", IsGreater},
    {"gt", IsGreater},
    {"in", IsIn},
    {"le", IsAtMost},
    {"lessthan", IsLess},
    {"lower", IsLower},
    {"lt", IsLess},
    {"ne", Differs},
    {"odd", IsOdd},
    {"sameas", IsSame},
    {"upper", IsUpper},
};

}  // namespace

absl::StatusOr<bool> TestValue(Runtime& runtime, std::string_view name, const Value& value,
                               const Arguments& arguments) {
  for (const NamedCheck& entry : kChecks) {
    if (entry.name == name) {
      return entry.check(value);
    }
  }
  for (const NamedPredicate& entry : kPredicates) {
    if (entry.name == name) {
      return entry.predicate(runtime, value, arguments);
    }
  }
  return absl::InvalidArgumentError(absl::StrCat("No test named '", ToAbsl(name), "'."));
}

}  // namespace oriel::jinja
