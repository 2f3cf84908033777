#include "engine/tokenizer/jinja/expression_parser.h"

#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/tokenizer/jinja/expression_depth-inl.h"
#include "kernels/core/status.h"

namespace oriel::jinja {
namespace {

std::optional<ComparisonOperator> ComparisonOf(TokenKind kind) {
  switch (kind) {
    case TokenKind::kEqual:
      return ComparisonOperator::kEqual;
    case TokenKind::kNotEqual:
      return ComparisonOperator::kNotEqual;
    case TokenKind::kLess:
      return ComparisonOperator::kLess;
    case TokenKind::kLessOrEqual:
      return ComparisonOperator::kLessOrEqual;
    case TokenKind::kGreater:
      return ComparisonOperator::kGreater;
    case TokenKind::kGreaterOrEqual:
      return ComparisonOperator::kGreaterOrEqual;
    default:
      return std::nullopt;
  }
}

std::optional<ArithmeticOperator> ProductOf(TokenKind kind) {
  switch (kind) {
    case TokenKind::kMultiply:
      return ArithmeticOperator::kMultiply;
    case TokenKind::kDivide:
      return ArithmeticOperator::kDivide;
    case TokenKind::kFloorDivide:
      return ArithmeticOperator::kFloorDivide;
    case TokenKind::kModulo:
      return ArithmeticOperator::kModulo;
    default:
      return std::nullopt;
  }
}

}  // namespace

absl::StatusOr<ExpressionPtr> ExpressionParser::Parse(Conditionals conditionals) {
  // Every way to recurse leads through here.
  const DepthGuard guard(recursion_, limits_.parse_depth_max);
  if (!guard.inside()) {
    return absl::ResourceExhaustedError(absl::StrCat("line ", stream_.line(),
                                                     ": expressions nest deeper than ",
                                                     limits_.parse_depth_max, " levels"));
  }
  return conditionals == Conditionals::kYes ? ParseConditional() : ParseOr();
}

absl::StatusOr<ExpressionPtr> ExpressionParser::ParseConditional() {
  const int line = stream_.line();
  ORIEL_ASSIGN_OR_RETURN(ExpressionPtr value, ParseOr());
  while (stream_.SkipName("if")) {
    ORIEL_ASSIGN_OR_RETURN(ExpressionPtr condition, ParseOr());
    ExpressionPtr otherwise;
    if (stream_.SkipName("else")) {
      ORIEL_ASSIGN_OR_RETURN(otherwise, Parse());
    }
    const int depth = std::max({DepthOf(value), DepthOf(condition), DepthOf(otherwise)});
    ORIEL_ASSIGN_OR_RETURN(
        value, Make(line, depth,
                    Conditional{std::move(condition), std::move(value), std::move(otherwise)}));
  }
  return value;
}

absl::StatusOr<ExpressionPtr> ExpressionParser::ParseOr() {
  const int line = stream_.line();
  ORIEL_ASSIGN_OR_RETURN(ExpressionPtr left, ParseAnd());
  while (stream_.SkipName("or")) {
    ORIEL_ASSIGN_OR_RETURN(ExpressionPtr right, ParseAnd());
    const int depth = std::max(DepthOf(left), DepthOf(right));
    ORIEL_ASSIGN_OR_RETURN(
        left, Make(line, depth, Logical{LogicalOperator::kOr, std::move(left), std::move(right)}));
  }
  return left;
}

absl::StatusOr<ExpressionPtr> ExpressionParser::ParseAnd() {
  const int line = stream_.line();
  ORIEL_ASSIGN_OR_RETURN(ExpressionPtr left, ParseNot());
  while (stream_.SkipName("and")) {
    ORIEL_ASSIGN_OR_RETURN(ExpressionPtr right, ParseNot());
    const int depth = std::max(DepthOf(left), DepthOf(right));
    ORIEL_ASSIGN_OR_RETURN(
        left, Make(line, depth, Logical{LogicalOperator::kAnd, std::move(left), std::move(right)}));
  }
  return left;
}

absl::StatusOr<ExpressionPtr> ExpressionParser::ParseNot() {
  const int line = stream_.line();
  int num_nots = 0;
  while (stream_.SkipName("not")) {
    ++num_nots;
  }
  ORIEL_ASSIGN_OR_RETURN(ExpressionPtr operand, ParseComparison());
  for (; num_nots > 0; --num_nots) {
    const int depth = DepthOf(operand);
    ORIEL_ASSIGN_OR_RETURN(operand, Make(line, depth, Not{std::move(operand)}));
  }
  return operand;
}

absl::StatusOr<ExpressionPtr> ExpressionParser::ParseComparison() {
  const int line = stream_.line();
  ORIEL_ASSIGN_OR_RETURN(ExpressionPtr first, ParseSum());
  Comparison comparison;
  int depth = DepthOf(first);
  while (true) {
    std::optional<ComparisonOperator> op = ComparisonOf(stream_.current().kind);
    if (op.has_value()) {
      stream_.Take();
    } else if (stream_.SkipName("in")) {
      op = ComparisonOperator::kIn;
    } else if (stream_.IsName("not") && stream_.next().kind == TokenKind::kName &&
               stream_.next().text == "in") {
      stream_.Take();
      stream_.Take();
      op = ComparisonOperator::kNotIn;
    } else {
      break;
    }
    ORIEL_ASSIGN_OR_RETURN(ExpressionPtr operand, ParseSum());
    depth = std::max(depth, DepthOf(operand));
    comparison.rest.emplace_back(*op, std::move(operand));
  }
  if (comparison.rest.empty()) {
    return first;
  }
  comparison.first = std::move(first);
  return Make(line, depth, std::move(comparison));
}

absl::StatusOr<ExpressionPtr> ExpressionParser::ParseSum() {
  const int line = stream_.line();
  ORIEL_ASSIGN_OR_RETURN(ExpressionPtr left, ParseConcatenation());
  while (stream_.Is(TokenKind::kAdd) || stream_.Is(TokenKind::kSubtract)) {
    const auto op = stream_.Take().kind == TokenKind::kAdd ? ArithmeticOperator::kAdd
                                                           : ArithmeticOperator::kSubtract;
    ORIEL_ASSIGN_OR_RETURN(ExpressionPtr right, ParseConcatenation());
    const int depth = std::max(DepthOf(left), DepthOf(right));
    ORIEL_ASSIGN_OR_RETURN(left,
                           Make(line, depth, Arithmetic{op, std::move(left), std::move(right)}));
  }
  return left;
}

absl::StatusOr<ExpressionPtr> ExpressionParser::ParseConcatenation() {
  const int line = stream_.line();
  Concatenation concatenation;
  do {
    ORIEL_ASSIGN_OR_RETURN(ExpressionPtr part, ParseProduct());
    concatenation.parts.push_back(std::move(part));
  } while (stream_.Skip(TokenKind::kTilde));
  if (concatenation.parts.size() == 1) {
    return std::move(concatenation.parts[0]);
  }
  const int depth = DepthOf(concatenation.parts);
  return Make(line, depth, std::move(concatenation));
}

absl::StatusOr<ExpressionPtr> ExpressionParser::ParseProduct() {
  const int line = stream_.line();
  ORIEL_ASSIGN_OR_RETURN(ExpressionPtr left, ParsePower());
  while (const auto op = ProductOf(stream_.current().kind)) {
    stream_.Take();
    ORIEL_ASSIGN_OR_RETURN(ExpressionPtr right, ParsePower());
    const int depth = std::max(DepthOf(left), DepthOf(right));
    ORIEL_ASSIGN_OR_RETURN(left,
                           Make(line, depth, Arithmetic{*op, std::move(left), std::move(right)}));
  }
  return left;
}

absl::StatusOr<ExpressionPtr> ExpressionParser::ParsePower() {
  const int line = stream_.line();
  ORIEL_ASSIGN_OR_RETURN(ExpressionPtr left, ParseUnary(Filters::kYes));
  while (stream_.Skip(TokenKind::kPower)) {
    ORIEL_ASSIGN_OR_RETURN(ExpressionPtr right, ParseUnary(Filters::kYes));
    const int depth = std::max(DepthOf(left), DepthOf(right));
    ORIEL_ASSIGN_OR_RETURN(
        left, Make(line, depth,
                   Arithmetic{ArithmeticOperator::kPower, std::move(left), std::move(right)}));
  }
  return left;
}

absl::StatusOr<ExpressionPtr> ExpressionParser::ParseUnary(Filters filters) {
  const int line = stream_.line();
  std::vector<Sign> signs;
  while (stream_.Is(TokenKind::kSubtract) || stream_.Is(TokenKind::kAdd)) {
    signs.push_back(stream_.Take().kind == TokenKind::kAdd ? Sign::kPlus : Sign::kMinus);
  }
  ORIEL_ASSIGN_OR_RETURN(ExpressionPtr value, ParsePrimary());
  ORIEL_ASSIGN_OR_RETURN(value, ParsePostfixes(std::move(value)));
  for (; !signs.empty(); signs.pop_back()) {
    const int depth = DepthOf(value);
    ORIEL_ASSIGN_OR_RETURN(value, Make(line, depth, Signed{signs.back(), std::move(value)}));
  }
  return filters == Filters::kYes ? ParseFiltersAndTests(std::move(value))
                                  : Result(std::move(value));
}

absl::StatusOr<ExpressionPtr> ExpressionParser::ParsePrimary() {
  const int line = stream_.line();
  switch (stream_.current().kind) {
    case TokenKind::kName:
      return ParseName();
    case TokenKind::kText:
      return ParseTexts();
    case TokenKind::kInteger:
      return Make(line, 0, Literal{Value(stream_.Take().integer)});
    case TokenKind::kFloat:
      return Make(line, 0, Literal{Value(stream_.Take().number)});
    case TokenKind::kLeftParenthesis:
      return ParseParenthesis();
    case TokenKind::kLeftBracket:
      return ParseList();
    case TokenKind::kLeftBrace:
      return ParseDict();
    default:
      return stream_.Unexpected("an expression");
  }
}

absl::StatusOr<ExpressionPtr> ExpressionParser::ParseName() {
  Token token = stream_.Take();
  const std::string& name = token.text;
  if (name == "true" || name == "True" || name == "false" || name == "False") {
    return Make(token.line, 0, Literal{Value(name == "true" || name == "True")});
  }
  if (name == "none" || name == "None") {
    return Make(token.line, 0, Literal{Value()});
  }
  special_names_.varargs = special_names_.varargs || name == "varargs";
  special_names_.kwargs = special_names_.kwargs || name == "kwargs";
  special_names_.caller = special_names_.caller || name == "caller";
  return Make(token.line, 0, Name{std::move(token.text)});
}

absl::StatusOr<ExpressionPtr> ExpressionParser::ParseTexts() {
  const int line = stream_.line();
  std::string text;
  while (stream_.Is(TokenKind::kText)) {
    text += stream_.Take().text;
  }
  return Make(line, 0, Literal{Value::Text(std::move(text))});
}

bool ExpressionParser::TupleEnds() const {
  return stream_.Is(TokenKind::kVariableEnd) || stream_.Is(TokenKind::kBlockEnd) ||
         stream_.Is(TokenKind::kRightParenthesis) || stream_.IsName("recursive");
}

absl::StatusOr<ExpressionPtr> ExpressionParser::ParseTuple(Conditionals conditionals) {
  const int line = stream_.line();
  SequenceDisplay tuple{SequenceKind::kTuple, {}};
  ORIEL_ASSIGN_OR_RETURN(ExpressionPtr first, Parse(conditionals));
  if (!stream_.Is(TokenKind::kComma)) {
    return first;
  }
  tuple.items.push_back(std::move(first));
  while (stream_.Skip(TokenKind::kComma) && !TupleEnds()) {
    ORIEL_ASSIGN_OR_RETURN(ExpressionPtr item, Parse(conditionals));
    tuple.items.push_back(std::move(item));
  }
  const int depth = DepthOf(tuple.items);
  return Make(line, depth, std::move(tuple));
}

absl::StatusOr<ExpressionPtr> ExpressionParser::ParseParenthesis() {
  const int line = stream_.Take().line;
  if (stream_.Skip(TokenKind::kRightParenthesis)) {
    return Make(line, 0, SequenceDisplay{SequenceKind::kTuple, {}});
  }
  ORIEL_ASSIGN_OR_RETURN(ExpressionPtr value, ParseTuple());
  ORIEL_RETURN_IF_ERROR(stream_.Expect(TokenKind::kRightParenthesis, "')'"));
  return value;
}

absl::StatusOr<ExpressionPtr> ExpressionParser::ParseList() {
  const int line = stream_.Take().line;
  SequenceDisplay list{SequenceKind::kList, {}};
  while (!stream_.Is(TokenKind::kRightBracket)) {
    if (!list.items.empty()) {
      ORIEL_RETURN_IF_ERROR(stream_.Expect(TokenKind::kComma, "','"));
      if (stream_.Is(TokenKind::kRightBracket)) {
        break;
      }
    }
    ORIEL_ASSIGN_OR_RETURN(ExpressionPtr item, Parse());
    list.items.push_back(std::move(item));
  }
  stream_.Take();
  const int depth = DepthOf(list.items);
  return Make(line, depth, std::move(list));
}

absl::StatusOr<ExpressionPtr> ExpressionParser::ParseDict() {
  const int line = stream_.Take().line;
  DictDisplay dict;
  int depth = 0;
  while (!stream_.Is(TokenKind::kRightBrace)) {
    if (!dict.entries.empty()) {
      ORIEL_RETURN_IF_ERROR(stream_.Expect(TokenKind::kComma, "','"));
      if (stream_.Is(TokenKind::kRightBrace)) {
        break;
      }
    }
    ORIEL_ASSIGN_OR_RETURN(ExpressionPtr key, Parse());
    ORIEL_RETURN_IF_ERROR(stream_.Expect(TokenKind::kColon, "':'"));
    ORIEL_ASSIGN_OR_RETURN(ExpressionPtr value, Parse());
    depth = std::max({depth, DepthOf(key), DepthOf(value)});
    dict.entries.emplace_back(std::move(key), std::move(value));
  }
  stream_.Take();
  return Make(line, depth, std::move(dict));
}

}  // namespace oriel::jinja
