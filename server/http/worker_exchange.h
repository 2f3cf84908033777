#ifndef ORIEL_SERVER_HTTP_WORKER_EXCHANGE_H_
#define ORIEL_SERVER_HTTP_WORKER_EXCHANGE_H_

#include <functional>
#include <memory>
#include <utility>

#include "absl/status/statusor.h"
#include "server/http/http_message.h"
#include "server/worker_pool.h"
#include "server/worker_result.h"

namespace oriel {

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
