#include "engine/tokenizer/jinja/value.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "engine/tokenizer/jinja/function.h"
#include "engine/tokenizer/jinja/loop.h"
#include "engine/tokenizer/jinja/text.h"

namespace oriel::jinja {
namespace {

std::string_view SequenceTypeName(SequenceKind kind) {
  switch (kind) {
    case SequenceKind::kList:
      return "list";
    case SequenceKind::kTuple:
      return "tuple";
    case SequenceKind::kRange:
      return "range";
    case SequenceKind::kKeys:
      return "dict_keys";
    case SequenceKind::kValues:
      return "dict_values";
    case SequenceKind::kItems:
      return "dict_items";
    case SequenceKind::kGenerator:
      return "generator";
  }
  return "";
}

}  // namespace

Value Value::Text(std::string text) {
  Value value;
  value.data_ = std::make_shared<const std::string>(std::move(text));
  return value;
}

Value Value::Undefined(std::string complaint) {
  Value value;
  value.data_ = Missing{std::make_shared<const std::string>(std::move(complaint))};
  return value;
}

int64_t Value::integer() const { return is_bool() ? int64_t{boolean()} : std::get<int64_t>(data_); }

double Value::number() const {
  return kind() == Kind::kFloat ? std::get<double>(data_) : static_cast<double>(integer());
}

int Value::depth() const {
  switch (kind()) {
    case Kind::kSequence:
      return sequence().depth;
    case Kind::kDict:
      return dict().depth();
    case Kind::kFunction:
      return function().self.depth() + 1;
    case Kind::kLoop:
      return loop().depth();
    case Kind::kNone:
    case Kind::kUndefined:
    case Kind::kBool:
    case Kind::kInt:
    case Kind::kFloat:
    case Kind::kText:
    case Kind::kNamespace:
    case Kind::kMacro:
      return 0;
  }
  return 0;
}

std::string_view Value::type_name() const {
  switch (kind()) {
    case Kind::kNone:
      return "NoneType";
    case Kind::kUndefined:
      return "Undefined";
    case Kind::kBool:
      return "bool";
    case Kind::kInt:
      return "int";
    case Kind::kFloat:
      return "float";
    case Kind::kText:
      return "str";
    case Kind::kSequence:
      return SequenceTypeName(sequence().kind);
    case Kind::kDict:
      return "dict";
    case Kind::kNamespace:
      return "Namespace";
    case Kind::kFunction:
      return "function";
    case Kind::kMacro:
      return "Macro";
    case Kind::kLoop:
      return "LoopContext";
  }
  return "";
}

bool Dict::NameKey(const Value& key, std::string& name) {
  // Names of keys that are not text start with a zero byte; text that does so is set apart.
  constexpr absl::string_view kMark("\0", 1);
  switch (key.kind()) {
    case Value::Kind::kText:
      name = key.text();
      if (!name.empty() && name[0] == '\0') {
        name.insert(0, "\0text", 5);
      }
      return true;
    case Value::Kind::kBool:
    case Value::Kind::kInt:
      name = absl::StrCat(kMark, key.integer());
      return true;
    case Value::Kind::kFloat:
      if (std::fabs(key.number()) < 9e18 && key.number() == std::trunc(key.number())) {
        name = absl::StrCat(kMark, static_cast<int64_t>(key.number()));
      } else {
        name = absl::StrCat(kMark, FloatText(key.number()));
      }
      return true;
    case Value::Kind::kNone:
      name = absl::StrCat(kMark, "None");
      return true;
    case Value::Kind::kUndefined:
    case Value::Kind::kSequence:
    case Value::Kind::kDict:
    case Value::Kind::kNamespace:
    case Value::Kind::kFunction:
    case Value::Kind::kMacro:
    case Value::Kind::kLoop:
      return false;
  }
  return false;
}

const Value* Dict::Find(const Value& key) const {
  std::string name;
  if (!NameKey(key, name)) {
    return nullptr;
  }
  const auto place = places_.find(name);
  return place == places_.end() ? nullptr : &entries_[place->second].value;
}

const Value* Dict::FindText(std::string_view key) const {
  return Find(Value::Text(std::string(key)));
}

void Dict::Set(Value key, Value value) {
  std::string name;
  NameKey(key, name);
  depth_ = std::max(depth_, value.depth() + 1);
  const auto [place, added] = places_.try_emplace(std::move(name), entries_.size());
  if (added) {
    entries_.push_back({std::move(key), std::move(value)});
  } else {
    entries_[place->second].value = std::move(value);
  }
}

}  // namespace oriel::jinja
