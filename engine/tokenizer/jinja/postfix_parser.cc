// The part of ExpressionParser that follows a primary: attributes, brackets, calls, filters, tests.

#include "engine/tokenizer/jinja/expression_parser.h"

#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/tokenizer/jinja/expression_depth-inl.h"
#include "kernels/core/status.h"

namespace oriel::jinja {

absl::StatusOr<ExpressionPtr> ExpressionParser::ParsePostfixes(ExpressionPtr object) {
  while (true) {
    if (stream_.Is(TokenKind::kDot)) {
      ORIEL_ASSIGN_OR_RETURN(object, ParseAttribute(std::move(object)));
    } else if (stream_.Is(TokenKind::kLeftBracket)) {
      ORIEL_ASSIGN_OR_RETURN(object, ParseBrackets(std::move(object)));
    } else if (stream_.Is(TokenKind::kLeftParenthesis)) {
      ORIEL_ASSIGN_OR_RETURN(object, ParseCall(std::move(object)));
    } else {
      return object;
    }
  }
}

absl::StatusOr<ExpressionPtr> ExpressionParser::ParseAttribute(ExpressionPtr object) {
  const int line = stream_.Take().line;
  const int depth = DepthOf(object);
  if (stream_.Is(TokenKind::kName)) {
    return Make(line, depth, AttributeOf{std::move(object), stream_.Take().text});
  }
  if (!stream_.Is(TokenKind::kInteger)) {
    return stream_.Unexpected("a name or a number");
  }
  ORIEL_ASSIGN_OR_RETURN(ExpressionPtr key, Make(line, 0, Literal{Value(stream_.Take().integer)}));
  return Make(line, std::max(depth, 1), ItemOf{std::move(object), std::move(key)});
}

absl::StatusOr<ExpressionPtr> ExpressionParser::ParseSliceBound() {
  if (stream_.Is(TokenKind::kColon) || stream_.Is(TokenKind::kRightBracket)) {
    return ExpressionPtr();
  }
  return Parse();
}

absl::StatusOr<ExpressionPtr> ExpressionParser::ParseSlice(ExpressionPtr object,
                                                           ExpressionPtr start) {
  const int line = stream_.Take().line;
  SliceOf slice{std::move(object), std::move(start), nullptr, nullptr};
  ORIEL_ASSIGN_OR_RETURN(slice.stop, ParseSliceBound());
  if (stream_.Skip(TokenKind::kColon)) {
    ORIEL_ASSIGN_OR_RETURN(slice.step, ParseSliceBound());
  }
  ORIEL_RETURN_IF_ERROR(stream_.Expect(TokenKind::kRightBracket, "']'"));
  const int depth = std::max(
      {DepthOf(slice.object), DepthOf(slice.start), DepthOf(slice.stop), DepthOf(slice.step)});
  return Make(line, depth, std::move(slice));
}

absl::StatusOr<ExpressionPtr> ExpressionParser::ParseBrackets(ExpressionPtr object) {
  const int line = stream_.Take().line;
  if (stream_.Is(TokenKind::kColon)) {
    return ParseSlice(std::move(object), nullptr);
  }
  ORIEL_ASSIGN_OR_RETURN(ExpressionPtr key, Parse());
  if (stream_.Is(TokenKind::kColon)) {
    return ParseSlice(std::move(object), std::move(key));
  }
  ORIEL_RETURN_IF_ERROR(stream_.Expect(TokenKind::kRightBracket, "']'"));
  const int depth = std::max(DepthOf(object), DepthOf(key));
  return Make(line, depth, ItemOf{std::move(object), std::move(key)});
}

absl::StatusOr<ExpressionPtr> ExpressionParser::ParseCall(ExpressionPtr callee) {
  const int line = stream_.line();
  ORIEL_ASSIGN_OR_RETURN(CallArguments arguments, ParseArguments());
  const int depth = std::max(DepthOf(callee), DepthOf(arguments));
  return Make(line, depth, Call{std::move(callee), std::move(arguments)});
}

absl::Status ExpressionParser::ParseArgument(CallArguments& arguments) {
  const absl::Status misplaced = stream_.Error("invalid syntax for function call expression");
  if (stream_.Skip(TokenKind::kMultiply)) {
    if (arguments.more_positional != nullptr || arguments.more_named != nullptr) {
      return misplaced;
    }
    ORIEL_ASSIGN_OR_RETURN(arguments.more_positional, Parse());
    return absl::OkStatus();
  }
  if (arguments.more_named != nullptr) {
    return misplaced;
  }
  if (stream_.Skip(TokenKind::kPower)) {
    ORIEL_ASSIGN_OR_RETURN(arguments.more_named, Parse());
    return absl::OkStatus();
  }
  if (stream_.Is(TokenKind::kName) && stream_.next().kind == TokenKind::kAssign) {
    std::string name = stream_.Take().text;
    stream_.Take();
    ORIEL_ASSIGN_OR_RETURN(ExpressionPtr value, Parse());
    arguments.named.emplace_back(std::move(name), std::move(value));
    return absl::OkStatus();
  }
  if (!arguments.named.empty() || arguments.more_positional != nullptr) {
    return misplaced;
  }
  ORIEL_ASSIGN_OR_RETURN(ExpressionPtr value, Parse());
  arguments.positional.push_back(std::move(value));
  return absl::OkStatus();
}

absl::StatusOr<CallArguments> ExpressionParser::ParseArguments() {
  CallArguments arguments;
  ORIEL_RETURN_IF_ERROR(stream_.Expect(TokenKind::kLeftParenthesis, "'('"));
  bool first = true;
  while (!stream_.Is(TokenKind::kRightParenthesis)) {
    if (!first) {
      ORIEL_RETURN_IF_ERROR(stream_.Expect(TokenKind::kComma, "','"));
      if (stream_.Is(TokenKind::kRightParenthesis)) {
        break;
      }
    }
    first = false;
    ORIEL_RETURN_IF_ERROR(ParseArgument(arguments));
  }
  stream_.Take();
  return arguments;
}

absl::StatusOr<std::string> ExpressionParser::ParseDottedName() {
  std::string name;
  do {
    if (!stream_.Is(TokenKind::kName)) {
      return stream_.Unexpected("a name");
    }
    absl::StrAppend(&name, name.empty() ? "" : ".", stream_.Take().text);
  } while (stream_.Skip(TokenKind::kDot));
  return name;
}

absl::StatusOr<ExpressionPtr> ExpressionParser::ParseFilter(ExpressionPtr input) {
  const int line = stream_.line();
  FilterUse filter;
  ORIEL_ASSIGN_OR_RETURN(filter.name, ParseDottedName());
  if (stream_.Is(TokenKind::kLeftParenthesis)) {
    ORIEL_ASSIGN_OR_RETURN(filter.arguments, ParseArguments());
  }
  filter.input = std::move(input);
  const int depth = std::max(DepthOf(filter.input), DepthOf(filter.arguments));
  return Make(line, depth, std::move(filter));
}

bool ExpressionParser::TestArgumentFollows() const {
  switch (stream_.current().kind) {
    case TokenKind::kName:
      return !stream_.IsName("else") && !stream_.IsName("or") && !stream_.IsName("and");
    case TokenKind::kText:
    case TokenKind::kInteger:
    case TokenKind::kFloat:
    case TokenKind::kLeftBracket:
    case TokenKind::kLeftBrace:
      return true;
    default:
      return false;
  }
}

absl::StatusOr<ExpressionPtr> ExpressionParser::ParseTest(ExpressionPtr value) {
  const int line = stream_.line();
  const bool negated = stream_.SkipName("not");
  TestUse test;
  ORIEL_ASSIGN_OR_RETURN(test.name, ParseDottedName());
  if (stream_.Is(TokenKind::kLeftParenthesis)) {
    ORIEL_ASSIGN_OR_RETURN(test.arguments, ParseArguments());
  } else if (TestArgumentFollows()) {
    if (stream_.IsName("is")) {
      return stream_.Error("You cannot chain multiple tests with is");
    }
    ORIEL_ASSIGN_OR_RETURN(ExpressionPtr argument, ParsePrimary());
    ORIEL_ASSIGN_OR_RETURN(argument, ParsePostfixes(std::move(argument)));
    test.arguments.positional.push_back(std::move(argument));
  }
  test.value = std::move(value);
  const int depth = std::max(DepthOf(test.value), DepthOf(test.arguments));
  ORIEL_ASSIGN_OR_RETURN(ExpressionPtr result, Make(line, depth, std::move(test)));
  if (!negated) {
    return result;
  }
  const int result_depth = DepthOf(result);
  return Make(line, result_depth, Not{std::move(result)});
}

absl::StatusOr<ExpressionPtr> ExpressionParser::ParseFiltersAndTests(ExpressionPtr value) {
  while (true) {
    if (stream_.Skip(TokenKind::kPipe)) {
      ORIEL_ASSIGN_OR_RETURN(value, ParseFilter(std::move(value)));
    } else if (stream_.SkipName("is")) {
      ORIEL_ASSIGN_OR_RETURN(value, ParseTest(std::move(value)));
    } else if (stream_.Is(TokenKind::kLeftParenthesis)) {
      ORIEL_ASSIGN_OR_RETURN(value, ParseCall(std::move(value)));
    } else {
      return value;
    }
  }
}

absl::StatusOr<ExpressionPtr> ExpressionParser::ParsePipes() {
  ExpressionPtr value;
  while (stream_.Skip(TokenKind::kPipe)) {
    if (value == nullptr) {
      ORIEL_ASSIGN_OR_RETURN(value, Make(stream_.line(), 0, Name{kCapturedName}));
    }
    ORIEL_ASSIGN_OR_RETURN(value, ParseFilter(std::move(value)));
  }
  return value;
}

absl::StatusOr<ExpressionPtr> ExpressionParser::ParseFilterChain() {
  ORIEL_ASSIGN_OR_RETURN(ExpressionPtr value, Make(stream_.line(), 0, Name{kCapturedName}));
  do {
    ORIEL_ASSIGN_OR_RETURN(value, ParseFilter(std::move(value)));
  } while (stream_.Skip(TokenKind::kPipe));
  return value;
}

}  // namespace oriel::jinja
