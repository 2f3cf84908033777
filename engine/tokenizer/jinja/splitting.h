#ifndef ORIEL_ENGINE_TOKENIZER_JINJA_SPLITTING_H_
#define ORIEL_ENGINE_TOKENIZER_JINJA_SPLITTING_H_

#include <cstdint>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/tokenizer/jinja/budget.h"

namespace oriel::jinja {

// A text in parts, which point into it.
// Errors     ResourceExhausted: every part is paid for before it is noted, because many small parts
//            take more room than the text.
using Parts = absl::StatusOr<std::vector<std::string_view>>;

// At white space of any length, as str.split() does; a negative `cuts_max` sets no bound.
Parts SplitSpace(Budget& budget, std::string_view text, int64_t cuts_max);

// At line ends, as str.splitlines() does.
enum class LineEnds { kDrop, kKeep };
Parts SplitLines(Budget& budget, std::string_view text, LineEnds ends);

// At a separator, which is not empty, from the left or from the right.
Parts SplitAt(Budget& budget, std::string_view text, std::string_view separator, int64_t cuts_max);
Parts SplitAtFromRight(Budget& budget, std::string_view text, std::string_view separator,
                       int64_t cuts_max);

}  // namespace oriel::jinja

#endif  // ORIEL_ENGINE_TOKENIZER_JINJA_SPLITTING_H_
