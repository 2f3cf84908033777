#include "tests/simulation/hashed_text.h"

#include <algorithm>

namespace oriel {

void HashedText::Add(TokenId token) {
  const int32_t position = size();
  const bool begins_page = position % 64 == 0;
  const uint64_t page = begins_page ? kEmptyPage : page_hashes_.back();
  page_hashes_.push_back(AddRowToPage(page, token, position, rules_.sink_tokens));
  if (position < rules_.sink_tokens) sinks_ = AddSink(sinks_, token, position);
}

uint64_t HashedText::Attended() const {
  const int32_t query = size() - 1;
  uint64_t attended = sinks_;
  for (int32_t page = 0; 64 * page <= query; ++page) {
    const int32_t last = std::min(64 * page + 63, query);
    const uint64_t hash = page_hashes_[static_cast<size_t>(last)];
    // The positional view: page p is packed for a query at t if and only if
    // 64 (p + 1) <= 64 floor(t / 64) - w.
    const bool packed = 64 * (page + 1) <= 64 * (query / 64) - rules_.window_tokens;
    attended = Attend(attended, packed ? SealedPage(hash, rules_.format_tag) : hash);
  }
  return attended;
}

}  // namespace oriel
