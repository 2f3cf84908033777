#ifndef ORIEL_TESTS_SIMULATION_WORKLOAD_H_
#define ORIEL_TESTS_SIMULATION_WORKLOAD_H_

#include <cstdint>
#include <vector>

#include "absl/time/time.h"
#include "engine/base/engine_config.h"
#include "engine/model/model_config.h"
#include "engine/request/generation_request.h"
#include "tests/simulation/simulation_random.h"

namespace oriel {

// The engine that a seed simulates.
struct SimulatedEngine {
  EngineConfig config;
  ModelConfig model;
  std::vector<KvLayerFormat> formats;
  absl::Duration step_time;  // of virtual time
};

// Any cache, window, batch and queue of a small engine, every codec and mix of heads. The cache
// holds between one sequence of max_model_len tokens and as many as can run.
SimulatedEngine RandomEngine(SimulationRandom& random);

// What a client does besides submitting its request.
struct ClientHabits {
  absl::Duration cancels_after = absl::InfiniteDuration();
  bool cancels_at_last_token = false;  // while the step that draws it is under way
  bool cancels_twice = false;
  bool leaves_when_canceling = false;  // nobody reads the stream any more
  int32_t reads_every = 1;             // ticks between two looks at the stream
  bool reads_only_at_end = false;
  bool reads_when_woken = false;  // by the stream, and not before
};

struct ClientPlan {
  GenerationRequest request;
  bool is_valid = true;  // the engine must take it unless it is full or closed
  ClientHabits habits;
};

// When requests come: spells of silence, trickle, steady traffic, bursts and overload, each of
// random length.
class Arrivals {
 public:
  explicit Arrivals(SimulationRandom& random) : random_(random) {}

  // How many clients come at `now`.
  int32_t Take(absl::Time now);
  // When one may come next.
  absl::Time next() const { return next_; }

 private:
  enum class Spell : uint8_t { kSilence, kTrickle, kSteady, kBurst, kOverload };

  void BeginSpell(absl::Time now);

  SimulationRandom& random_;
  Spell spell_ = Spell::kTrickle;
  absl::Time spell_end_ = absl::InfinitePast();
  absl::Time next_ = absl::InfinitePast();
};

// A client of any kind: short and long texts, lengths around page edges, stops, penalties,
// deadlines, cancels at any moment, and some requests that must be refused.
ClientPlan RandomClient(RequestId id, const SimulatedEngine& engine, absl::Time now,
                        SimulationRandom& random);

}  // namespace oriel

#endif  // ORIEL_TESTS_SIMULATION_WORKLOAD_H_
