#include "engine/kv_cache/kv_cache.h"

#include <algorithm>

#include "engine/kv_cache/window_pages.h"
#include "kernels/core/check.h"

namespace oriel {
namespace {

// Page `page_index` of a row whose first token stands at `first_position`: tokens before it are in
// the window page, the others in the scratch.
KvSealItem MakeSealItem(PageId page, int32_t page_index, WindowPageId window_page,
                        int32_t first_position, int32_t scratch_row, int32_t sink_tokens) {
  const int32_t page_begin = page_index * kPageTokens;
  const int32_t window_rows = std::clamp(first_position - page_begin, 0, kPageTokens);
  KvSealItem item;
  item.page = page;
  item.window_rows = window_rows;
  if (window_rows > 0) item.window_page = window_page;
  if (window_rows < kPageTokens) {
    ORIEL_CHECK(scratch_row >= 0);
    item.scratch_row = scratch_row + page_begin + window_rows - first_position;
  }
  item.num_sinks = std::clamp(sink_tokens - page_begin, 0, kPageTokens);
  ORIEL_CHECK((item.window_page != kNoPage) == (window_rows > 0));
  return item;
}

}  // namespace

void StepPages::Reserve(const KvCacheCounts& counts) {
  packed_pages.reserve(static_cast<size_t>(counts.num_pages));
  window_pages.reserve(static_cast<size_t>(StepWindowPagesMax(counts)));
  seals.reserve(static_cast<size_t>(StepSealsMax(counts)));
}

void StepPages::Clear() {
  packed_pages.clear();
  window_pages.clear();
  seals.clear();
}

KvCache::KvCache(const KvCacheCounts& counts)
    : counts_(counts),
      pages_(counts.num_pages),
      window_pages_(counts.num_window_pages),
      slots_(counts.num_sequence_slots) {
  ORIEL_CHECK(counts.window_tokens >= 0 && counts.window_tokens % kPageTokens == 0);
  // The transition pages belong to no sequence: prompt rows of any step may use them.
  ORIEL_CHECK(window_pages_.TryReserve(SharedWindowPages(
      counts.prefill_chunk_tokens, counts.window_tokens, counts.num_sequence_slots)));
}

bool KvCache::TryAdmit(int32_t num_tokens_max, PageTable& table) {
  ORIEL_CHECK(table.slot == PageTable::kNoSlot);
  const int32_t num_pages = PackedPagesFor(num_tokens_max, counts_.window_tokens);
  const int32_t num_window_pages = WindowPagesPerSequence(counts_.window_tokens);
  if (!slots_.TryReserve(1)) return false;
  if (!pages_.TryReserve(num_pages)) {
    slots_.Unreserve(1);
    return false;
  }
  if (!window_pages_.TryReserve(num_window_pages)) {
    pages_.Unreserve(num_pages);
    slots_.Unreserve(1);
    return false;
  }
  table.slot = slots_.Take();
  table.reserved_pages = num_pages;
  table.packed_pages.reserve(static_cast<size_t>(num_pages));
  table.window.Reserve(num_window_pages);
  return true;
}

KvView KvCache::Extend(PageTable& table, int32_t num_queries, int32_t scratch_row, uint64_t step,
                       StepPages& pages) {
  ORIEL_CHECK(table.slot != PageTable::kNoSlot && num_queries >= 1 && step > finished_step_);
  const int32_t first_position = table.num_tokens;
  const int32_t last_position = first_position + num_queries - 1;
  const KvView view = {.num_queries = num_queries,
                       .first_position = first_position,
                       .scratch_row = scratch_row,
                       .sequence_slot = table.slot,
                       .packed_begin = static_cast<int32_t>(pages.packed_pages.size()),
                       .window_begin = static_cast<int32_t>(pages.window_pages.size()),
                       .first_window_page = NumPackedPages(first_position, counts_.window_tokens)};

  SealPages(table, NumPackedPages(last_position, counts_.window_tokens), scratch_row, pages);
  pages.packed_pages.insert(pages.packed_pages.end(), table.packed_pages.begin(),
                            table.packed_pages.end());

  // Pages that begin in this step and are sealed in it have no window page: PageAt says kNoPage.
  const int32_t first_begun_page = (first_position + kPageTokens - 1) / kPageTokens;
  const int32_t first_new_page =
      std::max(first_begun_page, static_cast<int32_t>(table.packed_pages.size()));
  for (int32_t page = view.first_window_page; page < first_new_page; ++page) {
    pages.window_pages.push_back(table.window.PageAt(page));
  }
  ReleaseSealedWindowPages(table, step);
  for (int32_t page = first_new_page; page <= last_position / kPageTokens; ++page) {
    table.window.Append(page, window_pages_.Take());
    pages.window_pages.push_back(table.window.PageAt(page));
  }
  table.num_tokens += num_queries;
  return view;
}

void KvCache::SealPages(PageTable& table, int32_t end_page, int32_t scratch_row, StepPages& pages) {
  const int32_t begin_page = static_cast<int32_t>(table.packed_pages.size());
  ORIEL_CHECK(begin_page == PackedPagesFor(table.num_tokens, counts_.window_tokens));
  ORIEL_CHECK(end_page <= table.reserved_pages);
  for (int32_t page = begin_page; page < end_page; ++page) {
    table.packed_pages.push_back(pages_.Take());
    pages.seals.push_back(MakeSealItem(table.packed_pages.back(), page, table.window.PageAt(page),
                                       table.num_tokens, scratch_row, counts_.sink_tokens));
  }
}

void KvCache::ReleaseSealedWindowPages(PageTable& table, uint64_t step) {
  const int32_t end_page = static_cast<int32_t>(table.packed_pages.size());
  while (table.window.size() > 0 && table.window.first_page_index() < end_page) {
    window_pages_.Release(table.window.PopOldest(), step);
  }
}

void KvCache::Release(PageTable& table, uint64_t step) {
  ORIEL_CHECK(table.slot != PageTable::kNoSlot);
  for (PageId page : table.packed_pages) pages_.Release(page, step);
  while (table.window.size() > 0) window_pages_.Release(table.window.PopOldest(), step);
  slots_.Release(table.slot, step);
  pages_.Unreserve(table.reserved_pages);
  window_pages_.Unreserve(WindowPagesPerSequence(counts_.window_tokens));
  slots_.Unreserve(1);
  table = PageTable();
  // A step may have finished before its sequence is released: then nothing is left to wait for.
  FinishStep(finished_step_);
}

void KvCache::FinishStep(uint64_t step) {
  finished_step_ = step;
  pages_.FinishStep(step);
  window_pages_.FinishStep(step);
  slots_.FinishStep(step);
}

void KvCache::CheckLedgers() const {
  pages_.CheckLedger();
  window_pages_.CheckLedger();
  slots_.CheckLedger();
}

}  // namespace oriel
