#ifndef ORIEL_SERVER_WORKER_RESULT_H_
#define ORIEL_SERVER_WORKER_RESULT_H_

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "absl/status/statusor.h"
#include "server/worker_pool.h"

namespace oriel {

// The result of a job that a worker does for a connection.
//
// Lifecycle   shared by both, because either may end first: a worker that finds the connection gone
//             does not begin.
// Threads     Start and Take by the connection; the job on a worker.
template <typename T>
class WorkerResult : public std::enable_shared_from_this<WorkerResult<T>> {
 public:
  // ResourceExhausted if the pool's queue is full. `wakeup` is called when the result is there.
  absl::Status Start(WorkerPool& workers, std::function<absl::StatusOr<T>()> job,
                     std::function<void()> wakeup) {
    return workers.Submit(
        [self = this->shared_from_this(), job = std::move(job), wakeup = std::move(wakeup)] {
          if (self->is_abandoned()) return;
          self->Set(job());
          wakeup();
        });
  }

  // The connection is gone.
  void Abandon() {
    const std::lock_guard lock(mutex_);
    abandoned_ = true;
  }

  // The result, once; nothing if it is not there (any more).
  std::optional<absl::StatusOr<T>> Take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(result_, std::nullopt);
  }

 private:
  bool is_abandoned() {
    const std::lock_guard lock(mutex_);
    return abandoned_;
  }
  void Set(absl::StatusOr<T> result) {
    const std::lock_guard lock(mutex_);
    result_ = std::move(result);
  }

  std::mutex mutex_;  // guards everything below
  bool abandoned_ = false;
  std::optional<absl::StatusOr<T>> result_;
};

}  // namespace oriel

#endif  // ORIEL_SERVER_WORKER_RESULT_H_
