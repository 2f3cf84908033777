#include "engine/tokenizer/jinja/interpreter.h"

#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "engine/tokenizer/jinja/access.h"
#include "engine/tokenizer/jinja/builder.h"
#include "engine/tokenizer/jinja/comparison.h"
#include "engine/tokenizer/jinja/loop.h"
#include "engine/tokenizer/jinja/printing.h"
#include "kernels/core/status.h"

namespace oriel::jinja {

absl::StatusOr<std::string> Interpreter::Render(const Body& body) {
  ORIEL_RETURN_IF_ERROR(Run(body).status());
  return std::move(output_);
}

absl::Status Interpreter::TooDeep() const {
  return absl::ResourceExhaustedError(absl::StrCat("more than ",
                                                   runtime_.budget.limits().evaluation_depth_max,
                                                   " evaluations inside each other"));
}

absl::StatusOr<Interpreter::Flow> Interpreter::Run(const Body& body) {
  const DepthGuard guard(depth_, runtime_.budget.limits().evaluation_depth_max);
  if (!guard.inside()) {
    return TooDeep();
  }
  for (const Statement& statement : body) {
    ORIEL_RETURN_IF_ERROR(runtime_.budget.Steps(1));
    line_ = statement.line;
    ORIEL_ASSIGN_OR_RETURN(
        const Flow flow,
        std::visit([this](const auto& node) { return Run(node); }, statement.node));
    if (flow != Flow::kNext) {
      return flow;
    }
  }
  return Flow::kNext;
}

absl::Status Interpreter::Emit(std::string_view text) {
  if (capture_ != nullptr) {
    return capture_->Append(text);
  }
  ORIEL_RETURN_IF_ERROR(runtime_.budget.Output(text.size()));
  output_.append(text);
  return absl::OkStatus();
}

absl::StatusOr<Interpreter::Flow> Interpreter::Run(const Data& data) {
  ORIEL_RETURN_IF_ERROR(Emit(data.text));
  return Flow::kNext;
}

absl::StatusOr<Interpreter::Flow> Interpreter::Run(const Output& output) {
  ORIEL_ASSIGN_OR_RETURN(const Value value, Evaluate(output.value));
  if (value.is_text()) {
    ORIEL_RETURN_IF_ERROR(Emit(value.text()));
    return Flow::kNext;
  }
  ORIEL_ASSIGN_OR_RETURN(const std::string text, Print(runtime_.budget, value));
  ORIEL_RETURN_IF_ERROR(Emit(text));
  return Flow::kNext;
}

absl::StatusOr<Interpreter::Flow> Interpreter::Run(const If& statement) {
  for (const Branch& branch : statement.branches) {
    bool taken = true;
    if (branch.condition != nullptr) {
      ORIEL_ASSIGN_OR_RETURN(const Value condition, Evaluate(branch.condition));
      taken = IsTrue(condition);
    }
    if (taken) {
      return Run(branch.body);
    }
  }
  return Flow::kNext;
}

absl::StatusOr<bool> Interpreter::KeepsItem(const For& statement, const Value& item) {
  Scope turn(scope_);
  Scope* const outer = std::exchange(scope_, &turn);
  const absl::Cleanup restore = [this, outer] { scope_ = outer; };
  ORIEL_RETURN_IF_ERROR(Assign(statement.target, item));
  ORIEL_ASSIGN_OR_RETURN(const Value kept, Evaluate(statement.filter));
  return IsTrue(kept);
}

absl::StatusOr<std::shared_ptr<Loop>> Interpreter::StartLoop(const For& statement) {
  ORIEL_ASSIGN_OR_RETURN(const Value iterable, Evaluate(statement.iterable));
  ORIEL_ASSIGN_OR_RETURN(std::vector<Value> items, Iterate(runtime_.budget, iterable));
  Loop::Keep keep;
  if (statement.filter != nullptr) {
    // The filter sees the scope around the loop, also when the body asks for a later item.
    keep = [this, &statement, around = scope_](const Value& item) {
      Scope* const current = std::exchange(scope_, around);
      const absl::Cleanup restore = [this, current] { scope_ = current; };
      return KeepsItem(statement, item);
    };
  }
  auto loop = std::make_shared<Loop>(std::move(items), std::move(keep));
  if (loop->depth() > runtime_.budget.limits().value_depth_max) {
    return absl::ResourceExhaustedError("a loop runs over values that nest too deep");
  }
  return loop;
}

absl::StatusOr<Interpreter::Flow> Interpreter::Run(const For& statement) {
  ORIEL_ASSIGN_OR_RETURN(const std::shared_ptr<Loop> loop, StartLoop(statement));
  Scope* const outer = scope_;
  const absl::Cleanup restore = [this, outer, &loop] {
    scope_ = outer;
    loop->Close();
  };
  while (true) {
    ORIEL_RETURN_IF_ERROR(runtime_.budget.Steps(1));
    ORIEL_ASSIGN_OR_RETURN(const bool found, loop->Advance());
    if (!found) {
      break;
    }
    Scope turn(outer);
    scope_ = &turn;
    turn.Set("loop", Value(loop));
    ORIEL_RETURN_IF_ERROR(Assign(statement.target, loop->current()));
    ORIEL_ASSIGN_OR_RETURN(const Flow flow, Run(statement.body));
    scope_ = outer;
    if (flow == Flow::kBreak) {
      break;
    }
  }
  if (loop->started()) {
    return Flow::kNext;
  }
  Scope otherwise(outer);
  scope_ = &otherwise;
  return Run(statement.otherwise);
}

absl::Status Interpreter::AssignAttribute(const Target& target, const Value& value) {
  const Value* found = scope_->Find(target.name);
  if (found == nullptr || found->kind() != Value::Kind::kNamespace) {
    return absl::InvalidArgumentError("cannot assign attribute on non-namespace object");
  }
  // The attributes live as long as the rendering, so each new one is paid for.
  ORIEL_RETURN_IF_ERROR(runtime_.budget.Build(target.attribute.size()));
  found->name_space().attributes.Set(Value::Text(target.attribute), value);
  return absl::OkStatus();
}

absl::Status Interpreter::AssignParts(const std::vector<Target>& targets, const Value& value) {
  ORIEL_ASSIGN_OR_RETURN(const std::vector<Value> items, Iterate(runtime_.budget, value));
  if (items.size() < targets.size()) {
    return absl::InvalidArgumentError(absl::StrCat("not enough values to unpack (expected ",
                                                   targets.size(), ", got ", items.size(), ")"));
  }
  if (items.size() > targets.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat("too many values to unpack (expected ", targets.size(), ")"));
  }
  for (size_t i = 0; i < targets.size(); ++i) {
    ORIEL_RETURN_IF_ERROR(Assign(targets[i], items[i]));
  }
  return absl::OkStatus();
}

