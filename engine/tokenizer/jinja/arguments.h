#ifndef ORIEL_ENGINE_TOKENIZER_JINJA_ARGUMENTS_H_
#define ORIEL_ENGINE_TOKENIZER_JINJA_ARGUMENTS_H_

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/tokenizer/jinja/function.h"
#include "engine/tokenizer/jinja/value.h"

namespace oriel::jinja {

// The arguments of a call, put to the parameters of a native function by place or by name.
//
// Lifetime   the Arguments and the parameter names outlive it.
class BoundArguments {
 public:
  // `num_required` of the `parameters` must be given.
  // Errors     InvalidArgument: too many, unknown, given twice, missing.
  static absl::StatusOr<BoundArguments> Bind(const Arguments& arguments,
                                             std::initializer_list<std::string_view> parameters,
                                             size_t num_required = 0);

  bool has(size_t parameter) const { return values_[parameter] != nullptr; }
  // Needs has(parameter).
  const Value& value(size_t parameter) const { return *values_[parameter]; }

  // Errors     InvalidArgument where the argument is of another type.
  absl::StatusOr<int64_t> Integer(size_t parameter, int64_t otherwise) const;
  absl::StatusOr<std::string> Text(size_t parameter, std::string_view otherwise) const;
  bool Truth(size_t parameter, bool otherwise) const;

 private:
  absl::Status WrongType(size_t parameter, std::string_view wanted) const;

  std::vector<std::string_view> names_;
  std::vector<const Value*> values_;
};

}  // namespace oriel::jinja

#endif  // ORIEL_ENGINE_TOKENIZER_JINJA_ARGUMENTS_H_
