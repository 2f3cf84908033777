#include "engine/tokenizer/jinja/printing.h"

#include "absl/strings/str_cat.h"
#include "engine/tokenizer/jinja/function.h"
#include "engine/tokenizer/jinja/text.h"
#include "kernels/core/status.h"

namespace oriel::jinja {
namespace {

struct Brackets {
  std::string_view open;
  std::string_view close;
};

Brackets BracketsOf(SequenceKind kind) {
  switch (kind) {
    case SequenceKind::kList:
      return {"[", "]"};
    case SequenceKind::kTuple:
      return {"(", ")"};
    case SequenceKind::kRange:
      return {"range([", "])"};
    case SequenceKind::kKeys:
      return {"dict_keys([", "])"};
    case SequenceKind::kValues:
      return {"dict_values([", "])"};
    case SequenceKind::kItems:
      return {"dict_items([", "])"};
    case SequenceKind::kGenerator:
      return {"", ""};
  }
  return {};
}

// The levels under way are counted: a namespace may hold a list that holds the namespace.
class Representer {
 public:
  Representer(Budget& budget, TextBuilder& out) : budget_(budget), out_(out) {}

  absl::Status Append(const Value& value);

 private:
  absl::Status AppendSequence(const Sequence& sequence);
  absl::Status AppendDict(const Dict& dict);

  Budget& budget_;
  TextBuilder& out_;
  int levels_ = 0;
};

absl::Status Representer::AppendSequence(const Sequence& sequence) {
  if (sequence.kind == SequenceKind::kGenerator) {
    return out_.Append("<generator object>");
  }
  const Brackets brackets = BracketsOf(sequence.kind);
  ORIEL_RETURN_IF_ERROR(out_.Append(brackets.open));
  for (size_t i = 0; i < sequence.items.size(); ++i) {
    ORIEL_RETURN_IF_ERROR(out_.Append(i == 0 ? "" : ", "));
    ORIEL_RETURN_IF_ERROR(Append(sequence.items[i]));
  }
  if (sequence.kind == SequenceKind::kTuple && sequence.items.size() == 1) {
    ORIEL_RETURN_IF_ERROR(out_.Append(","));
  }
  return out_.Append(brackets.close);
}

absl::Status Representer::AppendDict(const Dict& dict) {
  ORIEL_RETURN_IF_ERROR(out_.Append("{"));
  bool first = true;
  for (const Dict::Entry& entry : dict.entries()) {
    ORIEL_RETURN_IF_ERROR(out_.Append(first ? "" : ", "));
    first = false;
    ORIEL_RETURN_IF_ERROR(Append(entry.key));
    ORIEL_RETURN_IF_ERROR(out_.Append(": "));
    ORIEL_RETURN_IF_ERROR(Append(entry.value));
  }
  return out_.Append("}");
}

absl::Status Representer::Append(const Value& value) {
  constexpr int kLevelsMax = 256;
  const DepthGuard guard(levels_, kLevelsMax);
  if (!guard.inside()) {
    return absl::ResourceExhaustedError(
        absl::StrCat("a value to print nests deeper than ", kLevelsMax, " levels"));
  }
  ORIEL_RETURN_IF_ERROR(budget_.Steps(1));
  switch (value.kind()) {
    case Value::Kind::kNone:
      return out_.Append("None");
    case Value::Kind::kUndefined:
      return out_.Append("Undefined");
    case Value::Kind::kBool:
      return out_.Append(value.boolean() ? "True" : "False");
    case Value::Kind::kInt:
      return out_.Append(std::to_string(value.integer()));
    case Value::Kind::kFloat:
      return out_.Append(FloatText(value.number()));
    case Value::Kind::kText:
      // Escapes can make a text four times as long.
      ORIEL_RETURN_IF_ERROR(budget_.Build(4 * value.text().size()));
      return out_.Append(QuotedText(value.text()));
    case Value::Kind::kSequence:
      return AppendSequence(value.sequence());
    case Value::Kind::kDict:
      return AppendDict(value.dict());
    case Value::Kind::kNamespace:
      ORIEL_RETURN_IF_ERROR(out_.Append("<Namespace "));
      ORIEL_RETURN_IF_ERROR(AppendDict(value.name_space().attributes));
      return out_.Append(">");
    case Value::Kind::kFunction:
      return out_.Append("<function>");
    case Value::Kind::kMacro:
      return out_.Append("<Macro>");
    case Value::Kind::kLoop:
      return out_.Append("<LoopContext>");
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status Represent(Budget& budget, const Value& value, TextBuilder& out) {
  return Representer(budget, out).Append(value);
}

absl::StatusOr<std::string> Print(Budget& budget, const Value& value) {
  if (value.is_undefined()) {
    return std::string();
  }
  if (value.is_text()) {
    ORIEL_RETURN_IF_ERROR(budget.Build(value.text().size()));
    return value.text();
  }
  TextBuilder out(budget);
  ORIEL_RETURN_IF_ERROR(Represent(budget, value, out));
  return out.text();
}

}  // namespace oriel::jinja
