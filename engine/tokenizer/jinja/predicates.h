#ifndef ORIEL_ENGINE_TOKENIZER_JINJA_PREDICATES_H_
#define ORIEL_ENGINE_TOKENIZER_JINJA_PREDICATES_H_

#include <string_view>

#include "absl/status/statusor.h"
#include "engine/tokenizer/jinja/function.h"

namespace oriel::jinja {

// `value is name(arguments)`: what Jinja calls a test.
// Errors     InvalidArgument where there is no such test, or it does not take these values.
absl::StatusOr<bool> TestValue(Runtime& runtime, std::string_view name, const Value& value,
                               const Arguments& arguments);

}  // namespace oriel::jinja

#endif  // ORIEL_ENGINE_TOKENIZER_JINJA_PREDICATES_H_