absl::Status Interpreter::Assign(const Target& target, const Value& value) {
  if (!target.parts.empty()) {
    return AssignParts(target.parts, value);
  }
  if (!target.attribute.empty()) {
    return AssignAttribute(target, value);
  }
  scope_->Set(target.name, value);
  return absl::OkStatus();
}

absl::StatusOr<Interpreter::Flow> Interpreter::Run(const Set& statement) {
  ORIEL_ASSIGN_OR_RETURN(const Value value, Evaluate(statement.value));
  ORIEL_RETURN_IF_ERROR(Assign(statement.target, value));
  return Flow::kNext;
}

absl::StatusOr<Value> Interpreter::RunCaptured(const Body& body) {
  TextBuilder text(runtime_.budget);
  Scope inner(scope_);
  Scope* const outer_scope = std::exchange(scope_, &inner);
  TextBuilder* const outer_capture = std::exchange(capture_, &text);
  const absl::Cleanup restore = [this, outer_scope, outer_capture] {
    scope_ = outer_scope;
    capture_ = outer_capture;
  };
  ORIEL_RETURN_IF_ERROR(Run(body).status());
  return text.Finish();
}

absl::StatusOr<Interpreter::Flow> Interpreter::Run(const Capture& capture) {
  ORIEL_ASSIGN_OR_RETURN(Value value, RunCaptured(capture.body));
  if (capture.filter != nullptr) {
    Scope inner(scope_);
    inner.Set(kCapturedName, std::move(value));
    Scope* const outer = std::exchange(scope_, &inner);
    const absl::Cleanup restore = [this, outer] { scope_ = outer; };
    ORIEL_ASSIGN_OR_RETURN(value, Evaluate(capture.filter));
  }
  const bool prints = capture.target.name.empty() && capture.target.parts.empty();
  if (!prints) {
    ORIEL_RETURN_IF_ERROR(Assign(capture.target, value));
    return Flow::kNext;
  }
  ORIEL_ASSIGN_OR_RETURN(const std::string text, Print(runtime_.budget, value));
  ORIEL_RETURN_IF_ERROR(Emit(text));
  return Flow::kNext;
}

absl::StatusOr<Interpreter::Flow> Interpreter::Run(const Scoped& scoped) {
  Scope inner(scope_);
  Scope* const outer = scope_;
  const absl::Cleanup restore = [this, outer] { scope_ = outer; };
  for (const auto& [target, expression] : scoped.assignments) {
    scope_ = outer;
    ORIEL_ASSIGN_OR_RETURN(const Value value, Evaluate(expression));
    scope_ = &inner;
    ORIEL_RETURN_IF_ERROR(Assign(target, value));
  }
  scope_ = &inner;
  return Run(scoped.body);
}

absl::StatusOr<Interpreter::Flow> Interpreter::Run(const MacroDefinition& definition) {
  ORIEL_ASSIGN_OR_RETURN(Value macro, MakeMacro(definition));
  scope_->Set(definition.name, std::move(macro));
  return Flow::kNext;
}

absl::StatusOr<Interpreter::Flow> Interpreter::Run(const CallBlock& block) {
  const auto& call = std::get<struct Call>(block.call->node);
  ORIEL_ASSIGN_OR_RETURN(Value caller, MakeMacro(block.caller));
  ORIEL_ASSIGN_OR_RETURN(const Value callee, Evaluate(call.callee));
  ORIEL_ASSIGN_OR_RETURN(Arguments arguments, EvaluateArguments(call.arguments));
  arguments.named.emplace_back("caller", std::move(caller));
  ORIEL_ASSIGN_OR_RETURN(const Value value, CallValue(callee, arguments));
  ORIEL_ASSIGN_OR_RETURN(const std::string text, Print(runtime_.budget, value));
  ORIEL_RETURN_IF_ERROR(Emit(text));
  return Flow::kNext;
}

}  // namespace oriel::jinja
