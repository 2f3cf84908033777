#ifndef ORIEL_TESTS_SIMULATION_SIMULATED_CLIENT_H_
#define ORIEL_TESTS_SIMULATION_SIMULATED_CLIENT_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "engine/request/token_stream.h"
#include "tests/simulation/expected_request.h"
#include "tests/simulation/workload.h"

namespace oriel {

// When a client acts: the engine thread takes steps meanwhile or sleeps.
enum class Moment : uint8_t { kBetweenSteps, kDuringStep };

// Someone who submitted a request that was taken: reads its stream, now and then or not at all,
// and may cancel. Compares what it reads with what is due, event by event.
class SimulatedClient {
 public:
  SimulatedClient(const ClientHabits& habits, absl::Time now,
                  std::shared_ptr<ExpectedRequest> expected, std::shared_ptr<TokenStream> stream);

  RequestId id() const { return expected_->request().id; }
  absl::Time cancel_time() const { return cancel_time_; }

  // Says how often Engine::Cancel is to be called now. `step`: the engine's, for CheckCanceled.
  int32_t TakeCancels(absl::Time now, uint64_t step, Moment moment);
  // A canceled request has ended two steps later.
  absl::Status CheckCanceled(uint64_t step) const;

  // Looks at the stream if the client would at this tick. Nothing is due while it sleeps.
  absl::Status ReadAt(uint64_t tick, uint64_t& history);
  // Takes all that is there, woken or not: exactly the events that are due, each once, in
  // order, the last event last.
  absl::Status Read(uint64_t& history);

  // The request has ended and the client knows it, or has left.
  bool is_done() const { return expected_->is_finished() && (stream_ == nullptr || has_last_); }
  FinishReason finish_reason() const { return expected_->finish_reason(); }

 private:
  size_t NumDue() const;

  ClientHabits habits_;
  absl::Time cancel_time_;
  std::shared_ptr<ExpectedRequest> expected_;
  std::shared_ptr<TokenStream> stream_;  // null once the client has left
  std::optional<uint64_t> cancel_step_;
  // Shared with the stream's wake-up, which may outlive the client.
  std::shared_ptr<bool> is_woken_;
  size_t num_read_ = 0;
  bool has_last_ = false;
  std::vector<TokenEvent> events_;  // of one Read
};

}  // namespace oriel

#endif  // ORIEL_TESTS_SIMULATION_SIMULATED_CLIENT_H_
