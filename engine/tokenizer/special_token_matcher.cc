#include "engine/tokenizer/special_token_matcher.h"

#include "kernels/core/check.h"

namespace oriel {
namespace {

uint64_t EdgeOf(uint32_t node, char byte) {
  return (uint64_t{node} << 8) | static_cast<uint8_t>(byte);
}

}  // namespace

void SpecialTokenMatcher::Add(std::string_view text, TokenId id) {
  ORIEL_CHECK(!text.empty());
  starts_token_[static_cast<uint8_t>(text[0])] = true;
  uint32_t node = kRoot;
  for (char byte : text) {
    const auto [edge, is_new] = child_.try_emplace(EdgeOf(node, byte), num_nodes_);
    if (is_new) ++num_nodes_;
    node = edge->second;
  }
  token_of_node_[node] = id;
}

SpecialTokenMatcher::Match SpecialTokenMatcher::FindFrom(std::string_view text,
                                                         size_t start) const {
  for (size_t begin = start; begin < text.size(); ++begin) {
    if (!starts_token_[static_cast<uint8_t>(text[begin])]) continue;
    const Match match = LongestAt(text, begin);
    if (match.size_bytes > 0) return match;
  }
  return {text.size(), 0, 0};
}

SpecialTokenMatcher::Match SpecialTokenMatcher::LongestAt(std::string_view text,
                                                          size_t begin) const {
  Match longest{begin, 0, 0};
  uint32_t node = kRoot;
  for (size_t i = begin; i < text.size(); ++i) {
    const auto edge = child_.find(EdgeOf(node, text[i]));
    if (edge == child_.end()) break;
    node = edge->second;
    const auto token = token_of_node_.find(node);
    if (token != token_of_node_.end()) longest = {begin, i + 1 - begin, token->second};
  }
  return longest;
}

}  // namespace oriel
