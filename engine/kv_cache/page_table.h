#ifndef ORIEL_ENGINE_KV_CACHE_PAGE_TABLE_H_
#define ORIEL_ENGINE_KV_CACHE_PAGE_TABLE_H_

#include <cstdint>
#include <vector>

#include "engine/kv_cache/window_pages.h"
#include "kernels/ops/kv_view.h"

namespace oriel {

// What one sequence holds of the cache. Made and changed by KvCache alone.
//
// Threads     the engine thread.
// Invariant   packed_pages.size() = NumPackedPages(num_tokens - 1) <= reserved_pages: page p is
//             packed_pages[p], sealed or sealed by the step being planned.
struct PageTable {
  static constexpr int32_t kNoSlot = -1;

  int32_t slot = kNoSlot;      // sequence slot: its row of the sink pool; kNoSlot: not admitted
  int32_t num_tokens = 0;      // tokens whose keys and values are in the cache
  int32_t reserved_pages = 0;  // packed pages promised to it, the owned ones included
  std::vector<PageId> packed_pages;
  WindowPages window;
};

}  // namespace oriel

#endif  // ORIEL_ENGINE_KV_CACHE_PAGE_TABLE_H_
