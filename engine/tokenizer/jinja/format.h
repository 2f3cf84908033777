#ifndef ORIEL_ENGINE_TOKENIZER_JINJA_FORMAT_H_
#define ORIEL_ENGINE_TOKENIZER_JINJA_FORMAT_H_

#include <string_view>

#include "absl/status/statusor.h"
#include "engine/tokenizer/jinja/budget.h"
#include "engine/tokenizer/jinja/function.h"
#include "engine/tokenizer/jinja/value.h"

namespace oriel::jinja {

// Limits of both: a precision is at most 100 digits; widths are paid for as text.
// Errors of both: InvalidArgument naming what is wrong with the format; ResourceExhausted.

// format % values: conversions s r a d i u x X o c e E f F g G %, flags, width, precision and
// %(name)s. A width or precision of * is refused.
absl::StatusOr<Value> FormatPercent(Budget& budget, std::string_view format, const Value& values);

// format.format(…): fields {} {0} {name} with !s !r and a format specification. Attributes and
// items within a field ({0.name}) are refused.
absl::StatusOr<Value> FormatBraces(Budget& budget, std::string_view format,
                                   const Arguments& arguments);

}  // namespace oriel::jinja

#endif  // ORIEL_ENGINE_TOKENIZER_JINJA_FORMAT_H_
