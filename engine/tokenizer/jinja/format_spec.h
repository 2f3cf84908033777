#ifndef ORIEL_ENGINE_TOKENIZER_JINJA_FORMAT_SPEC_H_
#define ORIEL_ENGINE_TOKENIZER_JINJA_FORMAT_SPEC_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/tokenizer/jinja/builder.h"
#include "engine/tokenizer/jinja/value.h"

namespace oriel::jinja {

// How one value is laid out, whether % or str.format asks.
struct FormatSpec {
  enum class Align { kNatural, kLeft, kRight, kCentre, kAfterSign };

  Align align = Align::kNatural;           // natural: numbers right, text left
  std::string fill = std::string(1, ' ');  // one code point
  char sign = '-';                         // '-', '+' or ' '
  bool alternate = false;                  // 0x before hexadecimal digits
  bool commas = false;                     // between thousands
  int64_t width = 0;                       // code points
  int64_t precision = -1;                  // digits; -1 where none is given
  char type = 's';
};

// Reads decimal digits at `position`, which moves past them; 0 where there are none.
// Errors     InvalidArgument for a number above `limit`.
absl::StatusOr<int64_t> ReadFormatNumber(std::string_view format, size_t& position, int64_t limit);

// Appends `value` as `spec` says. Type 's' takes any value, the others numbers.
absl::Status AppendFormatted(Budget& budget, const FormatSpec& spec, const Value& value,
                             TextBuilder& out);

}  // namespace oriel::jinja

#endif  // ORIEL_ENGINE_TOKENIZER_JINJA_FORMAT_SPEC_H_
