#ifndef ORIEL_ENGINE_TOKENIZER_SPECIAL_TOKEN_MATCHER_H_
#define ORIEL_ENGINE_TOKENIZER_SPECIAL_TOKEN_MATCHER_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "absl/container/flat_hash_map.h"
#include "engine/base/token_id.h"

namespace oriel {

// Finds whole tokens written out in a text: at the leftmost place where one starts, the longest
// one.
//
// A trie over the tokens' bytes. Most bytes of a text start no token and cost one table lookup; a
// place where one could start costs at most the longest token's bytes, however many tokens there
// are.
//
// Threads     const after the last Add.
class SpecialTokenMatcher {
 public:
  // `text` must not be empty.
  void Add(std::string_view text, TokenId id);

  struct Match {
    size_t begin = 0;
    size_t size_bytes = 0;  // 0: there is no token from `start` to the end
    TokenId id = 0;
  };
  Match FindFrom(std::string_view text, size_t start) const;

 private:
  static constexpr uint32_t kRoot = 0;

  Match LongestAt(std::string_view text, size_t begin) const;

  std::array<bool, 256> starts_token_{};
  uint32_t num_nodes_ = 1;
  absl::flat_hash_map<uint64_t, uint32_t> child_;  // node << 8 | byte -> node
  absl::flat_hash_map<uint32_t, TokenId> token_of_node_;
};

}  // namespace oriel

#endif  // ORIEL_ENGINE_TOKENIZER_SPECIAL_TOKEN_MATCHER_H_
