#ifndef ORIEL_ENGINE_TOKENIZER_JINJA_OPERATORS_H_
#define ORIEL_ENGINE_TOKENIZER_JINJA_OPERATORS_H_

#include "absl/status/statusor.h"
#include "engine/tokenizer/jinja/budget.h"
#include "engine/tokenizer/jinja/value.h"

namespace oriel::jinja {

enum class ArithmeticOperator {
  kAdd,
  kSubtract,
  kMultiply,
  kDivide,
  kFloorDivide,
  kModulo,
  kPower,
};

// a op b as Python has it; + also joins texts and lists, * repeats them, % fills in a format.
//
// Limits     integers have 64 bits; a result beyond them is an error, where Python goes on.
// Errors     InvalidArgument for types that the operator does not take, division by zero and
//            overflow; ResourceExhausted.
absl::StatusOr<Value> Calculate(Budget& budget, ArithmeticOperator op, const Value& a,
                                const Value& b);

absl::StatusOr<Value> Negate(const Value& value);

}  // namespace oriel::jinja

#endif  // ORIEL_ENGINE_TOKENIZER_JINJA_OPERATORS_H_
