#include <algorithm>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "engine/tokenizer/jinja/access.h"
#include "engine/tokenizer/jinja/arguments.h"
#include "engine/tokenizer/jinja/attribute_path.h"
#include "engine/tokenizer/jinja/builder.h"
#include "engine/tokenizer/jinja/comparison.h"
#include "engine/tokenizer/jinja/filters.h"
#include "engine/tokenizer/jinja/operators.h"
#include "engine/tokenizer/jinja/printing.h"
#include "engine/tokenizer/jinja/text.h"
#include "kernels/core/status.h"

namespace oriel::jinja {
namespace {

using Result = absl::StatusOr<Value>;

Result LengthFilter(Runtime& runtime, const Value& self, const Arguments&) {
  ORIEL_ASSIGN_OR_RETURN(const int64_t length, Length(runtime.budget, self));
  return Value(length);
}

Result ToList(Runtime& runtime, const Value& self, const Arguments&) {
  ORIEL_ASSIGN_OR_RETURN(std::vector<Value> items, Iterate(runtime.budget, self));
  return MakeList(runtime.budget, std::move(items));
}

Result First(Runtime& runtime, const Value& self, const Arguments&) {
  ORIEL_ASSIGN_OR_RETURN(const std::vector<Value> items, Iterate(runtime.budget, self));
  return items.empty() ? Value::Undefined("No first item, sequence was empty.") : items.front();
}

Result Last(Runtime& runtime, const Value& self, const Arguments&) {
  if (self.is_sequence() && self.sequence().kind == SequenceKind::kGenerator) {
    return absl::InvalidArgumentError("'generator' object is not reversible");
  }
  ORIEL_ASSIGN_OR_RETURN(const std::vector<Value> items, Iterate(runtime.budget, self));
  return items.empty() ? Value::Undefined("No last item, sequence was empty.") : items.back();
}

Result Reverse(Runtime& runtime, const Value& self, const Arguments&) {
  if (self.is_text()) {
    return GetSlice(runtime.budget, self, Value(), Value(), Value(int64_t{-1}));
  }
  ORIEL_ASSIGN_OR_RETURN(std::vector<Value> items, Iterate(runtime.budget, self));
  std::reverse(items.begin(), items.end());
  return MakeSequence(runtime.budget, SequenceKind::kGenerator, std::move(items));
}

Result Default(Runtime&, const Value& self, const Arguments& arguments) {
  ORIEL_ASSIGN_OR_RETURN(const auto bound,
                         BoundArguments::Bind(arguments, {"default_value", "boolean"}));
  if (self.is_undefined() || (bound.Truth(1, false) && !IsTrue(self))) {
    return bound.has(0) ? bound.value(0) : Value::Text("");
  }
  return self;
}

Result Items(Runtime& runtime, const Value& self, const Arguments&) {
  if (!self.is_dict() && !self.is_undefined()) {
    return absl::InvalidArgumentError("Can only get item pairs from a mapping.");
  }
  std::vector<Value> pairs;
  if (self.is_dict()) {
    ORIEL_ASSIGN_OR_RETURN(pairs, DictPairs(runtime.budget, self.dict()));
  }
  return MakeSequence(runtime.budget, SequenceKind::kGenerator, std::move(pairs));
}

Result Attribute(Runtime& runtime, const Value& self, const Arguments& arguments) {
  ORIEL_ASSIGN_OR_RETURN(const auto bound, BoundArguments::Bind(arguments, {"name"}, 1));
  ORIEL_ASSIGN_OR_RETURN(const std::string name, bound.Text(0, ""));
  if (self.is_dict()) {
    return Value::Undefined(absl::StrCat("'dict object' has no attribute '", name, "'"));
  }
  return GetAttribute(runtime, self, name);
}

// The path that an optional `attribute` argument names.
absl::StatusOr<AttributePath> PathArgument(Runtime& runtime, const BoundArguments& bound,
                                           size_t parameter) {
  return bound.has(parameter) ? AttributePath::Parse(runtime, bound.value(parameter))
                              : AttributePath();
}

Result JoinFilter(Runtime& runtime, const Value& self, const Arguments& arguments) {
  ORIEL_ASSIGN_OR_RETURN(const auto bound, BoundArguments::Bind(arguments, {"d", "attribute"}));
  ORIEL_ASSIGN_OR_RETURN(const AttributePath path, PathArgument(runtime, bound, 1));
  ORIEL_ASSIGN_OR_RETURN(const std::vector<Value> items, Iterate(runtime.budget, self));
  std::string separator;
  if (bound.has(0)) {
    ORIEL_ASSIGN_OR_RETURN(separator, Print(runtime.budget, bound.value(0)));
  }
  TextBuilder out(runtime.budget);
  for (size_t i = 0; i < items.size(); ++i) {
    ORIEL_RETURN_IF_ERROR(out.Append(i == 0 ? "" : separator));
    ORIEL_ASSIGN_OR_RETURN(const Value value, path.Follow(runtime, items[i], nullptr));
    ORIEL_ASSIGN_OR_RETURN(const std::string text, Print(runtime.budget, value));
    ORIEL_RETURN_IF_ERROR(out.Append(text));
  }
  return out.Finish();
}

Result Sum(Runtime& runtime, const Value& self, const Arguments& arguments) {
  ORIEL_ASSIGN_OR_RETURN(const auto bound, BoundArguments::Bind(arguments, {"attribute", "start"}));
  ORIEL_ASSIGN_OR_RETURN(const AttributePath path, PathArgument(runtime, bound, 0));
  ORIEL_ASSIGN_OR_RETURN(const std::vector<Value> items, Iterate(runtime.budget, self));
  Value sum = bound.has(1) ? bound.value(1) : Value(int64_t{0});
  for (const Value& item : items) {
    ORIEL_ASSIGN_OR_RETURN(const Value value, path.Follow(runtime, item, nullptr));
    ORIEL_ASSIGN_OR_RETURN(sum, Calculate(runtime.budget, ArithmeticOperator::kAdd, sum, value));
  }
  return sum;
}

// The value to sort or compare by: text in lower case unless case counts.
Result FoldCase(Runtime& runtime, const Value& value, bool case_sensitive) {
  if (!value.is_text() || case_sensitive) {
    return value;
  }
  ORIEL_RETURN_IF_ERROR(runtime.budget.Build(2 * value.text().size()));
  return MakeText(runtime.budget, Lower(value.text()));
}

// The sort key of an item: a list of what its comma-separated attributes hold.
Result SortKey(Runtime& runtime, const std::vector<AttributePath>& paths, const Value& item,
               bool case_sensitive) {
  std::vector<Value> key;
  for (const AttributePath& path : paths) {
    ORIEL_ASSIGN_OR_RETURN(const Value value, path.Follow(runtime, item, nullptr));
    ORIEL_ASSIGN_OR_RETURN(Value part, FoldCase(runtime, value, case_sensitive));
    key.push_back(std::move(part));
  }
  return MakeList(runtime.budget, std::move(key));
}

// Items in the order of their keys, equal ones as they were.
absl::StatusOr<std::vector<Value>> SortByKeys(Runtime& runtime, const std::vector<Value>& items,
                                              const std::vector<Value>& keys, bool reverse) {
  std::vector<size_t> order(items.size());
  std::iota(order.begin(), order.end(), size_t{0});
  absl::Status failure;
  // stable_sort stays within its range even when a failed comparison makes the order senseless.
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    if (!failure.ok()) {
      return false;
    }
    const absl::StatusOr<int> result =
        reverse ? Order(runtime.budget, keys[b], keys[a]) : Order(runtime.budget, keys[a], keys[b]);
    if (!result.ok()) {
      failure = result.status();
      return false;
    }
    return *result < 0;
  });
  ORIEL_RETURN_IF_ERROR(failure);
  std::vector<Value> sorted;
  sorted.reserve(items.size());
  for (const size_t place : order) {
    sorted.push_back(items[place]);
  }
  return sorted;
}

