#ifndef ORIEL_ENGINE_TOKENIZER_JINJA_BUDGET_H_
#define ORIEL_ENGINE_TOKENIZER_JINJA_BUDGET_H_

#include <cstdint>

#include "absl/status/status.h"
#include "engine/tokenizer/jinja/limits.h"

namespace oriel::jinja {

// Counts what one rendering has cost.
//
// Threads    one rendering, one thread.
// Invariant  work is charged before it is done, so no single operation runs past a limit.
// Errors     ResourceExhausted naming the limit and its value.
class Budget {
 public:
  explicit Budget(const Limits& limits) : limits_(limits) {}

  const Limits& limits() const { return limits_; }

  absl::Status Steps(int64_t steps);

  // Looking at `bytes` bytes of text: comparing, searching, counting code points.
  absl::Status Scan(uint64_t bytes);

  // Building a value of `bytes` bytes.
  absl::Status Build(uint64_t bytes);

  // Appending `bytes` bytes to the rendered text.
  absl::Status Output(uint64_t bytes);

 private:
  const Limits limits_;
  int64_t steps_ = 0;
  int64_t built_bytes_ = 0;
  int64_t output_bytes_ = 0;
};

// Holds one level of a bounded recursion for as long as it lives.
class DepthGuard {
 public:
  DepthGuard(int& depth, int depth_max) : depth_(depth), inside_(depth < depth_max) { ++depth_; }
  ~DepthGuard() { --depth_; }
  DepthGuard(const DepthGuard&) = delete;
  DepthGuard& operator=(const DepthGuard&) = delete;

  bool inside() const { return inside_; }

 private:
  int& depth_;
  const bool inside_;
};

}  // namespace oriel::jinja

#endif  // ORIEL_ENGINE_TOKENIZER_JINJA_BUDGET_H_
