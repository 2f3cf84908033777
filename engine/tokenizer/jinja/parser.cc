#include "engine/tokenizer/jinja/parser.h"

#include <initializer_list>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/tokenizer/jinja/budget.h"
#include "engine/tokenizer/jinja/expression_parser.h"
#include "engine/tokenizer/jinja/lexer.h"
#include "engine/tokenizer/jinja/token_stream.h"
#include "kernels/core/status.h"

namespace oriel::jinja {
namespace {

using Conditionals = ExpressionParser::Conditionals;

class Parser {
 public:
  Parser(std::vector<Token> tokens, const Limits& limits)
      : stream_(std::move(tokens)), limits_(limits), expressions_(stream_, limits) {}

  absl::StatusOr<Body> Run();

 private:
  // Statements up to one of the tags `ends`, whose name is taken and left in end_tag_.
  absl::StatusOr<Body> ParseBody(std::initializer_list<std::string_view> ends);
  // The same for a tag that ends alone: {% endfor %}.
  absl::StatusOr<Body> ParseBlock(std::string_view end);

  absl::StatusOr<Statement> ParseStatement();
  absl::StatusOr<If> ParseIf();
  absl::StatusOr<For> ParseFor();
  absl::Status ParseSet(Statement& statement);
  absl::StatusOr<MacroDefinition> ParseMacro();
  absl::StatusOr<CallBlock> ParseCallBlock();
  absl::StatusOr<Capture> ParseFilterBlock();
  absl::StatusOr<Scoped> ParseWith();
  absl::StatusOr<Scoped> ParseGeneration();

  absl::Status ParseParameters(MacroDefinition& macro);
  // The body of a macro: what it reads decides what it takes, and a loop around it is not its own.
  absl::Status ParseMacroBody(std::string_view end, MacroDefinition& macro);

  absl::StatusOr<std::string> ParseName();
  absl::StatusOr<Target> ParseTarget();
  absl::StatusOr<Target> ParseTargets();
  absl::Status EndTag() { return stream_.Expect(TokenKind::kBlockEnd, "end of statement block"); }

