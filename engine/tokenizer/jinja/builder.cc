#include "engine/tokenizer/jinja/builder.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "engine/tokenizer/jinja/text.h"
#include "kernels/core/status.h"

namespace oriel::jinja {
namespace {

// What a value costs beside its text: its node, its place in a container.
constexpr uint64_t kNodeBytes = 48;

absl::Status CheckDepth(const Budget& budget, int depth) {
  if (depth > budget.limits().value_depth_max) {
    return absl::ResourceExhaustedError(absl::StrCat("lists and dicts nest deeper than ",
                                                     budget.limits().value_depth_max, " levels"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Value> MakeText(Budget& budget, std::string text) {
  ORIEL_RETURN_IF_ERROR(budget.Build(text.size() + kNodeBytes));
  return Value::Text(std::move(text));
}

absl::StatusOr<Value> MakeSequence(Budget& budget, SequenceKind kind, std::vector<Value> items) {
  ORIEL_RETURN_IF_ERROR(budget.Build((items.size() + 1) * kNodeBytes));
  auto sequence = std::make_shared<Sequence>();
  sequence->kind = kind;
  for (const Value& item : items) {
    sequence->depth = std::max(sequence->depth, item.depth() + 1);
  }
  ORIEL_RETURN_IF_ERROR(CheckDepth(budget, sequence->depth));
  sequence->items = std::move(items);
  return Value(std::shared_ptr<const Sequence>(std::move(sequence)));
}

absl::StatusOr<Value> MakeList(Budget& budget, std::vector<Value> items) {
  return MakeSequence(budget, SequenceKind::kList, std::move(items));
}

absl::StatusOr<Value> MakeMethod(Budget& budget, const NamedFunction& method, const Value& self) {
  ORIEL_RETURN_IF_ERROR(budget.Build(2 * kNodeBytes));
  ORIEL_RETURN_IF_ERROR(CheckDepth(budget, self.depth() + 1));
  return Value(std::make_shared<const Function>(Function{method.name, method.body, self}));
}

absl::StatusOr<Value> MakeTextList(Budget& budget, const std::vector<std::string_view>& texts) {
  std::vector<Value> items;
  items.reserve(texts.size());
  for (const std::string_view text : texts) {
    ORIEL_ASSIGN_OR_RETURN(Value item, MakeText(budget, std::string(text)));
    items.push_back(std::move(item));
  }
  return MakeList(budget, std::move(items));
}

absl::StatusOr<Value> ReplaceText(Budget& budget, std::string_view text, std::string_view from,
                                  std::string_view to, int64_t count) {
  TextBuilder out(budget);
  size_t start = 0;
  for (; count != 0; --count) {
    const size_t found = Find(text, from, start);
    if (found == std::string_view::npos) {
      break;
    }
    ORIEL_RETURN_IF_ERROR(budget.Steps(1));
    ORIEL_RETURN_IF_ERROR(out.Append(text.substr(start, found - start)));
    ORIEL_RETURN_IF_ERROR(out.Append(to));
    start = found + from.size();
    if (from.empty()) {
      // An empty text is found before every code point and at the end.
      if (start == text.size()) {
        break;
      }
      NextCodePoint(text, start);
      ORIEL_RETURN_IF_ERROR(out.Append(text.substr(found, start - found)));
    }
  }
  ORIEL_RETURN_IF_ERROR(out.Append(text.substr(start)));
  return out.Finish();
}

absl::Status TextBuilder::Append(std::string_view piece) {
  ORIEL_RETURN_IF_ERROR(budget_.Build(piece.size()));
  text_.append(piece);
  return absl::OkStatus();
}

absl::Status TextBuilder::Append(size_t count, char byte) {
  ORIEL_RETURN_IF_ERROR(budget_.Build(count));
  text_.append(count, byte);
  return absl::OkStatus();
}

absl::Status DictBuilder::Set(Value key, Value value) {
  std::string name;
  if (!Dict::NameKey(key, name)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "a dict key is text, a number, a boolean or none, not '", ToAbsl(key.type_name()), "'"));
  }
  ORIEL_RETURN_IF_ERROR(budget_.Build(name.size() + 2 * kNodeBytes));
  ORIEL_RETURN_IF_ERROR(CheckDepth(budget_, value.depth() + 1));
  dict_.Set(std::move(key), std::move(value));
  return absl::OkStatus();
}

}  // namespace oriel::jinja
