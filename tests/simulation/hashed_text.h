#ifndef ORIEL_TESTS_SIMULATION_HASHED_TEXT_H_
#define ORIEL_TESTS_SIMULATION_HASHED_TEXT_H_

#include <cstdint>
#include <vector>

#include "engine/base/token_id.h"
#include "tests/simulation/page_hash.h"

namespace oriel {

// What decides an answer besides the request itself.
struct TextRules {
  int32_t window_tokens = 0;
  int32_t sink_tokens = 0;
  int32_t vocab = 0;
  uint64_t format_tag = 0;
};

// A text as its last token sees it, kept in one plain array: no pages are shared, nothing is
// sealed, appended or staged. The oracle of the simulation.
class HashedText {
 public:
  explicit HashedText(const TextRules& rules) : rules_(rules) {}

  void Add(TokenId token);
  int32_t size() const { return static_cast<int32_t>(page_hashes_.size()); }
  // What the last token attends to. The text is not empty.
  uint64_t Attended() const;

 private:
  const TextRules rules_;
  uint64_t sinks_ = kNoSinks;
  std::vector<uint64_t> page_hashes_;  // at each token: its page up to it
};

}  // namespace oriel

#endif  // ORIEL_TESTS_SIMULATION_HASHED_TEXT_H_
