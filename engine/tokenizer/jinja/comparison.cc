#include "engine/tokenizer/jinja/comparison.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "engine/tokenizer/jinja/access.h"
#include "engine/tokenizer/jinja/text.h"
#include "kernels/core/status.h"

namespace oriel::jinja {
namespace {

absl::Status NotOrdered(const Value& a, const Value& b) {
  if (a.is_undefined() || b.is_undefined()) {
    return absl::InvalidArgumentError((a.is_undefined() ? a : b).complaint());
  }
  return absl::InvalidArgumentError(absl::StrCat("'<' not supported between instances of '",
                                                 ToAbsl(a.type_name()), "' and '",
                                                 ToAbsl(b.type_name()), "'"));
}

bool AreNumbersEqual(const Value& a, const Value& b) {
  return a.is_integral() && b.is_integral() ? a.integer() == b.integer() : a.number() == b.number();
}

int OrderNumbers(const Value& a, const Value& b) {
  if (a.is_integral() && b.is_integral()) {
    return (a.integer() > b.integer() ? 1 : 0) - (a.integer() < b.integer() ? 1 : 0);
  }
  return (a.number() > b.number() ? 1 : 0) - (a.number() < b.number() ? 1 : 0);
}

absl::StatusOr<bool> AreSequencesEqual(Budget& budget, const Sequence& a, const Sequence& b) {
  if (&a == &b) {
    return true;
  }
  if (a.kind != b.kind || a.items.size() != b.items.size() || a.kind == SequenceKind::kGenerator) {
    return false;
  }
  for (size_t i = 0; i < a.items.size(); ++i) {
    ORIEL_ASSIGN_OR_RETURN(const bool equal, AreEqual(budget, a.items[i], b.items[i]));
    if (!equal) {
      return false;
    }
  }
  return true;
}

absl::StatusOr<bool> AreDictsEqual(Budget& budget, const Dict& a, const Dict& b) {
  if (a.size() != b.size()) {
    return false;
  }
  for (const Dict::Entry& entry : a.entries()) {
    const Value* other = b.Find(entry.key);
    if (other == nullptr) {
      return false;
    }
    ORIEL_ASSIGN_OR_RETURN(const bool equal, AreEqual(budget, entry.value, *other));
    if (!equal) {
      return false;
    }
  }
  return true;
}

absl::StatusOr<int> OrderSequences(Budget& budget, const Sequence& a, const Sequence& b) {
  const size_t num_common = std::min(a.items.size(), b.items.size());
  for (size_t i = 0; i < num_common; ++i) {
    ORIEL_ASSIGN_OR_RETURN(const bool equal, AreEqual(budget, a.items[i], b.items[i]));
    if (!equal) {
      return Order(budget, a.items[i], b.items[i]);
    }
  }
  return (a.items.size() > b.items.size() ? 1 : 0) - (a.items.size() < b.items.size() ? 1 : 0);
}

absl::StatusOr<bool> ContainsItem(Budget& budget, const std::vector<Value>& items,
                                  const Value& item) {
  for (const Value& candidate : items) {
    ORIEL_ASSIGN_OR_RETURN(const bool equal, AreEqual(budget, candidate, item));
    if (equal) {
      return true;
    }
  }
  return false;
}

absl::StatusOr<bool> ContainsText(Budget& budget, const std::string& text, const Value& item) {
  if (!item.is_text()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "'in <string>' requires string as left operand, not ", ToAbsl(item.type_name())));
  }
  ORIEL_RETURN_IF_ERROR(budget.Scan(text.size() + item.text().size()));
  return Find(text, item.text(), 0) != std::string_view::npos;
}

}  // namespace

bool IsTrue(const Value& value) {
  switch (value.kind()) {
    case Value::Kind::kNone:
    case Value::Kind::kUndefined:
      return false;
    case Value::Kind::kBool:
    case Value::Kind::kInt:
      return value.integer() != 0;
    case Value::Kind::kFloat:
      return value.number() != 0;
    case Value::Kind::kText:
      return !value.text().empty();
    case Value::Kind::kSequence:
      return value.sequence().kind == SequenceKind::kGenerator || !value.sequence().items.empty();
    case Value::Kind::kDict:
      return value.dict().size() > 0;
    case Value::Kind::kNamespace:
    case Value::Kind::kFunction:
    case Value::Kind::kMacro:
    case Value::Kind::kLoop:
      return true;
  }
  return false;
}

absl::StatusOr<bool> AreEqual(Budget& budget, const Value& a, const Value& b) {
  ORIEL_RETURN_IF_ERROR(budget.Steps(1));
  if (a.is_number() && b.is_number()) {
    return AreNumbersEqual(a, b);
  }
  if (a.kind() != b.kind()) {
    return false;
  }
  switch (a.kind()) {
    case Value::Kind::kNone:
    case Value::Kind::kUndefined:
      return true;
    case Value::Kind::kText:
      ORIEL_RETURN_IF_ERROR(budget.Scan(std::min(a.text().size(), b.text().size())));
      return a.text() == b.text();
    case Value::Kind::kSequence:
      return AreSequencesEqual(budget, a.sequence(), b.sequence());
    case Value::Kind::kDict:
      return AreDictsEqual(budget, a.dict(), b.dict());
    case Value::Kind::kNamespace:
      return &a.name_space() == &b.name_space();
    case Value::Kind::kFunction:
      return &a.function() == &b.function();
    case Value::Kind::kMacro:
      return &a.macro() == &b.macro();
    case Value::Kind::kLoop:
      return &a.loop() == &b.loop();
    case Value::Kind::kBool:
    case Value::Kind::kInt:
    case Value::Kind::kFloat:
      return AreNumbersEqual(a, b);
  }
  return false;
}

absl::StatusOr<int> Order(Budget& budget, const Value& a, const Value& b) {
  ORIEL_RETURN_IF_ERROR(budget.Steps(1));
  if (a.is_number() && b.is_number()) {
    return OrderNumbers(a, b);
  }
  if (a.is_text() && b.is_text()) {
    // The order of UTF-8 bytes is the order of code points.
    ORIEL_RETURN_IF_ERROR(budget.Scan(std::min(a.text().size(), b.text().size())));
    return a.text().compare(b.text());
  }
  if (a.is_sequence() && b.is_sequence() && a.sequence().kind == b.sequence().kind &&
      (a.sequence().kind == SequenceKind::kList || a.sequence().kind == SequenceKind::kTuple)) {
    return OrderSequences(budget, a.sequence(), b.sequence());
  }
  return NotOrdered(a, b);
}

absl::StatusOr<bool> Contains(Budget& budget, const Value& container, const Value& item) {
  if (container.is_text()) {
    return ContainsText(budget, container.text(), item);
  }
  if (container.is_dict()) {
    std::string name;
    if (!Dict::NameKey(item, name)) {
      return absl::InvalidArgumentError(
          absl::StrCat("unhashable type: '", ToAbsl(item.type_name()), "'"));
    }
    return container.dict().Find(item) != nullptr;
  }
  ORIEL_ASSIGN_OR_RETURN(const std::vector<Value> items, Iterate(budget, container));
  return ContainsItem(budget, items, item);
}

}  // namespace oriel::jinja
