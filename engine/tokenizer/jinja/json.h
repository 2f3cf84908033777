#ifndef ORIEL_ENGINE_TOKENIZER_JINJA_JSON_H_
#define ORIEL_ENGINE_TOKENIZER_JINJA_JSON_H_

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/tokenizer/jinja/builder.h"
#include "engine/tokenizer/jinja/value.h"
#include "nlohmann/json.hpp"

namespace oriel::jinja {

// A JSON value as a template sees it. Integers beyond 64 bits become floats.
// Errors     InvalidArgument for text that is not UTF-8; ResourceExhausted.
absl::StatusOr<Value> FromJson(Budget& budget, const nlohmann::ordered_json& json);

// The options of Python's json.dumps, with the defaults of the tojson filter.
struct JsonStyle {
  std::optional<std::string> indent;  // what one level is indented by; none: all on one line
  std::string item_separator = ", ";
  std::string key_separator = ": ";
  bool sort_keys = false;
  bool ascii_only = false;
};

// json.dumps(value), byte for byte.
// Errors     InvalidArgument for what is not JSON (undefined, a generator, a macro …);
//            ResourceExhausted.
absl::Status AppendJson(Budget& budget, const Value& value, const JsonStyle& style,
                        TextBuilder& out);

}  // namespace oriel::jinja

#endif  // ORIEL_ENGINE_TOKENIZER_JINJA_JSON_H_
