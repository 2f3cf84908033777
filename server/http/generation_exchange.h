#ifndef ORIEL_SERVER_HTTP_GENERATION_EXCHANGE_H_
#define ORIEL_SERVER_HTTP_GENERATION_EXCHANGE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "server/http/answer_format.h"
#include "server/http/generation_plan.h"
#include "server/http/http_message.h"
#include "server/http/worker_exchange.h"
#include "server/serving_context.h"

namespace oriel {

// A completion or a chat on its way: planned by a worker, run by the engine, written out here.
//
// Lifecycle   as Exchange: destroyed early, it cancels what the engine still does for it.
// Invariant   every choice that was submitted is finished or cancelled when this is gone.
// Limits      the streams of its choices are bounded by their max_tokens; a chunk by
//             HttpLimits::chunk_bytes_max and one event.
class GenerationExchange final : public Exchange {
 public:
  GenerationExchange(ServingContext& context, ApiKind kind, HttpRequest request);
  ~GenerationExchange() override;

  void Start(std::function<void()> wakeup) override;
  ExchangeOutput Poll() override;

 private:
  enum class Phase : uint8_t { kPlanning, kWhole, kStreaming, kLastChunk, kEnded };

  struct RunningChoice {
    std::unique_ptr<Choice> choice;
    size_t prompt_index = 0;
    ChoiceDelta whole;      // what came so far, if the answer is not a stream
    bool ids_sent = false;  // the stream has had the prompt's ids
    bool counted = false;   // its end is in the metrics
    absl::Time last_token;
  };

  ExchangeOutput PollPlan();
  ExchangeOutput PollWhole();
  ExchangeOutput PollStream();
  ExchangeOutput Fail(const absl::Status& status);
  ExchangeOutput Respond(HttpResponse response);

  absl::Status Submit();
  absl::Status SubmitChoice(size_t prompt_index, int32_t number);
  bool Advance(RunningChoice& running, ChoiceDelta& delta);
  void CountEnd(RunningChoice& running, FinishReason reason);
  void CancelAll();

  void AppendFirstChunks(std::string& out) const;
  void AppendChunk(size_t index, const ChoiceDelta& delta, std::string& out);
  void AppendStreamEnd(std::string& out);
  void AppendStreamError(const absl::Status& status, std::string& out);

  std::unique_ptr<AnswerFormat> MakeFormat() const;
  HttpResponse Head() const;
  bool AllFinished() const;
  Usage TotalUsage() const;

  ServingContext& context_;
  const ApiKind kind_;
  HttpRequest request_;
  std::function<void()> wakeup_;
  const std::shared_ptr<WorkerResult<GenerationPlan>> planning_;
  absl::Status start_status_;

  Phase phase_ = Phase::kPlanning;
  GenerationPlan plan_;
  std::unique_ptr<AnswerFormat> format_;
  std::vector<RunningChoice> choices_;
  size_t next_choice_ = 0;  // who is served first: a fast choice must not starve the others
  std::string opening_;     // the chunks that follow the head of a stream
};

}  // namespace oriel

#endif  // ORIEL_SERVER_HTTP_GENERATION_EXCHANGE_H_
