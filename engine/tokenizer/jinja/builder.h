#ifndef ORIEL_ENGINE_TOKENIZER_JINJA_BUILDER_H_
#define ORIEL_ENGINE_TOKENIZER_JINJA_BUILDER_H_

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/tokenizer/jinja/budget.h"
#include "engine/tokenizer/jinja/function.h"
#include "engine/tokenizer/jinja/value.h"

namespace oriel::jinja {

// Every value of more than a few bytes is made here, so that it is paid for and not too deep.
//
// Errors     ResourceExhausted: Limits::built_bytes_max, steps_max or value_depth_max.

absl::StatusOr<Value> MakeText(Budget& budget, std::string text);
absl::StatusOr<Value> MakeSequence(Budget& budget, SequenceKind kind, std::vector<Value> items);
absl::StatusOr<Value> MakeList(Budget& budget, std::vector<Value> items);
absl::StatusOr<Value> MakeMethod(Budget& budget, const NamedFunction& method, const Value& self);
absl::StatusOr<Value> MakeTextList(Budget& budget, const std::vector<std::string_view>& texts);

// text.replace(from, to, count); a negative count replaces all.
absl::StatusOr<Value> ReplaceText(Budget& budget, std::string_view text, std::string_view from,
                                  std::string_view to, int64_t count);

// Grows a text piece by piece, each paid for before it is copied.
class TextBuilder {
 public:
  explicit TextBuilder(Budget& budget) : budget_(budget) {}

  absl::Status Append(std::string_view piece);
  absl::Status Append(size_t count, char byte);

  const std::string& text() const { return text_; }
  Value Finish() { return Value::Text(std::move(text_)); }

 private:
  Budget& budget_;
  std::string text_;
};

// Grows a dict entry by entry.
class DictBuilder {
 public:
  explicit DictBuilder(Budget& budget) : budget_(budget) {}

  // Errors     InvalidArgument where `key` cannot be a key.
  absl::Status Set(Value key, Value value);

  Value Finish() { return Value(std::make_shared<const Dict>(std::move(dict_))); }
  Dict TakeDict() { return std::move(dict_); }

 private:
  Budget& budget_;
  Dict dict_;
};

}  // namespace oriel::jinja

#endif  // ORIEL_ENGINE_TOKENIZER_JINJA_BUILDER_H_