  TokenStream stream_;
  const Limits limits_;
  ExpressionParser expressions_;
  std::string end_tag_;
  int nesting_ = 0;
  int num_loops_ = 0;  // around the current place
};

absl::StatusOr<std::string> Parser::ParseName() {
  if (!stream_.Is(TokenKind::kName)) {
    return stream_.Unexpected("a name");
  }
  return stream_.Take().text;
}

absl::StatusOr<Target> Parser::ParseTarget() {
  const DepthGuard guard(nesting_, limits_.parse_depth_max);
  if (!guard.inside()) {
    return absl::ResourceExhaustedError(absl::StrCat("line ", stream_.line(),
                                                     ": targets nest deeper than ",
                                                     limits_.parse_depth_max, " levels"));
  }
  Target target;
  if (stream_.Skip(TokenKind::kLeftParenthesis)) {
    ORIEL_ASSIGN_OR_RETURN(target, ParseTargets());
    ORIEL_RETURN_IF_ERROR(stream_.Expect(TokenKind::kRightParenthesis, "')'"));
    return target;
  }
  ORIEL_ASSIGN_OR_RETURN(target.name, ParseName());
  if (stream_.Skip(TokenKind::kDot)) {
    ORIEL_ASSIGN_OR_RETURN(target.attribute, ParseName());
  }
  return target;
}

absl::StatusOr<Target> Parser::ParseTargets() {
  ORIEL_ASSIGN_OR_RETURN(Target first, ParseTarget());
  if (!stream_.Is(TokenKind::kComma)) {
    return first;
  }
  Target targets;
  targets.parts.push_back(std::move(first));
  while (stream_.Skip(TokenKind::kComma)) {
    if (!stream_.Is(TokenKind::kLeftParenthesis) &&
        (!stream_.Is(TokenKind::kName) || stream_.IsName("in"))) {
      break;
    }
    ORIEL_ASSIGN_OR_RETURN(Target target, ParseTarget());
    targets.parts.push_back(std::move(target));
  }
  return targets;
}

absl::StatusOr<If> Parser::ParseIf() {
  If statement;
  do {
    Branch branch;
    if (end_tag_ != "else") {
      ORIEL_ASSIGN_OR_RETURN(branch.condition, expressions_.ParseTuple(Conditionals::kNo));
    }
    ORIEL_RETURN_IF_ERROR(EndTag());
    if (branch.condition == nullptr) {
      ORIEL_ASSIGN_OR_RETURN(branch.body, ParseBody({"endif"}));
    } else {
      ORIEL_ASSIGN_OR_RETURN(branch.body, ParseBody({"elif", "else", "endif"}));
    }
    statement.branches.push_back(std::move(branch));
  } while (end_tag_ != "endif");
  ORIEL_RETURN_IF_ERROR(EndTag());
  return statement;
}

absl::StatusOr<For> Parser::ParseFor() {
  For loop;
  ORIEL_ASSIGN_OR_RETURN(loop.target, ParseTargets());
  ORIEL_RETURN_IF_ERROR(stream_.ExpectName("in"));
  ORIEL_ASSIGN_OR_RETURN(loop.iterable, expressions_.ParseTuple(Conditionals::kNo));
  if (stream_.SkipName("if")) {
    ORIEL_ASSIGN_OR_RETURN(loop.filter, expressions_.Parse());
  }
  if (stream_.IsName("recursive")) {
    return stream_.Error("recursive loops are not supported");
  }
  ORIEL_RETURN_IF_ERROR(EndTag());
  ++num_loops_;
  ORIEL_ASSIGN_OR_RETURN(loop.body, ParseBody({"else", "endfor"}));
  --num_loops_;
  if (end_tag_ == "else") {
    ORIEL_RETURN_IF_ERROR(EndTag());
    ORIEL_ASSIGN_OR_RETURN(loop.otherwise, ParseBody({"endfor"}));
  }
  ORIEL_RETURN_IF_ERROR(EndTag());
  return loop;
}

absl::Status Parser::ParseSet(Statement& statement) {
  ORIEL_ASSIGN_OR_RETURN(Target target, ParseTargets());
  if (stream_.Skip(TokenKind::kAssign)) {
    ORIEL_ASSIGN_OR_RETURN(ExpressionPtr value, expressions_.ParseTuple());
    statement.node = Set{std::move(target), std::move(value)};
    return EndTag();
  }
  Capture capture;
  capture.target = std::move(target);
  ORIEL_ASSIGN_OR_RETURN(capture.filter, expressions_.ParsePipes());
  ORIEL_RETURN_IF_ERROR(EndTag());
  ORIEL_ASSIGN_OR_RETURN(capture.body, ParseBlock("endset"));
  statement.node = std::move(capture);
  return absl::OkStatus();
}

absl::Status Parser::ParseParameters(MacroDefinition& macro) {
  ORIEL_RETURN_IF_ERROR(stream_.Expect(TokenKind::kLeftParenthesis, "'('"));
  while (!stream_.Is(TokenKind::kRightParenthesis)) {
    if (!macro.parameters.empty()) {
      ORIEL_RETURN_IF_ERROR(stream_.Expect(TokenKind::kComma, "','"));
    }
    Parameter parameter;
    ORIEL_ASSIGN_OR_RETURN(parameter.name, ParseName());
    if (stream_.Skip(TokenKind::kAssign)) {
      ORIEL_ASSIGN_OR_RETURN(parameter.otherwise, expressions_.Parse());
    } else if (!macro.parameters.empty() && macro.parameters.back().otherwise != nullptr) {
      return stream_.Error("non-default argument follows default argument");
    }
    macro.parameters.push_back(std::move(parameter));
  }
  stream_.Take();
  return absl::OkStatus();
}

absl::Status Parser::ParseMacroBody(std::string_view end, MacroDefinition& macro) {
  ORIEL_RETURN_IF_ERROR(EndTag());
  const SpecialNames outer_names = std::exchange(expressions_.special_names(), {});
  const int outer_loops = std::exchange(num_loops_, 0);
  ORIEL_ASSIGN_OR_RETURN(macro.body, ParseBlock(end));
  const SpecialNames names = std::exchange(expressions_.special_names(), outer_names);
  num_loops_ = outer_loops;
  macro.uses_varargs = names.varargs;
  macro.uses_kwargs = names.kwargs;
  macro.uses_caller = names.caller;
  return absl::OkStatus();
}

absl::StatusOr<MacroDefinition> Parser::ParseMacro() {
  MacroDefinition macro;
  ORIEL_ASSIGN_OR_RETURN(macro.name, ParseName());
  ORIEL_RETURN_IF_ERROR(ParseParameters(macro));
  ORIEL_RETURN_IF_ERROR(ParseMacroBody("endmacro", macro));
  return macro;
}

absl::StatusOr<CallBlock> Parser::ParseCallBlock() {
  CallBlock block;
  block.caller.name = "caller";
  if (stream_.Is(TokenKind::kLeftParenthesis)) {
    ORIEL_RETURN_IF_ERROR(ParseParameters(block.caller));
  }
  ORIEL_ASSIGN_OR_RETURN(block.call, expressions_.Parse());
  if (!std::holds_alternative<Call>(block.call->node)) {
    return stream_.Error("expected call");
  }
  ORIEL_RETURN_IF_ERROR(ParseMacroBody("endcall", block.caller));
  return block;
}

absl::StatusOr<Capture> Parser::ParseFilterBlock() {
  Capture capture;
  ORIEL_ASSIGN_OR_RETURN(capture.filter, expressions_.ParseFilterChain());
  ORIEL_RETURN_IF_ERROR(EndTag());
  ORIEL_ASSIGN_OR_RETURN(capture.body, ParseBlock("endfilter"));
  return capture;
}

absl::StatusOr<Scoped> Parser::ParseWith() {
  Scoped scoped;
  while (!stream_.Is(TokenKind::kBlockEnd)) {
    if (!scoped.assignments.empty()) {
      ORIEL_RETURN_IF_ERROR(stream_.Expect(TokenKind::kComma, "','"));
    }
    ORIEL_ASSIGN_OR_RETURN(Target target, ParseTarget());
    ORIEL_RETURN_IF_ERROR(stream_.Expect(TokenKind::kAssign, "'='"));
    ORIEL_ASSIGN_OR_RETURN(ExpressionPtr value, expressions_.Parse());
    scoped.assignments.emplace_back(std::move(target), std::move(value));
  }
  ORIEL_RETURN_IF_ERROR(EndTag());
  ORIEL_ASSIGN_OR_RETURN(scoped.body, ParseBlock("endwith"));
  return scoped;
}

absl::StatusOr<Scoped> Parser::ParseGeneration() {
  Scoped scoped;
  ORIEL_RETURN_IF_ERROR(EndTag());
  // The reference runs the body as a call block, so a loop around it is out of reach.
  const int outer_loops = std::exchange(num_loops_, 0);
  ORIEL_ASSIGN_OR_RETURN(scoped.body, ParseBlock("endgeneration"));
  num_loops_ = outer_loops;
  return scoped;
}

absl::StatusOr<Statement> Parser::ParseStatement() {
  Statement statement;
  statement.line = stream_.line();
  ORIEL_ASSIGN_OR_RETURN(const std::string tag, ParseName());
  end_tag_.clear();
  if (tag == "if") {
    ORIEL_ASSIGN_OR_RETURN(statement.node, ParseIf());
  } else if (tag == "for") {
    ORIEL_ASSIGN_OR_RETURN(statement.node, ParseFor());
  } else if (tag == "set") {
    ORIEL_RETURN_IF_ERROR(ParseSet(statement));
  } else if (tag == "macro") {
    ORIEL_ASSIGN_OR_RETURN(statement.node, ParseMacro());
  } else if (tag == "call") {
    ORIEL_ASSIGN_OR_RETURN(statement.node, ParseCallBlock());
  } else if (tag == "filter") {
    ORIEL_ASSIGN_OR_RETURN(statement.node, ParseFilterBlock());
  } else if (tag == "with") {
    ORIEL_ASSIGN_OR_RETURN(statement.node, ParseWith());
  } else if (tag == "generation") {
    ORIEL_ASSIGN_OR_RETURN(statement.node, ParseGeneration());
  } else if (tag == "break" || tag == "continue") {
    if (num_loops_ == 0) {
      return ErrorAtLine(statement.line, absl::StrCat("'", tag, "' outside of a loop"));
    }
    if (tag == "break") {
      statement.node = Break{};
    } else {
      statement.node = Continue{};
    }
    ORIEL_RETURN_IF_ERROR(EndTag());
  } else {
    return ErrorAtLine(statement.line,
                       absl::StrCat("Encountered unknown tag '", tag.substr(0, 40), "'."));
  }
  return statement;
}

absl::StatusOr<Body> Parser::ParseBody(std::initializer_list<std::string_view> ends) {
  const DepthGuard guard(nesting_, limits_.parse_depth_max);
  if (!guard.inside()) {
    return absl::ResourceExhaustedError(absl::StrCat("line ", stream_.line(),
                                                     ": statements nest deeper than ",
                                                     limits_.parse_depth_max, " levels"));
  }
  Body body;
  while (!stream_.at_end()) {
    const int line = stream_.line();
    if (stream_.Is(TokenKind::kData)) {
      body.push_back({line, Data{stream_.Take().text}});
      continue;
    }
    if (stream_.Skip(TokenKind::kVariableBegin)) {
      ORIEL_ASSIGN_OR_RETURN(ExpressionPtr value, expressions_.ParseTuple());
      ORIEL_RETURN_IF_ERROR(stream_.Expect(TokenKind::kVariableEnd, "end of print statement"));
      body.push_back({line, Output{std::move(value)}});
      continue;
    }
    ORIEL_RETURN_IF_ERROR(stream_.Expect(TokenKind::kBlockBegin, "begin of statement block"));
    for (const std::string_view end : ends) {
      if (stream_.SkipName(end)) {
        end_tag_ = std::string(end);
        return body;
      }
    }
    ORIEL_ASSIGN_OR_RETURN(Statement statement, ParseStatement());
    body.push_back(std::move(statement));
  }
  if (ends.size() > 0) {
    return stream_.Error(absl::StrCat("Unexpected end of template. Jinja was looking for '",
                                      ToAbsl(*(ends.end() - 1)), "'."));
  }
  return body;
}

absl::StatusOr<Body> Parser::ParseBlock(std::string_view end) {
  ORIEL_ASSIGN_OR_RETURN(Body body, ParseBody({end}));
  ORIEL_RETURN_IF_ERROR(EndTag());
  return body;
}

absl::StatusOr<Body> Parser::Run() { return ParseBody({}); }

}  // namespace

absl::StatusOr<Body> ParseTemplate(std::string_view source, const Limits& limits) {
  ORIEL_ASSIGN_OR_RETURN(std::vector<Token> tokens, Tokenize(source));
  return Parser(std::move(tokens), limits).Run();
}

}  // namespace oriel::jinja
