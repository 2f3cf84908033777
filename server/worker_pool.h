#ifndef ORIEL_SERVER_WORKER_POOL_H_
#define ORIEL_SERVER_WORKER_POOL_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"

namespace oriel {

// Threads for what would hold up a thread that serves sockets: reading bodies, templates, tokens.
//
// Lifecycle   the destructor runs what is queued and joins.
// Threads     Submit from any.
// Limits      `queue_max` jobs wait; the bodies they hold are bounded by their own limit.
class WorkerPool {
 public:
  WorkerPool(int32_t num_threads, int32_t queue_max);
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  // ResourceExhausted if the queue is full; the job is dropped then.
  absl::Status Submit(std::function<void()> job);

  // Jobs that no thread has taken yet.
  size_t num_waiting() const;

 private:
  void Run();
  bool HasWork() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return stopping_ || !jobs_.empty(); }

  const size_t queue_max_;
  mutable absl::Mutex mutex_;
  std::deque<std::function<void()>> jobs_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<std::thread> threads_;
};

}  // namespace oriel

#endif  // ORIEL_SERVER_WORKER_POOL_H_
