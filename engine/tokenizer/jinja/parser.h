#ifndef ORIEL_ENGINE_TOKENIZER_JINJA_PARSER_H_
#define ORIEL_ENGINE_TOKENIZER_JINJA_PARSER_H_

#include <string_view>

#include "absl/status/statusor.h"
#include "engine/tokenizer/jinja/ast.h"
#include "engine/tokenizer/jinja/limits.h"

namespace oriel::jinja {

// Parses a template whose line ends are \n and whose text is UTF-8.
//
// Statements: if, for, set, macro, call, filter, with, break, continue, generation; raw and
// comments are the lexer's. Inheritance, inclusion, imports and recursive loops are refused: a chat
// template is one file.
// Errors     InvalidArgument with the line; ResourceExhausted past Limits::parse_depth_max.
absl::StatusOr<Body> ParseTemplate(std::string_view source, const Limits& limits);

}  // namespace oriel::jinja

#endif  // ORIEL_ENGINE_TOKENIZER_JINJA_PARSER_H_
