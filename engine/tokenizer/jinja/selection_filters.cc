#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "engine/tokenizer/jinja/access.h"
#include "engine/tokenizer/jinja/attribute_path.h"
#include "engine/tokenizer/jinja/builder.h"
#include "engine/tokenizer/jinja/comparison.h"
#include "engine/tokenizer/jinja/filters.h"
#include "engine/tokenizer/jinja/predicates.h"
#include "kernels/core/status.h"

namespace oriel::jinja {
namespace {

using Result = absl::StatusOr<Value>;

// The arguments behind the first `count` positional ones.
Arguments Rest(const Arguments& arguments, size_t count) {
  Arguments rest = arguments;
  rest.positional.erase(rest.positional.begin(),
                        rest.positional.begin() + static_cast<std::ptrdiff_t>(count));
  return rest;
}

// The items of a filter's input: none where the input is false in any way, None included.
absl::StatusOr<std::vector<Value>> InputItems(Runtime& runtime, const Value& input) {
  return IsTrue(input) ? Iterate(runtime.budget, input) : std::vector<Value>();
}

absl::StatusOr<std::string> NameArgument(const Value& value) {
  if (!value.is_text()) {
    return absl::InvalidArgumentError("the name of a filter or test is text");
  }
  return value.text();
}

Result MapAttribute(Runtime& runtime, const std::vector<Value>& items, const Arguments& arguments) {
  AttributePath path;
  const Value* otherwise = nullptr;
  for (const auto& [name, value] : arguments.named) {
    if (name == "attribute") {
      ORIEL_ASSIGN_OR_RETURN(path, AttributePath::Parse(runtime, value));
    } else if (name == "default") {
      otherwise = &value;
    } else {
      return absl::InvalidArgumentError(absl::StrCat("Unexpected keyword argument '", name, "'"));
    }
  }
  std::vector<Value> mapped;
  for (const Value& item : items) {
    ORIEL_ASSIGN_OR_RETURN(Value value, path.Follow(runtime, item, otherwise));
    mapped.push_back(std::move(value));
  }
  return MakeSequence(runtime.budget, SequenceKind::kGenerator, std::move(mapped));
}

Result Map(Runtime& runtime, const Value& self, const Arguments& arguments) {
  ORIEL_ASSIGN_OR_RETURN(const std::vector<Value> items, InputItems(runtime, self));
  if (arguments.positional.empty()) {
    if (arguments.named.empty()) {
      return absl::InvalidArgumentError("map requires a filter argument");
    }
    return MapAttribute(runtime, items, arguments);
  }
  ORIEL_ASSIGN_OR_RETURN(const std::string name, NameArgument(arguments.positional[0]));
  const NamedFunction* filter = FindFilter(name);
  // A filter on the items of an item, and so on: that recursion has no bound of its own.
  if (filter == nullptr) {
    return absl::InvalidArgumentError(absl::StrCat("No filter named '", name, "'."));
  }
  if (filter->body == Map) {
    return absl::InvalidArgumentError("map cannot apply itself");
  }
  const Arguments rest = Rest(arguments, 1);
  std::vector<Value> mapped;
  for (const Value& item : items) {
    ORIEL_RETURN_IF_ERROR(runtime.budget.Steps(1));
    ORIEL_ASSIGN_OR_RETURN(Value value, filter->body(runtime, item, rest));
    mapped.push_back(std::move(value));
  }
  return MakeSequence(runtime.budget, SequenceKind::kGenerator, std::move(mapped));
}

enum class Keep { kPassing, kFailing };
enum class LookAt { kItem, kAttribute };

// select, reject, selectattr and rejectattr: the items whose value passes, or fails, a test. With
// no test named, a value passes that is true.
template <Keep kKeep, LookAt kLookAt>
Result Select(Runtime& runtime, const Value& self, const Arguments& arguments) {
  AttributePath path;
  size_t num_taken = 0;
  if (kLookAt == LookAt::kAttribute) {
    if (arguments.positional.empty()) {
      return absl::InvalidArgumentError("Missing parameter for attribute name");
    }
    ORIEL_ASSIGN_OR_RETURN(path, AttributePath::Parse(runtime, arguments.positional[num_taken++]));
  }
  const bool has_test = arguments.positional.size() > num_taken;
  std::string test;
  if (has_test) {
    ORIEL_ASSIGN_OR_RETURN(test, NameArgument(arguments.positional[num_taken++]));
  }
  const Arguments rest = Rest(arguments, num_taken);
  ORIEL_ASSIGN_OR_RETURN(const std::vector<Value> items, InputItems(runtime, self));
  std::vector<Value> kept;
  for (const Value& item : items) {
    ORIEL_ASSIGN_OR_RETURN(const Value value, path.Follow(runtime, item, nullptr));
    bool passes = IsTrue(value);
    if (has_test) {
      ORIEL_ASSIGN_OR_RETURN(passes, TestValue(runtime, test, value, rest));
    }
    if (passes == (kKeep == Keep::kPassing)) {
      kept.push_back(item);
    }
  }
  return MakeSequence(runtime.budget, SequenceKind::kGenerator, std::move(kept));
}

constexpr NamedFunction kSelectionFilters[] = {
    {"map", Map},
    {"reject", Select<Keep::kFailing, LookAt::kItem>},
    {"rejectattr", Select<Keep::kFailing, LookAt::kAttribute>},
    {"select", Select<Keep::kPassing, LookAt::kItem>},
    {"selectattr", Select<Keep::kPassing, LookAt::kAttribute>},
};

}  // namespace

absl::Span<const NamedFunction> SelectionFilters() { return kSelectionFilters; }

}  // namespace oriel::jinja
