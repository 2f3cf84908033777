#ifndef ORIEL_ENGINE_TOKENIZER_JINJA_TOKEN_H_
#define ORIEL_ENGINE_TOKENIZER_JINJA_TOKEN_H_

#include <cstdint>
#include <string>

namespace oriel::jinja {

enum class TokenKind {
  kData,  // template text between tags
  kBlockBegin,
  kBlockEnd,
  kVariableBegin,
  kVariableEnd,
  kName,
  kText,
  kInteger,
  kFloat,
  kAdd,
  kSubtract,
  kMultiply,
  kDivide,
  kFloorDivide,
  kModulo,
  kPower,
  kTilde,
  kLeftParenthesis,
  kRightParenthesis,
  kLeftBracket,
  kRightBracket,
  kLeftBrace,
  kRightBrace,
  kEqual,
  kNotEqual,
  kLess,
  kLessOrEqual,
  kGreater,
  kGreaterOrEqual,
  kAssign,
  kDot,
  kComma,
  kColon,
  kPipe,
  kSemicolon,
  kEnd,  // of the template
};

struct Token {
  TokenKind kind = TokenKind::kEnd;
  int line = 1;
  std::string text;  // of data, a name or a text literal; the sign of an operator
  int64_t integer = 0;
  double number = 0;
};

}  // namespace oriel::jinja

#endif  // ORIEL_ENGINE_TOKENIZER_JINJA_TOKEN_H_
