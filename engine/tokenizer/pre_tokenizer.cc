#include "engine/tokenizer/pre_tokenizer.h"

#include <iterator>
#include <utility>

#include "engine/tokenizer/utf8.h"
#include "kernels/core/status.h"

namespace oriel {
namespace {

// Bytes of the longest start of `text` that is all characters (`valid`) or all bytes that are none.
size_t RunBytes(std::string_view text, bool valid) {
  size_t size_bytes = 0;
  while (size_bytes < text.size()) {
    const Utf8Sequence sequence = NextUtf8Sequence(text.substr(size_bytes));
    if ((sequence.kind == Utf8Kind::kValid) != valid) break;
    size_bytes += sequence.size_bytes;
  }
  return size_bytes;
}

}  // namespace

absl::StatusOr<PreTokenizer> PreTokenizer::Make(const PreTokenizerRule& rule) {
  std::vector<Pattern> patterns;
  for (std::string_view expression : rule.patterns) {
    ORIEL_ASSIGN_OR_RETURN(Pattern pattern, Pattern::Compile(expression));
    patterns.push_back(std::move(pattern));
  }
  return PreTokenizer(std::move(patterns));
}

absl::StatusOr<std::vector<std::string_view>> PreTokenizer::Split(std::string_view text,
                                                                  MatchWorkspace& workspace) const {
  std::vector<std::string_view> pieces;
  for (bool valid = true; !text.empty(); valid = !valid) {
    const std::string_view run = text.substr(0, RunBytes(text, valid));
    text.remove_prefix(run.size());
    if (run.empty()) continue;
    if (valid) {
      ORIEL_RETURN_IF_ERROR(SplitValid(run, workspace, pieces));
    } else {
      pieces.push_back(run);
    }
  }
  return pieces;
}

absl::Status PreTokenizer::SplitValid(std::string_view text, MatchWorkspace& workspace,
                                      std::vector<std::string_view>& pieces) const {
  std::vector<std::string_view> parts = {text};
  for (const Pattern& pattern : patterns_) {
    std::vector<std::string_view> finer;
    finer.reserve(parts.size());
    for (std::string_view part : parts) {
      ORIEL_RETURN_IF_ERROR(pattern.Split(part, workspace, finer));
    }
    parts = std::move(finer);
  }
  pieces.insert(pieces.end(), parts.begin(), parts.end());
  return absl::OkStatus();
}

}  // namespace oriel
