#ifndef ORIEL_SERVER_HTTP_WORKER_EXCHANGE_H_
#define ORIEL_SERVER_HTTP_WORKER_EXCHANGE_H_

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "absl/status/statusor.h"
#include "server/http/http_message.h"
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

// An exchange whose whole answer is made by a worker.
class WorkerExchange final : public Exchange {
 public:
  WorkerExchange(WorkerPool& workers, std::function<absl::StatusOr<HttpResponse>()> job)
      : workers_(workers),
        job_(std::move(job)),
        result_(std::make_shared<WorkerResult<HttpResponse>>()) {}
  ~WorkerExchange() override { result_->Abandon(); }

  void Start(std::function<void()> wakeup) override {
    start_status_ = result_->Start(workers_, std::move(job_), std::move(wakeup));
  }

  ExchangeOutput Poll() override {
    if (!start_status_.ok()) return Answer(ErrorResponse(MapError(start_status_)));
    auto result = result_->Take();
    if (!result) return {};
    if (!result->ok()) return Answer(ErrorResponse(MapError(result->status())));
    return Answer(**std::move(result));
  }

 private:
  static ExchangeOutput Answer(HttpResponse response) {
    return {.kind = ExchangeOutput::Kind::kResponse, .response = std::move(response), .chunk = {}};
  }

  WorkerPool& workers_;
  std::function<absl::StatusOr<HttpResponse>()> job_;
  const std::shared_ptr<WorkerResult<HttpResponse>> result_;
  absl::Status start_status_;
};

}  // namespace oriel

#endif  // ORIEL_SERVER_HTTP_WORKER_EXCHANGE_H_