absl::StatusOr<std::vector<AttributePath>> SortPaths(Runtime& runtime, const BoundArguments& bound,
                                                     size_t parameter) {
  std::vector<AttributePath> paths;
  if (!bound.has(parameter) || !bound.value(parameter).is_text()) {
    ORIEL_ASSIGN_OR_RETURN(AttributePath path, PathArgument(runtime, bound, parameter));
    paths.push_back(std::move(path));
    return paths;
  }
  const std::string_view text = bound.value(parameter).text();
  for (size_t start = 0; start <= text.size();) {
    const size_t end = std::min(text.find(',', start), text.size());
    const Value name = Value::Text(std::string(text.substr(start, end - start)));
    ORIEL_ASSIGN_OR_RETURN(AttributePath path, AttributePath::Parse(runtime, name));
    paths.push_back(std::move(path));
    start = end + 1;
  }
  return paths;
}

Result Sort(Runtime& runtime, const Value& self, const Arguments& arguments) {
  ORIEL_ASSIGN_OR_RETURN(
      const auto bound,
      BoundArguments::Bind(arguments, {"reverse", "case_sensitive", "attribute"}));
  ORIEL_ASSIGN_OR_RETURN(const std::vector<AttributePath> paths, SortPaths(runtime, bound, 2));
  ORIEL_ASSIGN_OR_RETURN(const std::vector<Value> items, Iterate(runtime.budget, self));
  std::vector<Value> keys;
  for (const Value& item : items) {
    ORIEL_ASSIGN_OR_RETURN(Value key, SortKey(runtime, paths, item, bound.Truth(1, false)));
    keys.push_back(std::move(key));
  }
  ORIEL_ASSIGN_OR_RETURN(std::vector<Value> sorted,
                         SortByKeys(runtime, items, keys, bound.Truth(0, false)));
  return MakeList(runtime.budget, std::move(sorted));
}

