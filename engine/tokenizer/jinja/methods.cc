#include "engine/tokenizer/jinja/methods.h"

#include "absl/strings/str_cat.h"
#include "engine/tokenizer/jinja/access.h"
#include "engine/tokenizer/jinja/arguments.h"
#include "engine/tokenizer/jinja/builder.h"
#include "engine/tokenizer/jinja/comparison.h"
#include "engine/tokenizer/jinja/loop.h"
#include "engine/tokenizer/jinja/runtime.h"
#include "kernels/core/status.h"

namespace oriel::jinja {
namespace {

absl::StatusOr<Value> DictGet(Runtime&, const Value& self, const Arguments& arguments) {
  ORIEL_ASSIGN_OR_RETURN(const auto bound, BoundArguments::Bind(arguments, {"key", "default"}, 1));
  std::string name;
  if (!Dict::NameKey(bound.value(0), name)) {
    return absl::InvalidArgumentError(
        absl::StrCat("unhashable type: '", ToAbsl(bound.value(0).type_name()), "'"));
  }
  const Value* found = self.dict().Find(bound.value(0));
  if (found != nullptr) {
    return *found;
  }
  return bound.has(1) ? bound.value(1) : Value();
}

absl::StatusOr<Value> DictKeys(Runtime& runtime, const Value& self, const Arguments&) {
  ORIEL_ASSIGN_OR_RETURN(std::vector<Value> keys, Iterate(runtime.budget, self));
  return MakeSequence(runtime.budget, SequenceKind::kKeys, std::move(keys));
}

absl::StatusOr<Value> DictValues(Runtime& runtime, const Value& self, const Arguments&) {
  std::vector<Value> values;
  for (const Dict::Entry& entry : self.dict().entries()) {
    values.push_back(entry.value);
  }
  return MakeSequence(runtime.budget, SequenceKind::kValues, std::move(values));
}

absl::StatusOr<Value> DictItems(Runtime& runtime, const Value& self, const Arguments&) {
  ORIEL_ASSIGN_OR_RETURN(std::vector<Value> items, DictPairs(runtime.budget, self.dict()));
  return MakeSequence(runtime.budget, SequenceKind::kItems, std::move(items));
}

absl::StatusOr<Value> Copy(Runtime&, const Value& self, const Arguments&) { return self; }

absl::StatusOr<Value> SequenceIndex(Runtime& runtime, const Value& self,
                                    const Arguments& arguments) {
  ORIEL_ASSIGN_OR_RETURN(const auto bound, BoundArguments::Bind(arguments, {"value"}, 1));
  const std::vector<Value>& items = self.sequence().items;
  for (size_t i = 0; i < items.size(); ++i) {
    ORIEL_ASSIGN_OR_RETURN(const bool equal, AreEqual(runtime.budget, items[i], bound.value(0)));
    if (equal) {
      return Value(static_cast<int64_t>(i));
    }
  }
  return absl::InvalidArgumentError("the value is not in list");
}

absl::StatusOr<Value> SequenceCount(Runtime& runtime, const Value& self,
                                    const Arguments& arguments) {
  ORIEL_ASSIGN_OR_RETURN(const auto bound, BoundArguments::Bind(arguments, {"value"}, 1));
  int64_t count = 0;
  for (const Value& item : self.sequence().items) {
    ORIEL_ASSIGN_OR_RETURN(const bool equal, AreEqual(runtime.budget, item, bound.value(0)));
    count += equal ? 1 : 0;
  }
  return Value(count);
}

absl::StatusOr<Value> LoopCycle(Runtime&, const Value& self, const Arguments& arguments) {
  if (arguments.positional.empty() || !self.loop().started()) {
    return absl::InvalidArgumentError("no items for cycling given");
  }
  return self.loop().Cycle(arguments.positional);
}

constexpr NamedFunction kDictMethods[] = {
    {"copy", Copy},     {"get", DictGet},       {"items", DictItems},
    {"keys", DictKeys}, {"values", DictValues},
};

constexpr NamedFunction kSequenceMethods[] = {
    {"copy", Copy},
    {"count", SequenceCount},
    {"index", SequenceIndex},
};

constexpr NamedFunction kLoopMethods[] = {{"cycle", LoopCycle}};

}  // namespace

const NamedFunction* FindFunction(absl::Span<const NamedFunction> functions,
                                  std::string_view name) {
  for (const NamedFunction& function : functions) {
    if (function.name == name) {
      return &function;
    }
  }
  return nullptr;
}

const NamedFunction* FindMethod(const Value& object, std::string_view name) {
  switch (object.kind()) {
    case Value::Kind::kText:
      return FindFunction(TextMethods(), name);
    case Value::Kind::kDict:
      return FindFunction(kDictMethods, name);
    case Value::Kind::kSequence:
      if (object.sequence().kind == SequenceKind::kList ||
          object.sequence().kind == SequenceKind::kTuple) {
        return FindFunction(kSequenceMethods, name);
      }
      return nullptr;
    case Value::Kind::kLoop:
      return FindFunction(kLoopMethods, name);
    case Value::Kind::kNone:
    case Value::Kind::kUndefined:
    case Value::Kind::kBool:
    case Value::Kind::kInt:
    case Value::Kind::kFloat:
    case Value::Kind::kNamespace:
    case Value::Kind::kFunction:
    case Value::Kind::kMacro:
      return nullptr;
  }
  return nullptr;
}

}  // namespace oriel::jinja
