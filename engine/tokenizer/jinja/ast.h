#ifndef ORIEL_ENGINE_TOKENIZER_JINJA_AST_H_
#define ORIEL_ENGINE_TOKENIZER_JINJA_AST_H_

#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "engine/tokenizer/jinja/operators.h"
#include "engine/tokenizer/jinja/value.h"

namespace oriel::jinja {

// A parsed template: plain data, immutable once parsed, shared by renderings on any thread.
//
// Invariant  no tree is deeper than Limits::parse_depth_max, so walking and destroying one is safe.

struct Expression;
struct Statement;
using ExpressionPtr = std::unique_ptr<Expression>;  // null only where a comment says so
using Body = std::vector<Statement>;

// Expressions.

struct Literal {
  Value value;
};

struct Name {
  std::string name;
};

// [a, b] or (a, b).
struct SequenceDisplay {
  SequenceKind kind;
  std::vector<ExpressionPtr> items;
};

struct DictDisplay {
  std::vector<std::pair<ExpressionPtr, ExpressionPtr>> entries;
};

struct AttributeOf {
  ExpressionPtr object;
  std::string name;
};

struct ItemOf {
  ExpressionPtr object;
  ExpressionPtr key;
};

struct SliceOf {
  ExpressionPtr object;
  ExpressionPtr start;  // each bound null where it is left out
  ExpressionPtr stop;
  ExpressionPtr step;
};

struct CallArguments {
  std::vector<ExpressionPtr> positional;
  std::vector<std::pair<std::string, ExpressionPtr>> named;
  ExpressionPtr more_positional;  // *list; may be null
  ExpressionPtr more_named;       // **dict; may be null
};

struct Call {
  ExpressionPtr callee;
  CallArguments arguments;
};

// input | name(arguments)
struct FilterUse {
  ExpressionPtr input;
  std::string name;
  CallArguments arguments;
};

// value is name(arguments)
struct TestUse {
  ExpressionPtr value;
  std::string name;
  CallArguments arguments;
};

struct Not {
  ExpressionPtr operand;
};

enum class Sign { kPlus, kMinus };

struct Signed {
  Sign sign;
  ExpressionPtr operand;
};

struct Arithmetic {
  ArithmeticOperator op;
  ExpressionPtr left;
  ExpressionPtr right;
};

// a ~ b ~ c: joined as they print.
struct Concatenation {
  std::vector<ExpressionPtr> parts;
};

enum class ComparisonOperator {
  kEqual,
  kNotEqual,
  kLess,
  kLessOrEqual,
  kGreater,
  kGreaterOrEqual,
  kIn,
  kNotIn,
};

// a < b < c: every neighbouring pair must hold.
struct Comparison {
  ExpressionPtr first;
  std::vector<std::pair<ComparisonOperator, ExpressionPtr>> rest;
};

enum class LogicalOperator { kAnd, kOr };

struct Logical {
  LogicalOperator op;
  ExpressionPtr left;
  ExpressionPtr right;
};

// then if condition else otherwise
struct Conditional {
  ExpressionPtr condition;
  ExpressionPtr then;
  ExpressionPtr otherwise;  // may be null
};

struct Expression {
  int line = 1;
  int depth = 1;  // levels of expressions, this one included
  std::variant<Literal, Name, SequenceDisplay, DictDisplay, AttributeOf, ItemOf, SliceOf, Call,
               FilterUse, TestUse, Not, Signed, Arithmetic, Concatenation, Comparison, Logical,
               Conditional>
      node;
};

// Statements.

// What is assigned to: a name, an attribute of a namespace, or several targets that unpack a value.
struct Target {
  std::string name;           // empty where there are several
  std::string attribute;      // of the namespace called `name`; may be empty
  std::vector<Target> parts;  // empty where there is a name
};

struct Data {
  std::string text;
};

struct Output {
  ExpressionPtr value;
};

struct Branch {
  ExpressionPtr condition;  // null for else
  Body body;
};

struct If {
  std::vector<Branch> branches;
};

struct For {
  Target target;
  ExpressionPtr iterable;
  ExpressionPtr filter;  // may be null
  Body body;
  Body otherwise;  // where there was no item
};

struct Set {
  Target target;
  ExpressionPtr value;
};

// {% set target %} … {% endset %} and {% filter … %}: what the body renders, filtered. The filter's
// innermost input is a Name called kCapturedName.
struct Capture {
  Target target;         // empty for a filter block, which prints
  ExpressionPtr filter;  // may be null
  Body body;
};

// No template can write this name.
inline constexpr char kCapturedName[] = "";

struct Parameter {
  std::string name;
  ExpressionPtr otherwise;  // the default; may be null
};

struct MacroDefinition {
  std::string name;
  std::vector<Parameter> parameters;
  Body body;
  // Whether the body reads these: only then does the macro take what it has no parameters for.
  bool uses_varargs = false;
  bool uses_kwargs = false;
  bool uses_caller = false;
};

// {% call(parameters) macro(…) %} body {% endcall %}: the macro gets the body as `caller`.
struct CallBlock {
  MacroDefinition caller;
  ExpressionPtr call;
};

// {% with %} and {% generation %}: a scope of its own.
struct Scoped {
  std::vector<std::pair<Target, ExpressionPtr>> assignments;
  Body body;
};

struct Break {};
struct Continue {};

struct Statement {
  int line = 1;
  std::variant<Data, Output, If, For, Set, Capture, MacroDefinition, CallBlock, Scoped, Break,
               Continue>
      node;
};

}  // namespace oriel::jinja

#endif  // ORIEL_ENGINE_TOKENIZER_JINJA_AST_H_
