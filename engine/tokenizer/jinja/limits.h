#ifndef ORIEL_ENGINE_TOKENIZER_JINJA_LIMITS_H_
#define ORIEL_ENGINE_TOKENIZER_JINJA_LIMITS_H_

#include <cstdint>

namespace oriel::jinja {

// What one template may cost. A template comes out of a model file and its variables out of a
// request, so neither is trusted: every loop, recursion and buffer of the interpreter is paid for
// out of these.
struct Limits {
  // Bytes of template source.
  int64_t source_bytes_max = 512 * 1024;
  // Nesting of statements and expressions in the source; also the length of a chain such as
  // a + b + c, which nests to the left.
  int parse_depth_max = 200;
  // Expressions, statements and macro calls under way at once while rendering.
  int evaluation_depth_max = 600;
  // Lists and dicts inside each other, in the variables and in what a template builds.
  int value_depth_max = 128;
  // Work of one rendering: a step is an expression, a loop turn, or 128 bytes looked at.
  int64_t steps_max = 5'000'000;
  // Bytes of all values built during one rendering, whether still needed or not.
  int64_t built_bytes_max = int64_t{256} * 1024 * 1024;
  // Bytes of the rendered text.
  int64_t output_bytes_max = int64_t{16} * 1024 * 1024;
};

}  // namespace oriel::jinja

#endif  // ORIEL_ENGINE_TOKENIZER_JINJA_LIMITS_H_
