#ifndef ORIEL_SERVER_HTTP_GENERATION_EXCHANGE_H_
#define ORIEL_SERVER_HTTP_GENERATION_EXCHANGE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "server/generation/generation_plan.h"
#include "server/generation/running_generation.h"
#include "server/http/answer_format.h"
#include "server/http/http_message.h"
#include "server/serving_context.h"
#include "server/worker_result.h"

namespace oriel {

// A completion or a chat on its way: planned by a worker, run by the engine, written out here.
//
// Lifecycle   as Exchange: destroyed early, it cancels what the engine still does for it.
// Limits      a chunk has HttpLimits::chunk_bytes_max bytes and one event at most; for what waits
//             behind it see RunningGeneration.
class GenerationExchange final : public Exchange {
 public:
  GenerationExchange(ServingContext& context, ApiKind kind, HttpRequest request);
  ~GenerationExchange() override { planning_->Abandon(); }

  void Start(std::function<void()> wakeup) override;
  ExchangeOutput Poll() override;

 private:
  enum class Phase : uint8_t { kPlanning, kWhole, kStreaming, kLastChunk, kEnded };

  // What this answer has shown of a choice.
  struct ShownChoice {
    ChoiceDelta whole;      // what came so far, if the answer is not a stream
    bool ids_sent = false;  // the stream has had the prompt's ids
  };

  ExchangeOutput PollPlan();
  ExchangeOutput PollWhole();
  ExchangeOutput PollStream();
  ExchangeOutput Fail(const absl::Status& status);
  ExchangeOutput Respond(HttpResponse response);

  void AppendFirstChunks(std::string& out) const;
  void AppendChunk(size_t index, const ChoiceDelta& delta, std::string& out);
  void AppendStreamEnd(std::string& out);
  void AppendStreamError(const absl::Status& status, std::string& out);

  std::unique_ptr<AnswerFormat> MakeFormat() const;
  HttpResponse Head() const;
  const GenerationOptions& options() const { return generation_->plan().options; }

  ServingContext& context_;
  const ApiKind kind_;
  HttpRequest request_;
  std::function<void()> wakeup_;
  const std::shared_ptr<WorkerResult<GenerationPlan>> planning_;
  absl::Status start_status_;

  Phase phase_ = Phase::kPlanning;
  std::unique_ptr<RunningGeneration> generation_;  // once it is planned
  std::unique_ptr<AnswerFormat> format_;
  std::vector<ShownChoice> shown_;  // one a choice
  size_t next_choice_ = 0;          // who is served first: a fast choice must not starve the others
  std::string opening_;             // the chunks that follow the head of a stream
};

}  // namespace oriel

#endif  // ORIEL_SERVER_HTTP_GENERATION_EXCHANGE_H_
