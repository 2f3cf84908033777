#ifndef ORIEL_ENGINE_TOKENIZER_JINJA_SCOPE_H_
#define ORIEL_ENGINE_TOKENIZER_JINJA_SCOPE_H_

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "engine/tokenizer/jinja/ast.h"
#include "engine/tokenizer/jinja/value.h"
#include "kernels/core/status.h"

namespace oriel::jinja {

// The variables of one level: the template, a turn of a loop, a macro call. A name is looked up
// from the inside out, and set in the innermost scope only.
class Scope {
 public:
  explicit Scope(const Scope* outer) : outer_(outer) {}

  void Set(std::string_view name, Value value) {
    variables_.insert_or_assign(std::string(name), std::move(value));
  }

  // Null where no scope has the name.
  const Value* Find(std::string_view name) const {
    for (const Scope* scope = this; scope != nullptr; scope = scope->outer_) {
      const auto found = scope->variables_.find(ToAbsl(name));
      if (found != scope->variables_.end()) {
        return &found->second;
      }
    }
    return nullptr;
  }

  const Scope* outer() const { return outer_; }
  const absl::flat_hash_map<std::string, Value>& variables() const { return variables_; }

 private:
  const Scope* const outer_;
  absl::flat_hash_map<std::string, Value> variables_;
};

// A macro as a value. It sees the template's scope, and what stood in the scopes between when it
// was defined: copied, because a macro may be called when they are gone.
struct Macro {
  const MacroDefinition* definition;  // not null; of the parsed template
  std::unique_ptr<Scope> seen;
};

}  // namespace oriel::jinja

#endif  // ORIEL_ENGINE_TOKENIZER_JINJA_SCOPE_H_
