#ifndef ORIEL_ENGINE_TOKENIZER_JINJA_PRINTING_H_
#define ORIEL_ENGINE_TOKENIZER_JINJA_PRINTING_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/tokenizer/jinja/builder.h"
#include "engine/tokenizer/jinja/value.h"

namespace oriel::jinja {

// str() of a value, which is what {{ value }} prints: text as it is, an undefined value as nothing.
absl::StatusOr<std::string> Print(Budget& budget, const Value& value);

// repr() of a value, which is how it prints inside a list: ['a', None, {'b': 1.0}].
absl::Status Represent(Budget& budget, const Value& value, TextBuilder& out);

}  // namespace oriel::jinja

#endif  // ORIEL_ENGINE_TOKENIZER_JINJA_PRINTING_H_
