#ifndef ORIEL_ENGINE_TOKENIZER_JINJA_LEXER_H_
#define ORIEL_ENGINE_TOKENIZER_JINJA_LEXER_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/tokenizer/jinja/token.h"

namespace oriel::jinja {

// Cuts a template into tokens; the last one is kEnd. White space control (-, +, trim_blocks and
// lstrip_blocks, both on) is done here, and comments and raw blocks are resolved, so the parser
// sees data as it prints.
//
// Errors     InvalidArgument, starting with the line, for what no token is: an unclosed comment or
//            raw block, a bracket that does not match, a stray character, a text escape that is no
//            code point, a number beyond 64 bits.
absl::StatusOr<std::vector<Token>> Tokenize(std::string_view source);

// An error at a line of the template.
absl::Status ErrorAtLine(int line, std::string_view what);

}  // namespace oriel::jinja

#endif  // ORIEL_ENGINE_TOKENIZER_JINJA_LEXER_H_
