#ifndef ORIEL_ENGINE_TOKENIZER_JINJA_FILTERS_H_
#define ORIEL_ENGINE_TOKENIZER_JINJA_FILTERS_H_

#include <string_view>

#include "absl/types/span.h"
#include "engine/tokenizer/jinja/function.h"

namespace oriel::jinja {

// The filter `name`, whose `self` is the value it is applied to; null where there is none.
const NamedFunction* FindFilter(std::string_view name);

// The filters by what they work on.
absl::Span<const NamedFunction> TextFilters();
absl::Span<const NamedFunction> NumberFilters();
absl::Span<const NamedFunction> SequenceFilters();
absl::Span<const NamedFunction> SelectionFilters();

}  // namespace oriel::jinja

#endif  // ORIEL_ENGINE_TOKENIZER_JINJA_FILTERS_H_
