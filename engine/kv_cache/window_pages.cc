#include "engine/kv_cache/window_pages.h"

#include "kernels/core/check.h"

namespace oriel {

WindowPageId WindowPages::PageAt(int32_t page_index) const {
  if (page_index < first_page_index_ || page_index >= end_page_index()) return kNoPage;
  return pages_[static_cast<size_t>(page_index - first_page_index_)];
}

void WindowPages::Append(int32_t page_index, WindowPageId page) {
  if (pages_.empty()) first_page_index_ = page_index;
  ORIEL_CHECK(page_index == end_page_index());
  pages_.push_back(page);
}

WindowPageId WindowPages::PopOldest() {
  ORIEL_CHECK(!pages_.empty());
  const WindowPageId page = pages_.front();
  // A run has window_tokens / 64 + 2 pages at most, so moving the others down is cheap.
  pages_.erase(pages_.begin());
  ++first_page_index_;
  return page;
}

}  // namespace oriel
