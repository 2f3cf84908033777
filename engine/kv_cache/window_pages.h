#ifndef ORIEL_ENGINE_KV_CACHE_WINDOW_PAGES_H_
#define ORIEL_ENGINE_KV_CACHE_WINDOW_PAGES_H_

#include <cstdint>
#include <vector>

#include "kernels/formats/codec.h"
#include "kernels/ops/kv_view.h"

namespace oriel {

// Window pages that a sequence may hold between steps, and one more for the page that a decode step
// begins while it seals the oldest.
constexpr int32_t WindowPagesPerSequence(int32_t window_tokens) {
  return (window_tokens + kPageTokens - 1) / kPageTokens + 2;
}

// A prompt row of n tokens can begin ceil(n / 64) window pages in a step that still reads all old
// ones: at most window_tokens / 64 + 1 of them outlive it, and one is in WindowPagesPerSequence. So
// these many more serve all rows of a step together.
constexpr int32_t SharedWindowPages(int32_t prefill_chunk_tokens, int32_t window_tokens,
                                    int32_t max_num_seqs) {
  const int64_t by_tokens = prefill_chunk_tokens / kPageTokens;
  const int64_t by_sequences = int64_t{max_num_seqs} * (window_tokens / kPageTokens);
  return static_cast<int32_t>(by_tokens < by_sequences ? by_tokens : by_sequences);
}

// The FP16 pages of one sequence: a run of consecutive page indices, the newest tokens last.
//
// Threads     the engine thread.
// Invariant   after a step whose last position is t, the run is NumPackedPages(t) … t / 64.
class WindowPages {
 public:
  int32_t first_page_index() const { return first_page_index_; }
  int32_t end_page_index() const { return first_page_index_ + static_cast<int32_t>(pages_.size()); }
  int32_t size() const { return static_cast<int32_t>(pages_.size()); }

  // The window page of a page index, kNoPage outside the run.
  WindowPageId PageAt(int32_t page_index) const;

  // Makes room for a run of `size` pages.
  void Reserve(int32_t size) { pages_.reserve(static_cast<size_t>(size)); }

  // Adds the page behind the last. An empty run begins at `page_index`.
  void Append(int32_t page_index, WindowPageId page);

  // Removes and returns the oldest page.
  WindowPageId PopOldest();

 private:
  int32_t first_page_index_ = 0;
  std::vector<WindowPageId> pages_;
};

}  // namespace oriel

#endif  // ORIEL_ENGINE_KV_CACHE_WINDOW_PAGES_H_
