#ifndef ORIEL_SERVER_WORKER_POOL_H_
#define ORIEL_SERVER_WORKER_POOL_H_

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "absl/status/status.h"

namespace oriel {

// Threads for what would hold up a thread that serves sockets: reading bodies, templates, tokens.
//
// Lifecycle   the destructor runs what is queued and joins.
// Threads     Submit from any.
// Limits      `queue_max` jobs wait; the bodies they hold are bounded together (HttpLimits).
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

  const size_t queue_max_;
  mutable std::mutex mutex_;  // guards jobs_ and stopping_
  std::condition_variable changed_;
  std::deque<std::function<void()>> jobs_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace oriel

#endif  // ORIEL_SERVER_WORKER_POOL_H_
