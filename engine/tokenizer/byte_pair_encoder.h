#ifndef ORIEL_ENGINE_TOKENIZER_BYTE_PAIR_ENCODER_H_
#define ORIEL_ENGINE_TOKENIZER_BYTE_PAIR_ENCODER_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "engine/base/token_id.h"
#include "engine/tokenizer/vocabulary.h"

namespace oriel {

// Byte-pair encoding of one piece of text: starts from one token a byte and joins, again and again,
// the neighbours whose merge comes first in the model's list, the leftmost of equal ones first.
//
// A queue holds the possible merges of the piece. A merge changes two neighbourhoods, so a piece of
// n bytes costs O(n log n) however long it is. An entry whose tokens have changed since is skipped
// when it comes up.
//
// Lifecycle   with whole pieces first, borrows the vocabulary's bytes, which must outlive it.
// Threads     const; each thread brings its own workspace.
// Limits      a piece of 2^31 - 1 bytes; 2^22 merges.
class BytePairEncoder {
 public:
  static constexpr size_t kMergesMax = size_t{1} << 22;

  enum class WholePieces {
    kMergeThem,
    kTakeThemFirst,  // a piece that is a token as a whole becomes that token without any merge
  };

  // `merges` are lines "left right" of two tokens' texts. Errors: InvalidArgument names the merge
  // whose tokens or result the vocabulary does not have.
  static absl::StatusOr<BytePairEncoder> Make(const Vocabulary& vocabulary,
                                              std::span<const std::string_view> merges,
                                              WholePieces whole_pieces);

  class Workspace;

  // Appends the tokens of the piece to `ids`. A byte that the vocabulary has no token for is left
  // out.
  void Encode(std::string_view piece, Workspace& workspace, std::vector<TokenId>& ids) const;

  // Whether the vocabulary has a token for this byte alone.
  bool HasByte(uint8_t byte) const { return token_of_byte_[byte] >= 0; }

 private:
  struct Merge {
    uint32_t rank = 0;  // place in the model's list
    TokenId result = 0;
  };

  BytePairEncoder() = default;
  const Merge* FindMerge(TokenId left, TokenId right) const;
  void Start(std::string_view piece, Workspace& workspace) const;
  void AddCandidate(int32_t left, Workspace& workspace) const;
  void MergeAll(Workspace& workspace) const;

  std::array<TokenId, 256> token_of_byte_{};
  absl::flat_hash_map<uint64_t, Merge> merges_;                 // left << 32 | right
  std::unordered_map<std::string_view, TokenId> whole_pieces_;  // empty if they are to be merged
};

// Memory that one call of Encode after another uses again. One a thread.
class BytePairEncoder::Workspace {
 private:
  friend class BytePairEncoder;

  // A token of the piece in the making. Joined with its left neighbour, it stays in place as a dead
  // one.
  struct Symbol {
    TokenId id = 0;
    int32_t previous = 0;
    int32_t next = 0;
  };
  struct Candidate {
    uint32_t rank = 0;
    int32_t left = 0;  // the left symbol's place
    TokenId left_id = 0;
    TokenId right_id = 0;
    TokenId result = 0;
  };
  static bool ComesLater(const Candidate& a, const Candidate& b);

  std::vector<Symbol> symbols_;
  std::vector<Candidate> candidates_;  // a heap, the next merge in front
};

}  // namespace oriel

#endif  // ORIEL_ENGINE_TOKENIZER_BYTE_PAIR_ENCODER_H_
