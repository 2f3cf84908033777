#include "engine/tokenizer/jinja/attribute_path.h"

#include <algorithm>

#include "absl/strings/numbers.h"
#include "engine/tokenizer/jinja/access.h"
#include "engine/tokenizer/jinja/builder.h"
#include "kernels/core/status.h"

namespace oriel::jinja {

absl::StatusOr<AttributePath> AttributePath::Parse(Runtime& runtime, const Value& attribute) {
  AttributePath path;
  if (attribute.is_none()) {
    return path;
  }
  if (attribute.is_integral()) {
    path.parts_.push_back(attribute);
    return path;
  }
  if (!attribute.is_text()) {
    return absl::InvalidArgumentError("an attribute is text or a number");
  }
  const std::string_view text = attribute.text();
  for (size_t start = 0; start <= text.size();) {
    const size_t end = std::min(text.find('.', start), text.size());
    const std::string part(text.substr(start, end - start));
    const bool digits = !part.empty() && part.find_first_not_of("0123456789") == std::string::npos;
    int64_t number = 0;
    if (digits && absl::SimpleAtoi(part, &number)) {
      path.parts_.push_back(Value(number));
    } else {
      ORIEL_ASSIGN_OR_RETURN(Value name, MakeText(runtime.budget, part));
      path.parts_.push_back(std::move(name));
    }
    start = end + 1;
  }
  return path;
}

absl::StatusOr<Value> AttributePath::Follow(Runtime& runtime, const Value& item,
                                            const Value* otherwise) const {
  ORIEL_RETURN_IF_ERROR(runtime.budget.Steps(static_cast<int64_t>(parts_.size()) + 1));
  Value value = item;
  for (const Value& part : parts_) {
    ORIEL_ASSIGN_OR_RETURN(Value next, GetItem(runtime, value, part));
    value = next.is_undefined() && otherwise != nullptr && !otherwise->is_none() ? *otherwise
                                                                                 : std::move(next);
  }
  return value;
}

}  // namespace oriel::jinja