Result DictSort(Runtime& runtime, const Value& self, const Arguments& arguments) {
  ORIEL_ASSIGN_OR_RETURN(const auto bound,
                         BoundArguments::Bind(arguments, {"case_sensitive", "by", "reverse"}));
  ORIEL_ASSIGN_OR_RETURN(const std::string by, bound.Text(1, "key"));
  if (by != "key" && by != "value") {
    return absl::InvalidArgumentError("You can only sort by either \"key\" or \"value\"");
  }
  if (!self.is_dict()) {
    return absl::InvalidArgumentError("dictsort needs a mapping");
  }
  ORIEL_ASSIGN_OR_RETURN(const std::vector<Value> pairs, DictPairs(runtime.budget, self.dict()));
  std::vector<Value> keys;
  for (const Dict::Entry& entry : self.dict().entries()) {
    ORIEL_ASSIGN_OR_RETURN(
        Value key, FoldCase(runtime, by == "key" ? entry.key : entry.value, bound.Truth(0, false)));
    keys.push_back(std::move(key));
  }
  ORIEL_ASSIGN_OR_RETURN(std::vector<Value> sorted,
                         SortByKeys(runtime, pairs, keys, bound.Truth(2, false)));
  return MakeList(runtime.budget, std::move(sorted));
}

Result Unique(Runtime& runtime, const Value& self, const Arguments& arguments) {
  ORIEL_ASSIGN_OR_RETURN(const auto bound,
                         BoundArguments::Bind(arguments, {"case_sensitive", "attribute"}));
  ORIEL_ASSIGN_OR_RETURN(const AttributePath path, PathArgument(runtime, bound, 1));
  ORIEL_ASSIGN_OR_RETURN(const std::vector<Value> items, Iterate(runtime.budget, self));
  absl::flat_hash_set<std::string> seen;
  std::vector<Value> kept;
  for (const Value& item : items) {
    ORIEL_ASSIGN_OR_RETURN(const Value value, path.Follow(runtime, item, nullptr));
    ORIEL_ASSIGN_OR_RETURN(const Value key, FoldCase(runtime, value, bound.Truth(0, false)));
    std::string name;
    if (!Dict::NameKey(key, name)) {
      return absl::InvalidArgumentError(
          absl::StrCat("unhashable type: '", ToAbsl(key.type_name()), "'"));
    }
    if (seen.insert(std::move(name)).second) {
      kept.push_back(item);
    }
  }
  return MakeSequence(runtime.budget, SequenceKind::kGenerator, std::move(kept));
}

enum class Extreme { kLeast, kGreatest };

template <Extreme kExtreme>
Result FindExtreme(Runtime& runtime, const Value& self, const Arguments& arguments) {
  ORIEL_ASSIGN_OR_RETURN(const auto bound,
                         BoundArguments::Bind(arguments, {"case_sensitive", "attribute"}));
  ORIEL_ASSIGN_OR_RETURN(const AttributePath path, PathArgument(runtime, bound, 1));
  ORIEL_ASSIGN_OR_RETURN(const std::vector<Value> items, Iterate(runtime.budget, self));
  Value best_item = Value::Undefined("No aggregated item, sequence was empty.");
  Value best_key;
  for (size_t i = 0; i < items.size(); ++i) {
    ORIEL_ASSIGN_OR_RETURN(const Value value, path.Follow(runtime, items[i], nullptr));
    ORIEL_ASSIGN_OR_RETURN(const Value key, FoldCase(runtime, value, bound.Truth(0, false)));
    int order = -1;
    if (i > 0) {
      ORIEL_ASSIGN_OR_RETURN(order, kExtreme == Extreme::kLeast
                                        ? Order(runtime.budget, key, best_key)
                                        : Order(runtime.budget, best_key, key));
    }
    if (order < 0) {
      best_item = items[i];
      best_key = key;
    }
  }
  return best_item;
}

constexpr NamedFunction kSequenceFilters[] = {
    {"attr", Attribute},
    {"count", LengthFilter},
    {"d", Default},
    {"default", Default},
    {"dictsort", DictSort},
    {"first", First},
    {"items", Items},
    {"join", JoinFilter},
    {"last", Last},
    {"length", LengthFilter},
    {"list", ToList},
    {"max", FindExtreme<Extreme::kGreatest>},
    {"min", FindExtreme<Extreme::kLeast>},
    {"reverse", Reverse},
    {"sort", Sort},
    {"sum", Sum},
    {"unique", Unique},
};

}  // namespace

absl::Span<const NamedFunction> SequenceFilters() { return kSequenceFilters; }

}  // namespace oriel::jinja
