#ifndef ORIEL_ENGINE_TOKENIZER_JINJA_METHODS_H_
#define ORIEL_ENGINE_TOKENIZER_JINJA_METHODS_H_

#include <string_view>

#include "absl/types/span.h"
#include "engine/tokenizer/jinja/function.h"

namespace oriel::jinja {

// The method `name` of an object's type; null where the type has none or the interpreter lacks it.
const NamedFunction* FindMethod(const Value& object, std::string_view name);

// The methods of str.
absl::Span<const NamedFunction> TextMethods();

// The entry of `functions` called `name`, or null.
const NamedFunction* FindFunction(absl::Span<const NamedFunction> functions, std::string_view name);

}  // namespace oriel::jinja

#endif  // ORIEL_ENGINE_TOKENIZER_JINJA_METHODS_H_
