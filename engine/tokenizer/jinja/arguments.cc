#include "engine/tokenizer/jinja/arguments.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "engine/tokenizer/jinja/comparison.h"
#include "kernels/core/status.h"

namespace oriel::jinja {

absl::StatusOr<BoundArguments> BoundArguments::Bind(
    const Arguments& arguments, std::initializer_list<std::string_view> parameters,
    size_t num_required) {
  BoundArguments bound;
  bound.names_ = parameters;
  bound.values_.resize(parameters.size());
  if (arguments.positional.size() > parameters.size()) {
    return absl::InvalidArgumentError(absl::StrCat("takes at most ", parameters.size(),
                                                   " arguments, ", arguments.positional.size(),
                                                   " given"));
  }
  for (size_t i = 0; i < arguments.positional.size(); ++i) {
    bound.values_[i] = &arguments.positional[i];
  }
  for (const auto& [name, value] : arguments.named) {
    const auto place = std::find(bound.names_.begin(), bound.names_.end(), name);
    if (place == bound.names_.end()) {
      return absl::InvalidArgumentError(
          absl::StrCat("got an unexpected keyword argument '", name, "'"));
    }
    const Value*& slot = bound.values_[static_cast<size_t>(place - bound.names_.begin())];
    if (slot != nullptr) {
      return absl::InvalidArgumentError(
          absl::StrCat("got multiple values for argument '", name, "'"));
    }
    slot = &value;
  }
  for (size_t i = 0; i < num_required; ++i) {
    if (bound.values_[i] == nullptr) {
      return absl::InvalidArgumentError(
          absl::StrCat("missing required argument '", ToAbsl(bound.names_[i]), "'"));
    }
  }
  return bound;
}

absl::Status BoundArguments::WrongType(size_t parameter, std::string_view wanted) const {
  const Value& value = *values_[parameter];
  if (value.is_undefined()) {
    return absl::InvalidArgumentError(value.complaint());
  }
  return absl::InvalidArgumentError(absl::StrCat("argument '", ToAbsl(names_[parameter]),
                                                 "' must be ", ToAbsl(wanted), ", not ",
                                                 ToAbsl(value.type_name())));
}

absl::StatusOr<int64_t> BoundArguments::Integer(size_t parameter, int64_t otherwise) const {
  const Value* value = values_[parameter];
  if (value == nullptr) {
    return otherwise;
  }
  if (!value->is_integral()) {
    return WrongType(parameter, "int");
  }
  return value->integer();
}

absl::StatusOr<std::string> BoundArguments::Text(size_t parameter,
                                                 std::string_view otherwise) const {
  const Value* value = values_[parameter];
  if (value == nullptr) {
    return std::string(otherwise);
  }
  if (!value->is_text()) {
    return WrongType(parameter, "str");
  }
  return value->text();
}

bool BoundArguments::Truth(size_t parameter, bool otherwise) const {
  return values_[parameter] == nullptr ? otherwise : IsTrue(*values_[parameter]);
}

}  // namespace oriel::jinja
