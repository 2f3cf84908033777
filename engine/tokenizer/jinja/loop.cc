#include "engine/tokenizer/jinja/loop.h"

#include <algorithm>
#include <utility>

#include "kernels/core/status.h"

namespace oriel::jinja {

Loop::Loop(std::vector<Value> items, Keep keep) : items_(std::move(items)), keep_(std::move(keep)) {
  for (const Value& item : items_) {
    depth_ = std::max(depth_, item.depth() + 1);
  }
}

absl::StatusOr<bool> Loop::LookAhead() {
  while (next_item_ < items_.size()) {
    Value item = items_[next_item_++];
    bool kept = true;
    if (keep_) {
      ORIEL_ASSIGN_OR_RETURN(kept, keep_(item));
    }
    if (kept) {
      ahead_.push_back(std::move(item));
      return true;
    }
  }
  return false;
}

absl::StatusOr<bool> Loop::Advance() {
  if (ahead_.empty()) {
    ORIEL_ASSIGN_OR_RETURN(const bool found, LookAhead());
    if (!found) {
      return false;
    }
  }
  previous_ = std::move(current_);
  current_ = std::move(ahead_.front());
  ahead_.pop_front();
  ++num_passed_;
  return true;
}

absl::StatusOr<int64_t> Loop::Length() {
  bool found = true;
  while (found) {
    ORIEL_ASSIGN_OR_RETURN(found, LookAhead());
  }
  return static_cast<int64_t>(num_passed_ + ahead_.size());
}

absl::StatusOr<std::optional<Value>> Loop::Attribute(std::string_view name) {
  const auto index = static_cast<int64_t>(num_passed_);
  if (name == "index") {
    return Value(index);
  }
  if (name == "index0") {
    return Value(index - 1);
  }
  if (name == "first") {
    return Value(index == 1);
  }
  if (name == "depth" || name == "depth0") {
    // Jinja counts recursive loops only.
    return Value(int64_t{name == "depth" ? 1 : 0});
  }
  if (name == "previtem") {
    return previous_.value_or(Value::Undefined("there is no previous item"));
  }
  if (name == "last" || name == "nextitem") {
    if (ahead_.empty()) {
      ORIEL_RETURN_IF_ERROR(LookAhead().status());
    }
    if (name == "last") {
      return Value(ahead_.empty());
    }
    return ahead_.empty() ? Value::Undefined("there is no next item") : ahead_.front();
  }
  if (name == "length" || name == "revindex" || name == "revindex0") {
    ORIEL_ASSIGN_OR_RETURN(const int64_t length, Length());
    if (name == "length") {
      return Value(length);
    }
    return Value(length - index + (name == "revindex" ? 1 : 0));
  }
  return std::optional<Value>();
}

void Loop::Close() {
  next_item_ = items_.size();
  keep_ = nullptr;
}

}  // namespace oriel::jinja
