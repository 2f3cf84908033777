#ifndef ORIEL_TESTS_SIMULATION_SIMULATION_H_
#define ORIEL_TESTS_SIMULATION_SIMULATION_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "engine/engine.h"
#include "tests/simulation/expected_engine.h"
#include "tests/simulation/simulated_client.h"
#include "tests/simulation/simulation_backend.h"
#include "tests/simulation/simulation_random.h"
#include "tests/simulation/workload.h"

namespace oriel {

// What a simulation went through, to see that nothing of it is empty.
struct SimulationCounts {
  uint64_t steps = 0;  // with tokens in them
  uint64_t requests = 0, refused = 0;
  uint64_t stopped = 0, canceled = 0, expired = 0, failed = 0;
  uint64_t drains = 0, kills = 0, device_failures = 0, failed_starts = 0;
};

// The real engine on a virtual clock, with everything around it made up from one seed: the engine's
// size, its clients, and what goes wrong. A step takes virtual time while the model runs, and
// clients act both between steps and while one is under way, as other threads would. Everything
// that the engine says is compared with ExpectedEngine.
//
// Lifecycle   Run once.
// Threads     one; the same seed gives the same history.
class Simulation {
 public:
  Simulation(uint64_t seed, bool traces);

  // OK, or the first thing that was wrong.
  absl::Status Run(absl::Duration length);

  uint64_t seed() const { return seed_; }
  absl::Duration elapsed() const { return now_ - absl::UnixEpoch(); }
  uint64_t tick() const { return tick_; }
  const SimulationCounts& counts() const { return counts_; }
  // A hash of all events and their times.
  uint64_t history() const { return history_; }

 private:
  absl::Status StartEngine();
  absl::StatusOr<std::unique_ptr<Engine>> CreateEngine();
  absl::Status RunUntil(absl::Time end);
  bool engine_sleeps() const;
  void SleepUntilNextEvent(absl::Time end);

  absl::Status StepEngine();
  absl::Status OnForward(const BatchInputs& inputs);
  absl::Status FinishForwardedStep();
  absl::Status CheckFinishedStep();

  absl::Status ActAsClients(Moment moment);
  absl::Status SubmitOne();
  RequestId ChooseId();
  void CancelAsClient(RequestId id);
  absl::Status ReadAndForget();

  absl::Status DisturbEngine();
  absl::Status DrainEngine();
  absl::Status KillEngine();
  absl::Status OnEngineFailure(const absl::Status& failure);
  // The engine takes nothing more and every stream has its last event.
  absl::Status CheckEverythingHasEnded();

  void Trace(const std::string& what) const;

  const uint64_t seed_;
  const bool traces_;
  SimulationRandom random_;
  absl::Time now_ = absl::UnixEpoch();
  uint64_t tick_ = 0;  // steps and wake-ups
  uint64_t history_ = 0;
  SimulationCounts counts_;

  SimulatedEngine simulated_;
  Arrivals arrivals_;
  SimulationBackend backend_;
  std::unique_ptr<Engine> engine_;
  std::unique_ptr<ExpectedEngine> expected_;
  std::vector<SimulatedClient> clients_;
  RequestId last_id_ = 0;
  RequestId last_canceled_id_ = 0;
  absl::Time next_disturbance_;

  int32_t clock_reads_ = 0;         // since the last forward
  bool engine_is_busy_ = false;     // the last step did something
  bool cancel_is_pending_ = false;  // the engine would wake up for it
  bool step_was_forwarded_ = false;
  bool fails_next_forward_ = false;
  absl::Status violation_;  // found while a step is under way
};

}  // namespace oriel

#endif  // ORIEL_TESTS_SIMULATION_SIMULATION_H_
