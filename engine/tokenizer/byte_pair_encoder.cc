#include "engine/tokenizer/byte_pair_encoder.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "engine/tokenizer/byte_encoding.h"
#include "kernels/core/check.h"
#include "kernels/core/status.h"

namespace oriel {
namespace {

constexpr int32_t kNoSymbol = -1;

uint64_t KeyOf(TokenId left, TokenId right) {
  return (uint64_t{static_cast<uint32_t>(left)} << 32) | static_cast<uint32_t>(right);
}

struct MergeIds {
  TokenId left = 0;
  TokenId right = 0;
  TokenId result = 0;
};

// The first byte belongs to the left token even if it is the separator, so the search starts behind
// it.
std::optional<MergeIds> ParseMerge(const Vocabulary& vocabulary, std::string_view line) {
  const size_t separator = line.find(' ', 1);
  if (separator == std::string_view::npos) return std::nullopt;
  const std::string_view left_text = line.substr(0, separator);
  const std::string_view right_text = line.substr(separator + 1);
  std::string result_text(left_text);
  result_text += right_text;
  const std::optional<TokenId> left = vocabulary.Find(left_text);
  const std::optional<TokenId> right = vocabulary.Find(right_text);
  const std::optional<TokenId> result = vocabulary.Find(result_text);
  if (!left.has_value() || !right.has_value() || !result.has_value()) return std::nullopt;
  return MergeIds{*left, *right, *result};
}

}  // namespace

absl::StatusOr<BytePairEncoder> BytePairEncoder::Make(const Vocabulary& vocabulary,
                                                      std::span<const std::string_view> merges,
                                                      WholePieces whole_pieces) {
  if (merges.size() > kMergesMax) {
    return absl::InvalidArgumentError(
        absl::StrCat(merges.size(), " merges, at most ", kMergesMax, " are allowed"));
  }
  BytePairEncoder encoder;
  for (unsigned byte = 0; byte < 256; ++byte) {
    const std::string text = EncodeByte(static_cast<uint8_t>(byte));
    encoder.token_of_byte_[byte] = vocabulary.Find(text).value_or(kNoToken);
  }
  encoder.merges_.reserve(merges.size());
  for (size_t i = 0; i < merges.size(); ++i) {
    const std::optional<MergeIds> ids = ParseMerge(vocabulary, merges[i]);
    if (!ids.has_value()) {
      return absl::InvalidArgumentError(
          absl::StrCat("merge ", i, " ('", ToAbsl(merges[i]),
                       "') does not join two tokens of the vocabulary to a third one"));
    }
    // Of a merge that is listed twice the first place counts.
    encoder.merges_.try_emplace(KeyOf(ids->left, ids->right),
                                Merge{static_cast<uint32_t>(i), ids->result});
  }
  if (whole_pieces == WholePieces::kTakeThemFirst) {
    for (TokenId id = 0; id < vocabulary.size(); ++id) {
      if (vocabulary.Kind(id) == TokenKind::kNormal) {
        encoder.whole_pieces_.emplace(vocabulary.Bytes(id), id);
      }
    }
  }
  return encoder;
}

const BytePairEncoder::Merge* BytePairEncoder::FindMerge(TokenId left, TokenId right) const {
  const auto found = merges_.find(KeyOf(left, right));
  return found == merges_.end() ? nullptr : &found->second;
}

bool BytePairEncoder::Workspace::ComesLater(const Candidate& a, const Candidate& b) {
  return a.rank != b.rank ? a.rank > b.rank : a.left > b.left;
}

void BytePairEncoder::Encode(std::string_view piece, Workspace& workspace,
                             std::vector<TokenId>& ids) const {
  if (piece.empty()) return;
  if (const auto whole = whole_pieces_.find(piece); whole != whole_pieces_.end()) {
    ids.push_back(whole->second);
    return;
  }
  Start(piece, workspace);
  MergeAll(workspace);
  for (int32_t i = 0; i != kNoSymbol; i = workspace.symbols_[static_cast<size_t>(i)].next) {
    const TokenId id = workspace.symbols_[static_cast<size_t>(i)].id;
    if (id != kNoToken) ids.push_back(id);
  }
}

void BytePairEncoder::Start(std::string_view piece, Workspace& workspace) const {
  ORIEL_CHECK(piece.size() <= static_cast<size_t>(std::numeric_limits<int32_t>::max()));
  const int32_t size = static_cast<int32_t>(piece.size());
  workspace.symbols_.clear();
  workspace.symbols_.reserve(piece.size());
  for (int32_t i = 0; i < size; ++i) {
    const uint8_t byte = static_cast<uint8_t>(piece[static_cast<size_t>(i)]);
    workspace.symbols_.push_back({token_of_byte_[byte], i - 1, i + 1 == size ? kNoSymbol : i + 1});
  }
  workspace.candidates_.clear();
  for (int32_t i = 0; i + 1 < size; ++i) AddCandidate(i, workspace);
}

// Queues the merge of the symbol at `left` with its right neighbour, if the model has one.
void BytePairEncoder::AddCandidate(int32_t left, Workspace& workspace) const {
  if (left == kNoSymbol) return;
  const Workspace::Symbol& symbol = workspace.symbols_[static_cast<size_t>(left)];
  if (symbol.next == kNoSymbol) return;
  const TokenId right_id = workspace.symbols_[static_cast<size_t>(symbol.next)].id;
  const Merge* merge = FindMerge(symbol.id, right_id);
  if (merge == nullptr) return;
  workspace.candidates_.push_back({merge->rank, left, symbol.id, right_id, merge->result});
  std::push_heap(workspace.candidates_.begin(), workspace.candidates_.end(), Workspace::ComesLater);
}

void BytePairEncoder::MergeAll(Workspace& workspace) const {
  std::vector<Workspace::Symbol>& symbols = workspace.symbols_;
  while (!workspace.candidates_.empty()) {
    std::pop_heap(workspace.candidates_.begin(), workspace.candidates_.end(),
                  Workspace::ComesLater);
    const Workspace::Candidate candidate = workspace.candidates_.back();
    workspace.candidates_.pop_back();

    // Tokens only grow, so equal ids mean that neither side has changed since the candidate was
    // queued.
    Workspace::Symbol& left = symbols[static_cast<size_t>(candidate.left)];
    if (left.id != candidate.left_id || left.next == kNoSymbol) continue;
    Workspace::Symbol& right = symbols[static_cast<size_t>(left.next)];
    if (right.id != candidate.right_id) continue;

    left.id = candidate.result;
    left.next = right.next;
    right.id = kNoToken;
    if (left.next != kNoSymbol) symbols[static_cast<size_t>(left.next)].previous = candidate.left;
    AddCandidate(left.previous, workspace);
    AddCandidate(candidate.left, workspace);
  }
}

}  // namespace oriel
