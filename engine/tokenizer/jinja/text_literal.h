#ifndef ORIEL_ENGINE_TOKENIZER_JINJA_TEXT_LITERAL_H_
#define ORIEL_ENGINE_TOKENIZER_JINJA_TEXT_LITERAL_H_

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace oriel::jinja {

// Resolves the escapes of a text literal, given without its quotes: \n \t \\ \' \" \xhh \uhhhh
// \Uhhhhhhhh, octal, and a line end that goes on; an escape that Python does not know stays as it
// is written.
// Errors     InvalidArgument for \N{…}, for too few hexadecimal digits and for what is no Unicode
//            scalar value.
absl::StatusOr<std::string> DecodeTextLiteral(std::string_view literal);

}  // namespace oriel::jinja

#endif  // ORIEL_ENGINE_TOKENIZER_JINJA_TEXT_LITERAL_H_
