#ifndef ORIEL_ENGINE_TOKENIZER_JINJA_FUNCTIONS_H_
#define ORIEL_ENGINE_TOKENIZER_JINJA_FUNCTIONS_H_

#include "absl/types/span.h"
#include "engine/tokenizer/jinja/function.h"

namespace oriel::jinja {

// What every template may call: range, dict, namespace, raise_exception, strftime_now.
absl::Span<const NamedFunction> GlobalFunctions();

}  // namespace oriel::jinja

#endif  // ORIEL_ENGINE_TOKENIZER_JINJA_FUNCTIONS_H_
