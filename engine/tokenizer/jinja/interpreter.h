#ifndef ORIEL_ENGINE_TOKENIZER_JINJA_INTERPRETER_H_
#define ORIEL_ENGINE_TOKENIZER_JINJA_INTERPRETER_H_

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/tokenizer/jinja/ast.h"
#include "engine/tokenizer/jinja/builder.h"
#include "engine/tokenizer/jinja/function.h"
#include "engine/tokenizer/jinja/runtime.h"
#include "engine/tokenizer/jinja/scope.h"

namespace oriel::jinja {

// Renders one parsed template once: statements write text, expressions give values.
//
// Lifecycle  made for one rendering; the template outlives it.
// Threads    one.
// Errors     as they come from the operation that failed; line() then is where that was.
class Interpreter {
 public:
  explicit Interpreter(Runtime& runtime) : runtime_(runtime), globals_(nullptr) {}

  void SetVariable(std::string_view name, Value value) { globals_.Set(name, std::move(value)); }

  absl::StatusOr<std::string> Render(const Body& body);

  // The line of the template under way.
  int line() const { return line_; }

 private:
  using Result = absl::StatusOr<Value>;

  // How a statement ends: with the next one, or by leaving the turn or the loop around it.
  enum class Flow { kNext, kBreak, kContinue };

  // Statements: interpreter.cc.
  absl::StatusOr<Flow> Run(const Body& body);
  absl::StatusOr<Flow> Run(const Data& data);
  absl::StatusOr<Flow> Run(const Output& output);
  absl::StatusOr<Flow> Run(const If& statement);
  absl::StatusOr<Flow> Run(const For& statement);
  absl::StatusOr<Flow> Run(const Set& statement);
  absl::StatusOr<Flow> Run(const Capture& capture);
  absl::StatusOr<Flow> Run(const MacroDefinition& definition);
  absl::StatusOr<Flow> Run(const CallBlock& block);
  absl::StatusOr<Flow> Run(const Scoped& scoped);
  absl::StatusOr<Flow> Run(const Break&) { return Flow::kBreak; }
  absl::StatusOr<Flow> Run(const Continue&) { return Flow::kContinue; }

  absl::StatusOr<std::shared_ptr<Loop>> StartLoop(const For& statement);
  absl::StatusOr<bool> KeepsItem(const For& statement, const Value& item);
  absl::Status Assign(const Target& target, const Value& value);
  absl::Status AssignParts(const std::vector<Target>& targets, const Value& value);
  absl::Status AssignAttribute(const Target& target, const Value& value);
  absl::Status Emit(std::string_view text);
  // What a body renders, in a scope of its own.
  Result RunCaptured(const Body& body);

  // Macros: macro_call.cc.
  Result MakeMacro(const MacroDefinition& definition);
  Result CallMacro(const Macro& macro, const Arguments& arguments);
  absl::Status BindParameters(const Macro& macro, const Arguments& arguments);
  absl::Status BindExtraNamed(const MacroDefinition& definition, const Arguments& arguments);

  // Expressions: evaluator.cc. A null expression gives none.
  Result Evaluate(const ExpressionPtr& expression);
  Result Evaluate(const Literal& literal) { return literal.value; }
  Result Evaluate(const Name& name);
  Result Evaluate(const SequenceDisplay& display);
  Result Evaluate(const DictDisplay& display);
  Result Evaluate(const AttributeOf& attribute);
  Result Evaluate(const ItemOf& item);
  Result Evaluate(const SliceOf& slice);
  Result Evaluate(const struct Call& call);
  Result Evaluate(const FilterUse& filter);
  Result Evaluate(const TestUse& test);
  Result Evaluate(const Not& negation);
  Result Evaluate(const Signed& value);
  Result Evaluate(const Arithmetic& arithmetic);
  Result Evaluate(const Concatenation& concatenation);
  Result Evaluate(const Comparison& comparison);
  Result Evaluate(const Logical& logical);
  Result Evaluate(const Conditional& conditional);

  absl::StatusOr<bool> Compare(ComparisonOperator op, const Value& a, const Value& b);
  absl::StatusOr<Arguments> EvaluateArguments(const CallArguments& arguments);
  Result CallValue(const Value& callee, const Arguments& arguments);

  absl::Status TooDeep() const;

  Runtime& runtime_;
  Scope globals_;
  Scope* scope_ = &globals_;
  std::vector<std::unique_ptr<Macro>> macros_;
  std::string output_;
  TextBuilder* capture_ = nullptr;  // where text goes instead of output_; may be null
  int depth_ = 0;
  int line_ = 1;
};

}  // namespace oriel::jinja

#endif  // ORIEL_ENGINE_TOKENIZER_JINJA_INTERPRETER_H_
