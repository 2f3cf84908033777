#include "kernels/cpu/thread_pool.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <new>
#include <optional>
#include <thread>
#include <vector>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "kernels/core/check.h"
#include "kernels/core/status.h"
#include "kernels/cpu/cpu_cores.h"

namespace oriel {
namespace {

// A worker that has just finished a loop expects the next one soon: most ops of a step follow each
// other within the first time, and waking a sleeper costs about as much. For the second time it
// still looks, but between two looks lends its core to whoever wants it: where others want the
// cores, a worker that only spins keeps the caller from its own.
constexpr auto kSpinTime = std::chrono::microseconds(40);
constexpr auto kYieldTime = std::chrono::microseconds(360);
constexpr int kPausesBeforeYield = 2000;
constexpr size_t kScratchAlignment = 64;
constexpr size_t kScratchGrain = size_t{1} << 16;

void Pause() {
#if defined(__x86_64__)
  _mm_pause();
#else
  std::this_thread::yield();
#endif
}

// The word that says which loop is open and how many workers are inside: a worker enters by one
// compare-and-swap, and the caller may leave as soon as nobody is inside, however deep the others
// sleep.
constexpr uint64_t kOpen = uint64_t{1} << 31;
constexpr uint64_t kInsideMask = kOpen - 1;
constexpr int kEpochShift = 32;

struct ScratchDelete {
  void operator()(std::byte* memory) const {
    ::operator delete (memory, std::align_val_t{kScratchAlignment});
  }
};

}  // namespace

struct ThreadPool::State {
  using Work = absl::FunctionRef<void(int64_t, int32_t)>;

  void RunItems(int32_t worker);
  void WorkerLoop(int32_t worker);
  template <int kLooksPerClockRead, typename PauseFunction>
  std::optional<uint64_t> LookForNews(uint64_t seen_epoch,
                                      std::chrono::steady_clock::time_point deadline,
                                      PauseFunction pause) const;
  uint64_t WaitForLoop(uint64_t seen_epoch);
  void Sleep(uint64_t seen_epoch);
  void Open(int64_t items, Work loop);
  void CloseAndWait();
  void Stop();

  bool HasNews(uint64_t word, uint64_t seen_epoch) const {
    return ((word & kOpen) != 0 && (word >> kEpochShift) != seen_epoch) ||
           stop.load(std::memory_order_relaxed);
  }

  int32_t num_threads = 1;
  std::vector<std::thread> workers;
  std::unique_ptr<std::byte, ScratchDelete> scratch;
  size_t scratch_bytes = 0;

  // Written by the caller while nobody is inside, read by those that entered.
  std::optional<Work> work;
  int64_t num_items = 0;

