#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/tokenizer/jinja/access.h"
#include "engine/tokenizer/jinja/builder.h"
#include "engine/tokenizer/jinja/comparison.h"
#include "engine/tokenizer/jinja/filters.h"
#include "engine/tokenizer/jinja/functions.h"
#include "engine/tokenizer/jinja/interpreter.h"
#include "engine/tokenizer/jinja/methods.h"
#include "engine/tokenizer/jinja/predicates.h"
#include "engine/tokenizer/jinja/printing.h"
#include "kernels/core/status.h"

namespace oriel::jinja {

absl::StatusOr<Value> Interpreter::Evaluate(const ExpressionPtr& expression) {
  if (expression == nullptr) {
    return Value();
  }
  const DepthGuard guard(depth_, runtime_.budget.limits().evaluation_depth_max);
  if (!guard.inside()) {
    return TooDeep();
  }
  ORIEL_RETURN_IF_ERROR(runtime_.budget.Steps(1));
  line_ = expression->line;
  Result result = std::visit([this](const auto& node) { return Evaluate(node); }, expression->node);
  if (result.ok()) {
    line_ = expression->line;
  }
  return result;
}

absl::StatusOr<Value> Interpreter::Evaluate(const Name& name) {
  if (const Value* found = scope_->Find(name.name); found != nullptr) {
    return *found;
  }
  if (const NamedFunction* function = FindFunction(GlobalFunctions(), name.name);
      function != nullptr) {
    return MakeMethod(runtime_.budget, *function, Value());
  }
  ORIEL_RETURN_IF_ERROR(runtime_.budget.Build(name.name.size()));
  return Value::Undefined(absl::StrCat("'", name.name, "' is undefined"));
}

absl::StatusOr<Value> Interpreter::Evaluate(const SequenceDisplay& display) {
  std::vector<Value> items;
  items.reserve(display.items.size());
  for (const ExpressionPtr& expression : display.items) {
    ORIEL_ASSIGN_OR_RETURN(Value item, Evaluate(expression));
    items.push_back(std::move(item));
  }
  return MakeSequence(runtime_.budget, display.kind, std::move(items));
}

absl::StatusOr<Value> Interpreter::Evaluate(const DictDisplay& display) {
  DictBuilder dict(runtime_.budget);
  for (const auto& [key_expression, value_expression] : display.entries) {
    ORIEL_ASSIGN_OR_RETURN(Value key, Evaluate(key_expression));
    ORIEL_ASSIGN_OR_RETURN(Value value, Evaluate(value_expression));
    ORIEL_RETURN_IF_ERROR(dict.Set(std::move(key), std::move(value)));
  }
  return dict.Finish();
}

absl::StatusOr<Value> Interpreter::Evaluate(const AttributeOf& attribute) {
  ORIEL_ASSIGN_OR_RETURN(const Value object, Evaluate(attribute.object));
  return GetAttribute(runtime_, object, attribute.name);
}

absl::StatusOr<Value> Interpreter::Evaluate(const ItemOf& item) {
  ORIEL_ASSIGN_OR_RETURN(const Value object, Evaluate(item.object));
  ORIEL_ASSIGN_OR_RETURN(const Value key, Evaluate(item.key));
  return GetItem(runtime_, object, key);
}

absl::StatusOr<Value> Interpreter::Evaluate(const SliceOf& slice) {
  ORIEL_ASSIGN_OR_RETURN(const Value object, Evaluate(slice.object));
  ORIEL_ASSIGN_OR_RETURN(const Value start, Evaluate(slice.start));
  ORIEL_ASSIGN_OR_RETURN(const Value stop, Evaluate(slice.stop));
  ORIEL_ASSIGN_OR_RETURN(const Value step, Evaluate(slice.step));
  return GetSlice(runtime_.budget, object, start, stop, step);
}

absl::StatusOr<Arguments> Interpreter::EvaluateArguments(const CallArguments& arguments) {
  Arguments values;
  for (const ExpressionPtr& expression : arguments.positional) {
    ORIEL_ASSIGN_OR_RETURN(Value value, Evaluate(expression));
    values.positional.push_back(std::move(value));
  }
  for (const auto& [name, expression] : arguments.named) {
    ORIEL_ASSIGN_OR_RETURN(Value value, Evaluate(expression));
    values.named.emplace_back(name, std::move(value));
  }
  if (arguments.more_positional != nullptr) {
    ORIEL_ASSIGN_OR_RETURN(const Value more, Evaluate(arguments.more_positional));
    ORIEL_ASSIGN_OR_RETURN(std::vector<Value> items, Iterate(runtime_.budget, more));
    for (Value& item : items) {
      values.positional.push_back(std::move(item));
    }
  }
  if (arguments.more_named != nullptr) {
    ORIEL_ASSIGN_OR_RETURN(const Value more, Evaluate(arguments.more_named));
    if (!more.is_dict()) {
      return absl::InvalidArgumentError("argument after ** must be a mapping");
    }
    for (const Dict::Entry& entry : more.dict().entries()) {
      if (!entry.key.is_text()) {
        return absl::InvalidArgumentError("keywords must be strings");
      }
      ORIEL_RETURN_IF_ERROR(runtime_.budget.Build(entry.key.text().size() + sizeof(Value)));
      values.named.emplace_back(entry.key.text(), entry.value);
    }
  }
  return values;
}

absl::StatusOr<Value> Interpreter::CallValue(const Value& callee, const Arguments& arguments) {
  switch (callee.kind()) {
    case Value::Kind::kFunction:
      return callee.function().body(runtime_, callee.function().self, arguments);
    case Value::Kind::kMacro:
      return CallMacro(callee.macro(), arguments);
    case Value::Kind::kUndefined:
      return absl::InvalidArgumentError(callee.complaint());
    case Value::Kind::kNone:
    case Value::Kind::kBool:
    case Value::Kind::kInt:
    case Value::Kind::kFloat:
    case Value::Kind::kText:
    case Value::Kind::kSequence:
    case Value::Kind::kDict:
    case Value::Kind::kNamespace:
    case Value::Kind::kLoop:
      break;
  }
  return absl::InvalidArgumentError(
      absl::StrCat("'", ToAbsl(callee.type_name()), "' object is not callable"));
}

absl::StatusOr<Value> Interpreter::Evaluate(const struct Call& call) {
  ORIEL_ASSIGN_OR_RETURN(const Value callee, Evaluate(call.callee));
  ORIEL_ASSIGN_OR_RETURN(const Arguments arguments, EvaluateArguments(call.arguments));
  return CallValue(callee, arguments);
}

absl::StatusOr<Value> Interpreter::Evaluate(const FilterUse& use) {
  ORIEL_ASSIGN_OR_RETURN(const Value input, Evaluate(use.input));
  ORIEL_ASSIGN_OR_RETURN(const Arguments arguments, EvaluateArguments(use.arguments));
  const NamedFunction* filter = FindFilter(use.name);
  if (filter == nullptr) {
    return absl::InvalidArgumentError(absl::StrCat("No filter named '", use.name, "'."));
  }
  return filter->body(runtime_, input, arguments);
}

absl::StatusOr<Value> Interpreter::Evaluate(const TestUse& use) {
  ORIEL_ASSIGN_OR_RETURN(const Value value, Evaluate(use.value));
  ORIEL_ASSIGN_OR_RETURN(const Arguments arguments, EvaluateArguments(use.arguments));
  ORIEL_ASSIGN_OR_RETURN(const bool passes, TestValue(runtime_, use.name, value, arguments));
  return Value(passes);
}

absl::StatusOr<Value> Interpreter::Evaluate(const Not& negation) {
  ORIEL_ASSIGN_OR_RETURN(const Value operand, Evaluate(negation.operand));
  return Value(!IsTrue(operand));
}

absl::StatusOr<Value> Interpreter::Evaluate(const Signed& value) {
  ORIEL_ASSIGN_OR_RETURN(const Value operand, Evaluate(value.operand));
  switch (value.sign) {
    case Sign::kMinus:
      return Negate(operand);
    case Sign::kPlus:
      // Adding zero refuses what has no sign, and turns True into 1.
      return Calculate(runtime_.budget, ArithmeticOperator::kAdd, operand, Value(int64_t{0}));
  }
  return operand;
}

absl::StatusOr<Value> Interpreter::Evaluate(const Arithmetic& arithmetic) {
  ORIEL_ASSIGN_OR_RETURN(const Value left, Evaluate(arithmetic.left));
  ORIEL_ASSIGN_OR_RETURN(const Value right, Evaluate(arithmetic.right));
  return Calculate(runtime_.budget, arithmetic.op, left, right);
}

absl::StatusOr<Value> Interpreter::Evaluate(const Concatenation& concatenation) {
  TextBuilder out(runtime_.budget);
  for (const ExpressionPtr& part : concatenation.parts) {
    ORIEL_ASSIGN_OR_RETURN(const Value value, Evaluate(part));
    ORIEL_ASSIGN_OR_RETURN(const std::string text, Print(runtime_.budget, value));
    ORIEL_RETURN_IF_ERROR(out.Append(text));
  }
  return out.Finish();
}

absl::StatusOr<bool> Interpreter::Compare(ComparisonOperator op, const Value& a, const Value& b) {
  Budget& budget = runtime_.budget;
  switch (op) {
    case ComparisonOperator::kEqual:
      return AreEqual(budget, a, b);
    case ComparisonOperator::kNotEqual: {
      ORIEL_ASSIGN_OR_RETURN(const bool equal, AreEqual(budget, a, b));
      return !equal;
    }
    case ComparisonOperator::kIn:
      return Contains(budget, b, a);
    case ComparisonOperator::kNotIn: {
      ORIEL_ASSIGN_OR_RETURN(const bool contained, Contains(budget, b, a));
      return !contained;
    }
    case ComparisonOperator::kLess:
    case ComparisonOperator::kLessOrEqual:
    case ComparisonOperator::kGreater:
    case ComparisonOperator::kGreaterOrEqual:
      break;
  }
  ORIEL_ASSIGN_OR_RETURN(const int order, Order(budget, a, b));
  switch (op) {
    case ComparisonOperator::kLess:
      return order < 0;
    case ComparisonOperator::kLessOrEqual:
      return order <= 0;
    case ComparisonOperator::kGreater:
      return order > 0;
    case ComparisonOperator::kGreaterOrEqual:
      return order >= 0;
    case ComparisonOperator::kEqual:
    case ComparisonOperator::kNotEqual:
    case ComparisonOperator::kIn:
    case ComparisonOperator::kNotIn:
      break;
  }
  return false;
}

absl::StatusOr<Value> Interpreter::Evaluate(const Comparison& comparison) {
  ORIEL_ASSIGN_OR_RETURN(Value left, Evaluate(comparison.first));
  for (const auto& [op, expression] : comparison.rest) {
    ORIEL_ASSIGN_OR_RETURN(Value right, Evaluate(expression));
    ORIEL_ASSIGN_OR_RETURN(const bool holds, Compare(op, left, right));
    if (!holds) {
      return Value(false);
    }
    left = std::move(right);
  }
  return Value(true);
}

absl::StatusOr<Value> Interpreter::Evaluate(const Logical& logical) {
  // As in Python, the operand that decides is the result.
  ORIEL_ASSIGN_OR_RETURN(const Value left, Evaluate(logical.left));
  const bool decided = IsTrue(left) == (logical.op == LogicalOperator::kOr);
  return decided ? Result(left) : Evaluate(logical.right);
}

absl::StatusOr<Value> Interpreter::Evaluate(const Conditional& conditional) {
  ORIEL_ASSIGN_OR_RETURN(const Value condition, Evaluate(conditional.condition));
  if (IsTrue(condition)) {
    return Evaluate(conditional.then);
  }
  if (conditional.otherwise != nullptr) {
    return Evaluate(conditional.otherwise);
  }
  return Value::Undefined(absl::StrCat("the inline if-expression on line ", line_,
                                       " evaluated to false and no else section was defined."));
}

}  // namespace oriel::jinja
