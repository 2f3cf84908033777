#ifndef ORIEL_ENGINE_KV_CACHE_PAGE_POOL_H_
#define ORIEL_ENGINE_KV_CACHE_PAGE_POOL_H_

#include <cstdint>
#include <vector>

namespace oriel {

// Where the pages of a pool are: every page is in exactly one of the four states.
struct PageLedger {
  int32_t total = 0;
  int32_t free = 0;
  int32_t owned = 0;   // by sequences
  int32_t cached = 0;  // sealed and kept for later sequences; always 0 without a prefix cache
  int32_t fenced = 0;  // released, but a step that may touch them has not finished
};

// Ids of one kind of cache memory, handed out one by one: packed pages, window pages or sequence
// slots. It knows ids and counts, never bytes.
//
// A sequence reserves its worst case when it is admitted and takes pages as it grows, so that Take
// never fails and nothing has to be preempted. A released page is fenced until the step that
// released it has finished: launches of that step may still read or write it.
//
// Lifecycle   all memory is allocated when it is made.
// Threads     the engine thread.
// Invariant   free + owned + cached + fenced = total; owned <= reserved;
//             reserved + fenced <= total when nothing but finished steps is fenced.
class PagePool {
 public:
  explicit PagePool(int32_t num_pages);

  int32_t total() const { return static_cast<int32_t>(states_.size()); }
  int32_t reserved() const { return reserved_; }

  // Promises `count` pages, or returns false and promises none. Fenced pages cannot be promised.
  bool TryReserve(int32_t count);
  // Takes back a promise of `count` pages that are not owned.
  void Unreserve(int32_t count);

  // A free page, now owned. The caller holds a reservation that covers it.
  int32_t Take();
  // Gives an owned page back; it is free again when `step` has finished.
  void Release(int32_t page, uint64_t step);
  // All steps up to `step` have finished on the device: what they fenced is free.
  void FinishStep(uint64_t step);

  PageLedger ledger() const;
  // Counts the states page by page and checks the invariant.
  void CheckLedger() const;

 private:
  enum class State : uint8_t { kFree, kOwned, kFenced };
  struct Fenced {
    int32_t page;
    uint64_t step;
  };

  std::vector<State> states_;   // a page
  std::vector<int32_t> free_;   // a stack: the page that was released last is the warmest
  std::vector<Fenced> fenced_;  // in order of steps
  int32_t owned_ = 0;
  int32_t reserved_ = 0;
};

}  // namespace oriel

#endif  // ORIEL_ENGINE_KV_CACHE_PAGE_POOL_H_
