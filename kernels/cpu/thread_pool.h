#ifndef ORIEL_KERNELS_CPU_THREAD_POOL_H_
#define ORIEL_KERNELS_CPU_THREAD_POOL_H_

#include <cstdint>
#include <memory>

#include "absl/functional/function_ref.h"

namespace oriel {

// Workers for parallel loops inside an op.
//
// Lifecycle   made once with the back end; its threads end with it.
// Threads     ParallelFor is called by one thread at a time (the engine's), which works along as
//             worker 0.
// Invariant   a loop allocates nothing; workers spin briefly between loops and then sleep, so an
//             idle server uses no CPU.
class ThreadPool {
 public:
  // `threads` counts the caller; at least 1.
  explicit ThreadPool(int32_t threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int32_t threads() const;

  // Calls work(item, worker) once for every item in [0, items), worker in [0, threads()), and returns when all have
  // returned. Items are taken one by one from a shared counter, so cost may differ between them.
  void ParallelFor(int64_t items, absl::FunctionRef<void(int64_t item, int32_t worker)> work);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace oriel

#endif  // ORIEL_KERNELS_CPU_THREAD_POOL_H_
