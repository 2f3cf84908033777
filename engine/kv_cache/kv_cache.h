#ifndef ORIEL_ENGINE_KV_CACHE_KV_CACHE_H_
#define ORIEL_ENGINE_KV_CACHE_KV_CACHE_H_

#include <cstdint>
#include <vector>

#include "engine/kv_cache/page_pool.h"
#include "engine/kv_cache/page_table.h"
#include "kernels/ops/kv_seal.h"
#include "kernels/ops/kv_view.h"

namespace oriel {

// What the cache has to share out, in counts.
struct KvCacheCounts {
  int32_t num_pages = 0;
  int32_t num_window_pages = 0;
  int32_t num_sequence_slots = 0;
  int32_t window_tokens = 0;  // a multiple of 64
  int32_t sink_tokens = 0;
  int32_t prefill_chunk_tokens = 0;  // prompt tokens of one step, all sequences together
};

// Entries that the lists of one step can have. A view lists its window pages from
// NumPackedPages(first position) on: those of the window, the page being filled, and for a prompt
// row one for every 64 tokens begun.
constexpr int64_t StepWindowPagesMax(const KvCacheCounts& counts) {
  const int64_t a_view = counts.window_tokens / kPageTokens + 2;
  return a_view * counts.num_sequence_slots + counts.prefill_chunk_tokens / kPageTokens;
}
// n tokens let ceil(n / 64) pages fall due at most.
constexpr int64_t StepSealsMax(const KvCacheCounts& counts) {
  return int64_t{counts.num_sequence_slots} + counts.prefill_chunk_tokens / kPageTokens;
}

// The flat page lists of one step: KvView cuts the first two.
struct StepPages {
  std::vector<PageId> packed_pages;
  std::vector<WindowPageId> window_pages;
  std::vector<KvSealItem> seals;

  // Makes room for any step of a cache of these counts.
  void Reserve(const KvCacheCounts& counts);
  void Clear();
};

// Packed pages that a sequence of this many cached tokens ends up with.
constexpr int32_t PackedPagesFor(int32_t num_tokens, int32_t window_tokens) {
  return num_tokens > 0 ? NumPackedPages(num_tokens - 1, window_tokens) : 0;
}

// Shares out packed pages, window pages and sequence slots, and says which pages each step reads,
// writes and seals. It knows ids and counts; bytes are KvStorage's.
//
// Lifecycle   a sequence: TryAdmit → Extend, once a step that it takes part in → Release.
// Threads     the engine thread.
// Invariant   a step is finished (FinishStep) before the next is planned; after every step
//             free + owned + cached + fenced = total in each pool.
class KvCache {
 public:
  explicit KvCache(const KvCacheCounts& counts);

  const KvCacheCounts& counts() const { return counts_; }

  // Reserves a slot and all pages that a sequence needs until it holds `num_tokens_max` tokens.
  // False, and nothing reserved, if that does not fit now.
  bool TryAdmit(int32_t num_tokens_max, PageTable& table);

  // The sequence's next `num_queries` tokens in step `step`: takes the pages that they need,
  // appends to `pages` what the step reads and seals, and returns the view without its first_row.
  // Window pages whose page is sealed in this step are fenced. `scratch_row`: of the first token,
  // -1 for a decode view.
  KvView Extend(PageTable& table, int32_t num_queries, int32_t scratch_row, uint64_t step,
                StepPages& pages);

  // Gives back all that the sequence holds; `step` is the last step that it took part in.
  void Release(PageTable& table, uint64_t step);

  // All launches up to `step` have finished: what they fenced is free.
  void FinishStep(uint64_t step);

  PageLedger page_ledger() const { return pages_.ledger(); }
  PageLedger window_page_ledger() const { return window_pages_.ledger(); }
  PageLedger slot_ledger() const { return slots_.ledger(); }
  void CheckLedgers() const;

 private:
  void SealPages(PageTable& table, int32_t end_page, int32_t scratch_row, StepPages& pages);
  void ReleaseSealedWindowPages(PageTable& table, uint64_t step);

  KvCacheCounts counts_;
  PagePool pages_;
  PagePool window_pages_;
  PagePool slots_;
  uint64_t finished_step_ = 0;
};

}  // namespace oriel

#endif  // ORIEL_ENGINE_KV_CACHE_KV_CACHE_H_
