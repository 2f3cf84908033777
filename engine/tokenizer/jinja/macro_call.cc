#include <algorithm>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "engine/tokenizer/jinja/builder.h"
#include "engine/tokenizer/jinja/interpreter.h"
#include "kernels/core/status.h"

namespace oriel::jinja {
namespace {

bool IsParameter(const MacroDefinition& definition, std::string_view name) {
  return std::any_of(definition.parameters.begin(), definition.parameters.end(),
                     [&](const Parameter& parameter) { return parameter.name == name; });
}

const Value* FindNamed(const Arguments& arguments, std::string_view name) {
  for (const auto& [key, value] : arguments.named) {
    if (key == name) {
      return &value;
    }
  }
  return nullptr;
}

}  // namespace

absl::StatusOr<Value> Interpreter::MakeMacro(const MacroDefinition& definition) {
  constexpr uint64_t kVariableBytes = 64;
  auto seen = std::make_unique<Scope>(&globals_);
  for (const Scope* scope = scope_; scope != &globals_; scope = scope->outer()) {
    ORIEL_RETURN_IF_ERROR(runtime_.budget.Build((scope->variables().size() + 1) * kVariableBytes));
    for (const auto& [name, value] : scope->variables()) {
      // An inner variable hides the outer one of its name.
      if (!seen->variables().contains(name)) {
        seen->Set(name, value);
      }
    }
  }
  ORIEL_RETURN_IF_ERROR(runtime_.budget.Build(sizeof(Macro) + sizeof(Scope)));
  macros_.push_back(std::make_unique<Macro>(Macro{&definition, std::move(seen)}));
  return Value(macros_.back().get());
}

absl::Status Interpreter::BindExtraNamed(const MacroDefinition& definition,
                                         const Arguments& arguments) {
  DictBuilder extra(runtime_.budget);
  const size_t num_bound = std::min(arguments.positional.size(), definition.parameters.size());
  for (const auto& [name, value] : arguments.named) {
    const auto bound_end = definition.parameters.begin() + static_cast<std::ptrdiff_t>(num_bound);
    const bool twice = std::any_of(definition.parameters.begin(), bound_end,
                                   [&](const Parameter& bound) { return bound.name == name; });
    if (name == "caller" && definition.uses_caller) {
      scope_->Set(name, value);
    } else if (twice || !IsParameter(definition, name)) {
      if (!definition.uses_kwargs) {
        return absl::InvalidArgumentError(
            absl::StrCat("macro '", definition.name, "' takes no keyword argument '", name, "'"));
      }
      ORIEL_RETURN_IF_ERROR(extra.Set(Value::Text(name), value));
    }
  }
  if (definition.uses_kwargs) {
    scope_->Set("kwargs", extra.Finish());
  }
  return absl::OkStatus();
}

absl::Status Interpreter::BindParameters(const Macro& macro, const Arguments& arguments) {
  const MacroDefinition& definition = *macro.definition;
  const size_t num_parameters = definition.parameters.size();
  const size_t num_given = arguments.positional.size();
  if (num_given > num_parameters && !definition.uses_varargs) {
    return absl::InvalidArgumentError(absl::StrCat(
        "macro '", definition.name, "' takes not more than ", num_parameters, " argument(s)"));
  }
  // Every named argument is looked for among the parameters, and the other way round.
  ORIEL_RETURN_IF_ERROR(
      runtime_.budget.Steps(static_cast<int64_t>(arguments.named.size() * num_parameters / 8)));
  if (definition.uses_caller) {
    scope_->Set("caller", Value::Undefined("No caller defined"));
  }
  ORIEL_RETURN_IF_ERROR(BindExtraNamed(definition, arguments));
  if (definition.uses_varargs) {
    const size_t num_bound = std::min(num_given, num_parameters);
    std::vector<Value> extra(arguments.positional.begin() + static_cast<std::ptrdiff_t>(num_bound),
                             arguments.positional.end());
    ORIEL_ASSIGN_OR_RETURN(Value value,
                           MakeSequence(runtime_.budget, SequenceKind::kTuple, std::move(extra)));
    scope_->Set("varargs", std::move(value));
  }
  for (size_t i = 0; i < num_parameters; ++i) {
    const Parameter& parameter = definition.parameters[i];
    const Value* named = FindNamed(arguments, parameter.name);
    Value value;
    if (i < num_given) {
      value = arguments.positional[i];
    } else if (named != nullptr) {
      value = *named;
    } else if (parameter.otherwise != nullptr) {
      ORIEL_ASSIGN_OR_RETURN(value, Evaluate(parameter.otherwise));
    } else {
      value = Value::Undefined(absl::StrCat("parameter '", parameter.name, "' was not provided"));
    }
    scope_->Set(parameter.name, std::move(value));
  }
  return absl::OkStatus();
}

absl::StatusOr<Value> Interpreter::CallMacro(const Macro& macro, const Arguments& arguments) {
  const DepthGuard guard(depth_, runtime_.budget.limits().evaluation_depth_max);
  if (!guard.inside()) {
    return TooDeep();
  }
  Scope call(macro.seen.get());
  Scope* const outer = std::exchange(scope_, &call);
  const absl::Cleanup restore = [this, outer] { scope_ = outer; };
  ORIEL_RETURN_IF_ERROR(BindParameters(macro, arguments));
  return RunCaptured(macro.definition->body);
}

}  // namespace oriel::jinja
