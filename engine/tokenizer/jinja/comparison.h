#ifndef ORIEL_ENGINE_TOKENIZER_JINJA_COMPARISON_H_
#define ORIEL_ENGINE_TOKENIZER_JINJA_COMPARISON_H_

#include "absl/status/statusor.h"
#include "engine/tokenizer/jinja/budget.h"
#include "engine/tokenizer/jinja/value.h"

namespace oriel::jinja {

// Python's truth of a value: false for none, undefined, zero and whatever is empty.
bool IsTrue(const Value& value);

// Errors of all three: ResourceExhausted where comparing is too much work.

// a == b. Values of unlike types are unequal, never an error.
absl::StatusOr<bool> AreEqual(Budget& budget, const Value& a, const Value& b);

// Negative, zero or positive as a < b, a == b, a > b.
// Errors     InvalidArgument where Python orders the two types not at all.
absl::StatusOr<int> Order(Budget& budget, const Value& a, const Value& b);

// item in container: part of a text, member of a sequence, key of a dict.
// Errors     InvalidArgument where `container` is none of these.
absl::StatusOr<bool> Contains(Budget& budget, const Value& container, const Value& item);

}  // namespace oriel::jinja

#endif  // ORIEL_ENGINE_TOKENIZER_JINJA_COMPARISON_H_
