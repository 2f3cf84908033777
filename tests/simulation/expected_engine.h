#ifndef ORIEL_TESTS_SIMULATION_EXPECTED_ENGINE_H_
#define ORIEL_TESTS_SIMULATION_EXPECTED_ENGINE_H_

#include <cstdint>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "engine/engine.h"
#include "engine/kv_cache/kv_storage.h"
#include "engine/model/batch_inputs.h"
#include "tests/simulation/expected_request.h"

namespace oriel {

// What the engine promises, without pages: which requests wait and run, what each step does, and
// what the ledgers and counters must say afterwards. It knows lists and counts only, so it is
// short enough to be read against engine/README.md.
//
// Lifecycle   Submit and Cancel at any time; a step is BeginStep, then FinishStep or, if the
//             engine fails in it, EndAll.
class ExpectedEngine {
 public:
  ExpectedEngine(const EngineConfig& config, const KvStorageShape& shape)
      : config_(config), shape_(shape) {}

  // The code that Engine::Submit must return for a request; kOk: it has been taken.
  // `is_valid`: it obeys the limits of one request.
  absl::StatusCode Submit(std::shared_ptr<ExpectedRequest> request, bool is_valid);
  void Cancel(RequestId id);
  // From now on requests are refused.
  void Close() { closed_ = true; }

  // Ends what is unwanted, admits, plans.
  void BeginStep(absl::Time now);
  bool plans_nothing() const { return plan_.empty(); }
  bool ended_some() const { return ended_some_; }
  absl::Status CheckPlan(const BatchInputs& inputs) const;
  // The tokens of the planned step have come.
  absl::Status FinishStep();
  // Every request ends: waiting or running.
  void EndAll(FinishReason reason);

  bool is_idle() const { return waiting_.empty() && running_.empty(); }
  int32_t num_running() const { return static_cast<int32_t>(running_.size()); }
  int32_t num_waiting() const { return static_cast<int32_t>(waiting_.size()); }

  // What waits, at any time.
  absl::Status CheckQueue(const EngineStats& stats) const;
  // Ledgers, held tokens and counters after a finished step.
  absl::Status CheckStep(const EngineStats& stats) const;
  // The same after the engine has failed: its pages may stay fenced.
  absl::Status CheckFailure(const EngineStats& stats) const;

 private:
  struct Place {
    int32_t priority;
    uint64_t arrival;
    auto operator<=>(const Place&) const = default;
  };
  struct Live {
    std::shared_ptr<ExpectedRequest> request;
    // Steps since submission, and the work that may rightly come first: see CheckPatience.
    uint64_t submitted_step = 0;
    int64_t work_ahead = 0;
    bool cancel_wanted = false;
  };
  struct Row {
    ExpectedRequest* request;
    bool is_prompt;
    int32_t num_tokens;
  };
  struct Counters {
    uint64_t steps = 0, prompt_tokens = 0, generated_tokens = 0, pages_sealed = 0;
    uint64_t finished = 0, canceled = 0, expired = 0, failed = 0;
  };
  struct Held {
    int64_t pages = 0, window_pages = 0;
    int64_t tokens_packed = 0, tokens_window = 0, tokens_sink = 0;
  };

  void EndUnwanted(absl::Time now);
  void Admit();
  bool Fits(const ExpectedRequest& request) const;
  void Plan();
  void CountEnd(const ExpectedRequest& request);
  void RemoveFinished();
  int64_t WorkOf(const ExpectedRequest& request) const;
  absl::Status CheckPatience() const;
  int32_t PackedPages(int32_t num_tokens) const;
  Held HeldNow() const;
  absl::Status CheckEnds(const EngineStats& stats) const;

  const EngineConfig config_;
  const KvStorageShape shape_;
  bool closed_ = false;
  uint64_t arrivals_ = 0;
  int64_t tokens_waiting_ = 0;
  std::map<Place, Live> waiting_;
  std::vector<Live> running_;  // in order of admission
  std::vector<Row> plan_;
  bool ended_some_ = false;
  Counters counters_;
  int64_t admitted_work_ = 0;  // of all requests so far
};

}  // namespace oriel

#endif  // ORIEL_TESTS_SIMULATION_EXPECTED_ENGINE_H_