  alignas(64) std::atomic<uint64_t> gate{0};  // epoch << 32 | open << 31 | workers inside
  alignas(64) std::atomic<int64_t> next_item{0};
  alignas(64) std::atomic<int32_t> sleepers{0};
  std::atomic<bool> stop{false};
  std::mutex mutex;
  std::condition_variable wake;
};

void ThreadPool::State::RunItems(int32_t worker) {
  for (;;) {
    const int64_t item = next_item.fetch_add(1, std::memory_order_relaxed);
    if (item >= num_items) return;
    (*work)(item, worker);
  }
}

void ThreadPool::State::Sleep(uint64_t seen_epoch) {
  std::unique_lock<std::mutex> lock(mutex);
  // Sequentially consistent with Open: either it sees this sleeper or the sleeper sees its loop.
  sleepers.fetch_add(1);
  while (!HasNews(gate.load(), seen_epoch)) wake.wait(lock);
  sleepers.fetch_sub(1);
}

// Looks for news until `deadline`, waiting between the looks by `pause`, and returns the word that
// brought them. Reads the clock every kLooksPerClockRead looks.
template <int kLooksPerClockRead, typename PauseFunction>
std::optional<uint64_t> ThreadPool::State::LookForNews(
    uint64_t seen_epoch, std::chrono::steady_clock::time_point deadline,
    PauseFunction pause) const {
  do {
    for (int i = 0; i < kLooksPerClockRead; ++i) {
      const uint64_t word = gate.load(std::memory_order_acquire);
      if (HasNews(word, seen_epoch)) return word;
      pause();
    }
  } while (std::chrono::steady_clock::now() < deadline);
  return std::nullopt;
}

// Returns the word that announced a loop this worker has not seen, or the stop.
uint64_t ThreadPool::State::WaitForLoop(uint64_t seen_epoch) {
  const auto begin = std::chrono::steady_clock::now();
  std::optional<uint64_t> word = LookForNews<32>(seen_epoch, begin + kSpinTime, Pause);
  if (!word.has_value()) {
    // A yield costs more than the clock, and may last as long as others want the core.
    word = LookForNews<1>(seen_epoch, begin + kSpinTime + kYieldTime, std::this_thread::yield);
  }
  if (word.has_value()) return *word;
  Sleep(seen_epoch);
  return gate.load(std::memory_order_acquire);
}

void ThreadPool::State::WorkerLoop(int32_t worker) {
  uint64_t seen_epoch = 0;
  while (!stop.load(std::memory_order_acquire)) {
    uint64_t word = WaitForLoop(seen_epoch);
    if ((word & kOpen) == 0) continue;
    if (!gate.compare_exchange_strong(word, word + 1, std::memory_order_acquire)) continue;
    seen_epoch = word >> kEpochShift;
    RunItems(worker);
    gate.fetch_sub(1, std::memory_order_release);
  }
}

void ThreadPool::State::Open(int64_t items, Work loop) {
  work.emplace(loop);
  num_items = items;
  next_item.store(0, std::memory_order_relaxed);
  const uint64_t epoch = (gate.load(std::memory_order_relaxed) >> kEpochShift) + 1;
  gate.store((epoch << kEpochShift) | kOpen);
  if (sleepers.load() > 0) {
    { std::lock_guard<std::mutex> lock(mutex); }
    wake.notify_all();
  }
}

void ThreadPool::State::CloseAndWait() {
  uint64_t word = gate.fetch_and(~kOpen, std::memory_order_acquire);
  for (int pauses = 0; (word & kInsideMask) != 0; ++pauses) {
    // A worker inside may have lost its core to another process: let it run.
    if (pauses < kPausesBeforeYield) {
      Pause();
    } else {
      std::this_thread::yield();
    }
    word = gate.load(std::memory_order_acquire);
  }
}

void ThreadPool::State::Stop() {
  {
    std::lock_guard<std::mutex> lock(mutex);
    stop.store(true);
  }
  wake.notify_all();
  for (std::thread& worker : workers) worker.join();
}

ThreadPool::ThreadPool(int32_t threads) : state_(std::make_unique<State>()) {
  ORIEL_CHECK(threads >= 1 && threads <= kThreadsMax);
  state_->num_threads = threads;
  state_->workers.reserve(static_cast<size_t>(threads - 1));
  for (int32_t worker = 1; worker < threads; ++worker) {
    state_->workers.emplace_back([state = state_.get(), worker] { state->WorkerLoop(worker); });
  }
}

ThreadPool::~ThreadPool() { state_->Stop(); }

int32_t ThreadPool::threads() const { return state_->num_threads; }

absl::Status ThreadPool::PinWorkers(std::span<const int32_t> cores) {
  ORIEL_CHECK(cores.size() >= state_->workers.size() + 1);
  for (size_t i = 0; i < state_->workers.size(); ++i) {
    ORIEL_RETURN_IF_ERROR(PinThread(state_->workers[i].native_handle(), cores[i + 1]));
  }
  return absl::OkStatus();
}

void ThreadPool::ParallelFor(int64_t items, absl::FunctionRef<void(int64_t, int32_t)> work) {
  if (items <= 1 || state_->num_threads == 1) {
    for (int64_t item = 0; item < items; ++item) work(item, 0);
    return;
  }
  state_->Open(items, work);
  state_->RunItems(0);
  state_->CloseAndWait();
}

std::byte* ThreadPool::Scratch(size_t size_bytes) {
  if (size_bytes > state_->scratch_bytes) {
    const size_t grown = (size_bytes + kScratchGrain - 1) / kScratchGrain * kScratchGrain;
    state_->scratch.reset();
    state_->scratch.reset(
        static_cast<std::byte*>(::operator new (grown, std::align_val_t{kScratchAlignment})));
    state_->scratch_bytes = grown;
  }
  return state_->scratch.get();
}

}  // namespace oriel
