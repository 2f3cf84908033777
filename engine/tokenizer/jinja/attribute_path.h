#ifndef ORIEL_ENGINE_TOKENIZER_JINJA_ATTRIBUTE_PATH_H_
#define ORIEL_ENGINE_TOKENIZER_JINJA_ATTRIBUTE_PATH_H_

#include <vector>

#include "absl/status/statusor.h"
#include "engine/tokenizer/jinja/runtime.h"
#include "engine/tokenizer/jinja/value.h"

namespace oriel::jinja {

// The attribute that filters such as map and sort look at: "function.name", "0", 0, or none, which
// is the item itself.
class AttributePath {
 public:
  AttributePath() = default;

  // Errors     InvalidArgument where `attribute` is neither text, integer nor none.
  static absl::StatusOr<AttributePath> Parse(Runtime& runtime, const Value& attribute);

  // `otherwise` takes the place of an undefined part; it may be null.
  absl::StatusOr<Value> Follow(Runtime& runtime, const Value& item, const Value* otherwise) const;

 private:
  std::vector<Value> parts_;
};

}  // namespace oriel::jinja

#endif  // ORIEL_ENGINE_TOKENIZER_JINJA_ATTRIBUTE_PATH_H_
