#ifndef ORIEL_ENGINE_TOKENIZER_JINJA_LOOP_H_
#define ORIEL_ENGINE_TOKENIZER_JINJA_LOOP_H_

#include <cstddef>
#include <deque>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/tokenizer/jinja/value.h"

namespace oriel::jinja {

// The state of one {% for %}, which its body sees as `loop`.
//
// Items are filtered one by one as the loop moves on, as Jinja does: a filter that reads a
// namespace sees what the body has stored there. Only an attribute that needs a later item
// (last, nextitem, length) looks ahead.
class Loop {
 public:
  // Whether the loop's `if` keeps an item.
  using Keep = std::function<absl::StatusOr<bool>(const Value& item)>;

  // `keep` may be empty.
  Loop(std::vector<Value> items, Keep keep);

  // Moves to the next item; false after the last one.
  absl::StatusOr<bool> Advance();

  const Value& current() const { return *current_; }
  bool started() const { return num_passed_ > 0; }
  int depth() const { return depth_; }

  // Null where a loop has no such attribute.
  absl::StatusOr<std::optional<Value>> Attribute(std::string_view name);

  // The item of `choices` whose turn it is.
  const Value& Cycle(const std::vector<Value>& choices) const {
    return choices[(num_passed_ - 1) % choices.size()];
  }

  // The loop's filter must not run after the loop: its scope is gone.
  void Close();

 private:
  // Moves one kept item into ahead_; false where none is left.
  absl::StatusOr<bool> LookAhead();
  absl::StatusOr<int64_t> Length();

  std::vector<Value> items_;
  size_t next_item_ = 0;
  Keep keep_;
  std::deque<Value> ahead_;
  std::optional<Value> previous_;
  std::optional<Value> current_;
  size_t num_passed_ = 0;  // items the loop has moved to
  int depth_ = 1;
};

}  // namespace oriel::jinja

#endif  // ORIEL_ENGINE_TOKENIZER_JINJA_LOOP_H_
