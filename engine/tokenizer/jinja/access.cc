#include "engine/tokenizer/jinja/access.h"

#include <algorithm>
#include <array>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/tokenizer/jinja/builder.h"
#include "engine/tokenizer/jinja/loop.h"
#include "engine/tokenizer/jinja/methods.h"
#include "engine/tokenizer/jinja/text.h"
#include "kernels/core/status.h"

namespace oriel::jinja {
namespace {

// Methods of list and dict that change their object; the sandbox of the reference refuses them.
constexpr std::array<std::string_view, 12> kChangingMethods = {
    "append", "clear", "extend",  "insert",     "pop",    "popitem",
    "remove", "sort",  "reverse", "setdefault", "update", "__setitem__"};

// How messages name the type of an object.
std::string ObjectTypeText(const Value& object) {
  if (object.is_none()) {
    return "None";
  }
  const bool is_namespace = object.kind() == Value::Kind::kNamespace;
  return absl::StrCat(is_namespace ? "jinja2.utils." : "", ToAbsl(object.type_name()), " object");
}

Value MissingAttribute(const Value& object, std::string_view name) {
  return Value::Undefined(
      absl::StrCat("'", ObjectTypeText(object), "' has no attribute '", ToAbsl(name), "'"));
}

Value MissingItem(const Value& object, const Value& key) {
  if (key.is_text()) {
    return MissingAttribute(object, key.text());
  }
  // A key that is no number is not worth printing: it may be huge.
  const std::string key_text = key.is_integral()
                                   ? std::to_string(key.integer())
                                   : absl::StrCat("of type '", ToAbsl(key.type_name()), "'");
  return Value::Undefined(absl::StrCat(ObjectTypeText(object), " has no element ", key_text));
}

bool IsChangingMethod(const Value& object, std::string_view name) {
  return (object.is_sequence() || object.is_dict()) &&
         std::find(kChangingMethods.begin(), kChangingMethods.end(), name) !=
             kChangingMethods.end();
}

// The method, attribute or complaint that `name` gives before items are asked.
absl::StatusOr<std::optional<Value>> FindAttribute(Runtime& runtime, const Value& object,
                                                   std::string_view name) {
  if (object.kind() == Value::Kind::kNamespace) {
    const Value* found = object.name_space().attributes.FindText(name);
    return found == nullptr ? std::optional<Value>() : *found;
  }
  if (object.kind() == Value::Kind::kLoop) {
    ORIEL_ASSIGN_OR_RETURN(std::optional<Value> attribute, object.loop().Attribute(name));
    if (attribute.has_value()) {
      return attribute;
    }
  }
  if (IsChangingMethod(object, name)) {
    return Value::Undefined(absl::StrCat("access to attribute '", ToAbsl(name), "' of '",
                                         ToAbsl(object.type_name()), "' object is unsafe"));
  }
  if (const NamedFunction* method = FindMethod(object, name); method != nullptr) {
    ORIEL_ASSIGN_OR_RETURN(Value bound, MakeMethod(runtime.budget, *method, object));
    return bound;
  }
  return std::optional<Value>();
}

absl::StatusOr<std::optional<Value>> FindTextItem(Budget& budget, const std::string& text,
                                                  int64_t index) {
  ORIEL_RETURN_IF_ERROR(budget.Scan(text.size()));
  if (index < 0) {
    index += static_cast<int64_t>(CountCodePoints(text));
  }
  if (index < 0 || index >= static_cast<int64_t>(text.size())) {
    return std::optional<Value>();
  }
  const size_t start = ByteOffset(text, static_cast<size_t>(index));
  if (start == text.size()) {
    return std::optional<Value>();
  }
  size_t end = start;
  NextCodePoint(text, end);
  return Value::Text(text.substr(start, end - start));
}

bool IsIndexable(SequenceKind kind) {
  return kind == SequenceKind::kList || kind == SequenceKind::kTuple ||
         kind == SequenceKind::kRange;
}

absl::StatusOr<std::optional<Value>> FindItem(Budget& budget, const Value& object,
                                              const Value& key) {
  if (object.is_dict()) {
    const Value* found = object.dict().Find(key);
    return found == nullptr ? std::optional<Value>() : *found;
  }
  if (object.is_text() && key.is_integral()) {
    return FindTextItem(budget, object.text(), key.integer());
  }
  if (!object.is_sequence() || !key.is_integral() || !IsIndexable(object.sequence().kind)) {
    return std::optional<Value>();
  }
  const std::vector<Value>& items = object.sequence().items;
  const auto num_items = static_cast<int64_t>(items.size());
  const int64_t index = key.integer() < 0 ? key.integer() + num_items : key.integer();
  if (index < 0 || index >= num_items) {
    return std::optional<Value>();
  }
  return items[static_cast<size_t>(index)];
}

absl::StatusOr<std::vector<Value>> CodePoints(Budget& budget, const std::string& text) {
  std::vector<Value> items;
  for (size_t position = 0; position < text.size();) {
    const size_t start = position;
    NextCodePoint(text, position);
    ORIEL_ASSIGN_OR_RETURN(Value item, MakeText(budget, text.substr(start, position - start)));
    items.push_back(std::move(item));
  }
  return items;
}

// The places that start:stop:step picks out of `length`, as Python's slice.indices() has them.
struct SliceRange {
  int64_t start;
  int64_t stop;
  int64_t step;
};

absl::StatusOr<int64_t> SliceBound(const Value& bound, int64_t otherwise, int64_t low, int64_t high,
                                   int64_t length) {
  if (bound.is_none()) {
    return otherwise;
  }
  if (!bound.is_integral()) {
    return absl::InvalidArgumentError(
        "slice indices must be integers or None or have an __index__ method");
  }
  const int64_t place = bound.integer();
  return std::clamp(place < 0 ? place + length : place, low, high);
}

absl::StatusOr<SliceRange> ResolveSlice(const Value& start, const Value& stop, const Value& step,
                                        int64_t length) {
  constexpr int64_t kStepMax = int64_t{1} << 40;  // keeps place + step within 64 bits
  SliceRange range{0, 0, 1};
  if (!step.is_none()) {
    ORIEL_ASSIGN_OR_RETURN(range.step, SliceBound(step, 1, -kStepMax, kStepMax, 0));
  }
  if (range.step == 0) {
    return absl::InvalidArgumentError("slice step cannot be zero");
  }
  const bool forward = range.step > 0;
  const int64_t low = forward ? 0 : -1;
  const int64_t high = forward ? length : length - 1;
  ORIEL_ASSIGN_OR_RETURN(range.start, SliceBound(start, forward ? low : high, low, high, length));
  ORIEL_ASSIGN_OR_RETURN(range.stop, SliceBound(stop, forward ? high : low, low, high, length));
  return range;
}

absl::StatusOr<Value> SliceText(Budget& budget, const std::string& text, const Value& start,
                                const Value& stop, const Value& step) {
  ORIEL_RETURN_IF_ERROR(budget.Scan(text.size()));
  const auto length = static_cast<int64_t>(CountCodePoints(text));
  ORIEL_ASSIGN_OR_RETURN(const SliceRange range, ResolveSlice(start, stop, step, length));
  if (range.step == 1) {
    const size_t from = ByteOffset(text, static_cast<size_t>(range.start));
    const auto count = static_cast<size_t>(std::max<int64_t>(0, range.stop - range.start));
    const std::string_view rest = std::string_view(text).substr(from);
    return MakeText(budget, std::string(rest.substr(0, ByteOffset(rest, count))));
  }
  ORIEL_ASSIGN_OR_RETURN(const std::vector<Value> items, CodePoints(budget, text));
  TextBuilder out(budget);
  for (int64_t i = range.start; range.step > 0 ? i < range.stop : i > range.stop; i += range.step) {
    ORIEL_RETURN_IF_ERROR(out.Append(items[static_cast<size_t>(i)].text()));
  }
  return out.Finish();
}

}  // namespace

absl::StatusOr<std::vector<Value>> Iterate(Budget& budget, const Value& value) {
  switch (value.kind()) {
    case Value::Kind::kUndefined:
      return std::vector<Value>();
    case Value::Kind::kText:
      return CodePoints(budget, value.text());
    case Value::Kind::kSequence: {
      const Sequence& sequence = value.sequence();
      if (sequence.kind == SequenceKind::kGenerator && std::exchange(sequence.drained, true)) {
        return std::vector<Value>();
      }
      ORIEL_RETURN_IF_ERROR(budget.Build(sequence.items.size() * sizeof(Value)));
      return sequence.items;
    }
    case Value::Kind::kDict: {
      ORIEL_RETURN_IF_ERROR(budget.Build(value.dict().size() * sizeof(Value)));
      std::vector<Value> keys;
      keys.reserve(value.dict().size());
      for (const Dict::Entry& entry : value.dict().entries()) {
        keys.push_back(entry.key);
      }
      return keys;
    }
    case Value::Kind::kNone:
    case Value::Kind::kBool:
    case Value::Kind::kInt:
    case Value::Kind::kFloat:
    case Value::Kind::kNamespace:
    case Value::Kind::kFunction:
    case Value::Kind::kMacro:
    case Value::Kind::kLoop:
      break;
  }
  return absl::InvalidArgumentError(
      absl::StrCat("'", ToAbsl(value.type_name()), "' object is not iterable"));
}

absl::StatusOr<std::vector<Value>> DictPairs(Budget& budget, const Dict& dict) {
  std::vector<Value> pairs;
  pairs.reserve(dict.size());
  for (const Dict::Entry& entry : dict.entries()) {
    ORIEL_ASSIGN_OR_RETURN(Value pair,
                           MakeSequence(budget, SequenceKind::kTuple, {entry.key, entry.value}));
    pairs.push_back(std::move(pair));
  }
  return pairs;
}

absl::StatusOr<int64_t> Length(Budget& budget, const Value& value) {
  if (value.is_undefined()) {
    return 0;
  }
  if (value.is_text()) {
    ORIEL_RETURN_IF_ERROR(budget.Scan(value.text().size()));
    return static_cast<int64_t>(CountCodePoints(value.text()));
  }
  if (value.is_dict()) {
    return static_cast<int64_t>(value.dict().size());
  }
  if (value.is_sequence() && value.sequence().kind != SequenceKind::kGenerator) {
    return static_cast<int64_t>(value.sequence().items.size());
  }
  return absl::InvalidArgumentError(
      absl::StrCat("object of type '", ToAbsl(value.type_name()), "' has no len()"));
}

absl::StatusOr<Value> GetAttribute(Runtime& runtime, const Value& object, std::string_view name) {
  if (object.is_undefined()) {
    return absl::InvalidArgumentError(object.complaint());
  }
  ORIEL_ASSIGN_OR_RETURN(std::optional<Value> found, FindAttribute(runtime, object, name));
  if (!found.has_value() && object.is_dict()) {
    const Value* item = object.dict().FindText(name);
    return item == nullptr ? MissingAttribute(object, name) : *item;
  }
  return found.has_value() ? *std::move(found) : MissingAttribute(object, name);
}

absl::StatusOr<Value> GetItem(Runtime& runtime, const Value& object, const Value& key) {
  if (object.is_undefined()) {
    return absl::InvalidArgumentError(object.complaint());
  }
  ORIEL_ASSIGN_OR_RETURN(std::optional<Value> found, FindItem(runtime.budget, object, key));
  if (!found.has_value() && key.is_text()) {
    ORIEL_ASSIGN_OR_RETURN(found, FindAttribute(runtime, object, key.text()));
  }
  if (found.has_value()) {
    return *std::move(found);
  }
  return MissingItem(object, key);
}

absl::StatusOr<Value> GetSlice(Budget& budget, const Value& object, const Value& start,
                               const Value& stop, const Value& step) {
  if (object.is_undefined()) {
    return absl::InvalidArgumentError(object.complaint());
  }
  if (object.is_text()) {
    return SliceText(budget, object.text(), start, stop, step);
  }
  if (!object.is_sequence() || !IsIndexable(object.sequence().kind)) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", ToAbsl(object.type_name()), "' object is not subscriptable"));
  }
  const std::vector<Value>& items = object.sequence().items;
  ORIEL_ASSIGN_OR_RETURN(const SliceRange range,
                         ResolveSlice(start, stop, step, static_cast<int64_t>(items.size())));
  ORIEL_RETURN_IF_ERROR(budget.Build(items.size() * sizeof(Value)));
  std::vector<Value> picked;
  for (int64_t i = range.start; range.step > 0 ? i < range.stop : i > range.stop; i += range.step) {
    picked.push_back(items[static_cast<size_t>(i)]);
  }
  return MakeSequence(budget, object.sequence().kind, std::move(picked));
}

}  // namespace oriel::jinja
