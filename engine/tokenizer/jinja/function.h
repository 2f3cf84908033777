#ifndef ORIEL_ENGINE_TOKENIZER_JINJA_FUNCTION_H_
#define ORIEL_ENGINE_TOKENIZER_JINJA_FUNCTION_H_

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/tokenizer/jinja/value.h"

namespace oriel::jinja {

struct Runtime;

// The arguments of one call, evaluated.
struct Arguments {
  std::vector<Value> positional;
  std::vector<std::pair<std::string, Value>> named;
};

// A filter, a method or a global function in C++. `self` is the filter's input, the method's
// object, or None.
using NativeFunction = absl::StatusOr<Value> (*)(Runtime& runtime, const Value& self,
                                                 const Arguments& arguments);

// A native function as a value: an object's method with its object, or a global function.
struct Function {
  std::string_view name;  // of a table that lives as long as the program
  NativeFunction body = nullptr;
  Value self;
};

struct NamedFunction {
  std::string_view name;
  NativeFunction body;
};

}  // namespace oriel::jinja

#endif  // ORIEL_ENGINE_TOKENIZER_JINJA_FUNCTION_H_
