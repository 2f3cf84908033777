#ifndef ORIEL_ENGINE_TOKENIZER_JINJA_EXPRESSION_PARSER_H_
#define ORIEL_ENGINE_TOKENIZER_JINJA_EXPRESSION_PARSER_H_

#include <vector>

#include "absl/status/statusor.h"
#include "engine/tokenizer/jinja/ast.h"
#include "engine/tokenizer/jinja/limits.h"
#include "engine/tokenizer/jinja/token_stream.h"

namespace oriel::jinja {

// Names that a macro's body reads and that decide what the macro takes.
struct SpecialNames {
  bool varargs = false;
  bool kwargs = false;
  bool caller = false;
};

// Parses expressions by recursive descent; the grammar, one function a level of precedence, is
// Jinja's:
//
//   conditional   or ["if" or ["else" conditional]]
//   or, and, not  comparisons joined by them
//   comparison    sum (("==" | "!=" | "<" | "<=" | ">" | ">=" | ["not"] "in") sum)*
//   sum           concatenation (("+" | "-") concatenation)*
//   concatenation product ("~" product)*
//   product       power (("*" | "/" | "//" | "%") power)*
//   power         unary ("**" unary)*
//   unary         ("-" | "+") unary, or a primary with its postfixes, filters and tests
//
// Errors     InvalidArgument with the line; ResourceExhausted past Limits::parse_depth_max.
class ExpressionParser {
 public:
  ExpressionParser(TokenStream& stream, const Limits& limits) : stream_(stream), limits_(limits) {}

  enum class Conditionals { kYes, kNo };

  absl::StatusOr<ExpressionPtr> Parse(Conditionals conditionals = Conditionals::kYes);

  // An expression, or a tuple where commas follow.
  absl::StatusOr<ExpressionPtr> ParseTuple(Conditionals conditionals = Conditionals::kYes);

  // The filters of {% filter … %}, applied to the captured text: first without, then with pipes.
  absl::StatusOr<ExpressionPtr> ParseFilterChain();

  // The filters of {% set x | … %}; null where none stands here.
  absl::StatusOr<ExpressionPtr> ParsePipes();

  absl::StatusOr<CallArguments> ParseArguments();

  // The names read since the parser was made, or since they were last reset.
  SpecialNames& special_names() { return special_names_; }

 private:
  using Result = absl::StatusOr<ExpressionPtr>;

  Result ParseConditional();
  Result ParseOr();
  Result ParseAnd();
  Result ParseNot();
  Result ParseComparison();
  Result ParseSum();
  Result ParseConcatenation();
  Result ParseProduct();
  Result ParsePower();
  enum class Filters { kYes, kNo };
  Result ParseUnary(Filters filters);
  Result ParsePrimary();
  Result ParseName();
  Result ParseTexts();
  Result ParseParenthesis();
  Result ParseList();
  Result ParseDict();
  Result ParsePostfixes(ExpressionPtr object);
  Result ParseFiltersAndTests(ExpressionPtr value);
  Result ParseFilter(ExpressionPtr input);
  Result ParseTest(ExpressionPtr value);
  Result ParseAttribute(ExpressionPtr object);
  Result ParseBrackets(ExpressionPtr object);
  Result ParseSlice(ExpressionPtr object, ExpressionPtr start);
  Result ParseCall(ExpressionPtr callee);
  Result ParseSliceBound();
  absl::StatusOr<std::string> ParseDottedName();
  absl::Status ParseArgument(CallArguments& arguments);
  // Whether what follows a test's name is its argument, as in `is divisibleby 3`.
  bool TestArgumentFollows() const;
  bool TupleEnds() const;

  // Makes a node over children of at most `children_depth` levels.
  template <typename Node>
  Result Make(int line, int children_depth, Node node);

  TokenStream& stream_;
  const Limits limits_;
  SpecialNames special_names_;
  int recursion_ = 0;
};

}  // namespace oriel::jinja

#endif  // ORIEL_ENGINE_TOKENIZER_JINJA_EXPRESSION_PARSER_H_
