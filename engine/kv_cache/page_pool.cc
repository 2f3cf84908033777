#include "engine/kv_cache/page_pool.h"

#include <algorithm>

#include "kernels/core/check.h"

namespace oriel {

PagePool::PagePool(int32_t num_pages) {
  ORIEL_CHECK(num_pages >= 0);
  states_.assign(static_cast<size_t>(num_pages), State::kFree);
  fenced_.reserve(static_cast<size_t>(num_pages));
  free_.resize(static_cast<size_t>(num_pages));
  // The stack hands out low ids first, so that a lightly used pool touches little memory.
  for (int32_t i = 0; i < num_pages; ++i) free_[static_cast<size_t>(i)] = num_pages - 1 - i;
}

bool PagePool::TryReserve(int32_t count) {
  ORIEL_CHECK(count >= 0);
  const int64_t promised = int64_t{reserved_} + count + static_cast<int64_t>(fenced_.size());
  if (promised > total()) return false;
  reserved_ += count;
  return true;
}

void PagePool::Unreserve(int32_t count) {
  ORIEL_CHECK(count >= 0 && count <= reserved_ - owned_);
  reserved_ -= count;
}

int32_t PagePool::Take() {
  ORIEL_CHECK(owned_ < reserved_);
  ORIEL_CHECK(!free_.empty());
  const int32_t page = free_.back();
  free_.pop_back();
  State& state = states_[static_cast<size_t>(page)];
  ORIEL_CHECK(state == State::kFree);
  state = State::kOwned;
  ++owned_;
  return page;
}

void PagePool::Release(int32_t page, uint64_t step) {
  ORIEL_CHECK(page >= 0 && page < total());
  ORIEL_CHECK(fenced_.empty() || fenced_.back().step <= step);
  State& state = states_[static_cast<size_t>(page)];
  ORIEL_CHECK(state == State::kOwned);
  state = State::kFenced;
  --owned_;
  fenced_.push_back({page, step});
}

void PagePool::FinishStep(uint64_t step) {
  auto finished = fenced_.begin();
  for (; finished != fenced_.end() && finished->step <= step; ++finished) {
    states_[static_cast<size_t>(finished->page)] = State::kFree;
    free_.push_back(finished->page);
  }
  fenced_.erase(fenced_.begin(), finished);
}

PageLedger PagePool::ledger() const {
  return {.total = total(),
          .free = static_cast<int32_t>(free_.size()),
          .owned = owned_,
          .cached = 0,
          .fenced = static_cast<int32_t>(fenced_.size())};
}

void PagePool::CheckLedger() const {
  const auto count = [this](State state) {
    return static_cast<int32_t>(std::count(states_.begin(), states_.end(), state));
  };
  const PageLedger counts = ledger();
  ORIEL_CHECK(counts.free == count(State::kFree));
  ORIEL_CHECK(counts.owned == count(State::kOwned));
  ORIEL_CHECK(counts.fenced == count(State::kFenced));
  ORIEL_CHECK(counts.free + counts.owned + counts.cached + counts.fenced == counts.total);
  ORIEL_CHECK(counts.owned <= reserved_);
}

}  // namespace oriel
