#ifndef ORIEL_ENGINE_TOKENIZER_JINJA_ACCESS_H_
#define ORIEL_ENGINE_TOKENIZER_JINJA_ACCESS_H_

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/tokenizer/jinja/runtime.h"
#include "engine/tokenizer/jinja/value.h"

namespace oriel::jinja {

// What a `for` over `value` visits: items, keys of a dict, code points of a text, nothing for an
// undefined value. Reading a generator empties it.
// Errors     InvalidArgument where Python cannot iterate over it.
absl::StatusOr<std::vector<Value>> Iterate(Budget& budget, const Value& value);

// The (key, value) tuples of a dict.
absl::StatusOr<std::vector<Value>> DictPairs(Budget& budget, const Dict& dict);

// len(value).
// Errors     InvalidArgument where Python knows no length.
absl::StatusOr<int64_t> Length(Budget& budget, const Value& value);

// object.name: a method or attribute first, then an item of that name; undefined where neither is.
// What would change a value (append, pop, update …) is undefined too: templates only read.
// Errors     InvalidArgument where `object` itself is undefined.
absl::StatusOr<Value> GetAttribute(Runtime& runtime, const Value& object, std::string_view name);

// object[key]: an item first, then an attribute.
absl::StatusOr<Value> GetItem(Runtime& runtime, const Value& object, const Value& key);

// object[start:stop:step] of a text, list, tuple or range; an absent bound is none.
absl::StatusOr<Value> GetSlice(Budget& budget, const Value& object, const Value& start,
                               const Value& stop, const Value& step);

}  // namespace oriel::jinja

#endif  // ORIEL_ENGINE_TOKENIZER_JINJA_ACCESS_H_
