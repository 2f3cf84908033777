#ifndef ORIEL_ENGINE_TOKENIZER_PRE_TOKENIZER_H_
#define ORIEL_ENGINE_TOKENIZER_PRE_TOKENIZER_H_

#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/tokenizer/pattern.h"
#include "engine/tokenizer/pre_tokenizer_rules.h"

namespace oriel {

// Cuts text into the pieces that merges never cross: words, numbers, punctuation, spaces.
//
// Threads     const; each thread brings its own workspace.
class PreTokenizer {
 public:
  static absl::StatusOr<PreTokenizer> Make(const PreTokenizerRule& rule);

  // The pieces are views of `text`, in order, and together the whole of it. `text` need not be
  // valid UTF-8: every run of bytes that are no characters is a piece of its own. Errors:
  // InvalidArgument if a pattern reaches its limits.
  absl::StatusOr<std::vector<std::string_view>> Split(std::string_view text,
                                                      MatchWorkspace& workspace) const;

 private:
  explicit PreTokenizer(std::vector<Pattern> patterns) : patterns_(std::move(patterns)) {}

  absl::Status SplitValid(std::string_view text, MatchWorkspace& workspace,
                          std::vector<std::string_view>& pieces) const;

  std::vector<Pattern> patterns_;
};

}  // namespace oriel

#endif  // ORIEL_ENGINE_TOKENIZER_PRE_TOKENIZER_H_
