#ifndef ORIEL_KERNELS_CPU_THREAD_POOL_H_
#define ORIEL_KERNELS_CPU_THREAD_POOL_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"

namespace oriel {

// Workers for parallel loops inside an op.
//
// Lifecycle   made once with the back end; its threads end with it.
// Threads     ParallelFor and Scratch are called by one thread at a time (the engine's), which
//             works along as worker 0.
// Invariant   a loop allocates nothing; between loops workers spin briefly, then lend their cores,
//             then sleep, so an idle server uses no CPU. A loop waits for no worker that has taken
//             none of its items.
// Limits      1 to 256 threads.
class ThreadPool {
 public:
  static constexpr int32_t kThreadsMax = 256;

  // `threads` counts the caller; at least 1.
  explicit ThreadPool(int32_t threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int32_t threads() const;

  // Binds every worker but the caller to a core of its own: worker w to cores[w]. `cores`: at least
  // threads() of them. FailedPrecondition: PinThread's.
  absl::Status PinWorkers(std::span<const int32_t> cores);

  // Calls work(item, worker) once for every item in [0, items), worker in [0, threads()), and
  // returns when all have returned. Items are taken one by one from a shared counter, so cost may
  // differ between them. Calls do not nest.
  void ParallelFor(int64_t items, absl::FunctionRef<void(int64_t item, int32_t worker)> work);

  // Memory for one op's intermediate values, aligned to 64 bytes, contents undefined: at least
  // `size_bytes`, valid until the next call of Scratch. It grows and is kept, so that steps of a
  // size seen before allocate nothing.
  std::byte* Scratch(size_t size_bytes);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace oriel

#endif  // ORIEL_KERNELS_CPU_THREAD_POOL_H_
