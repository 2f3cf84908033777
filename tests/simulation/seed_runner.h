#ifndef ORIEL_TESTS_SIMULATION_SEED_RUNNER_H_
#define ORIEL_TESTS_SIMULATION_SEED_RUNNER_H_

#include <cstdint>

#include "absl/time/time.h"

namespace oriel {

struct SeedRun {
  uint64_t first_seed = 1;
  uint64_t num_seeds = 1;
  absl::Duration length = absl::Minutes(10);  // simulated, a seed
  int32_t threads = 1;
  // No seed begins after this much real time, but `num_seeds_least` run in any case.
  absl::Duration time_limit = absl::InfiniteDuration();
  uint64_t num_seeds_least = 1;
  bool traces = false;
};

// Runs seeds one after the other on each thread and prints what they went through. The first
// violation ends the run: its seed, simulated time, tick and the command that replays it are
// printed, also where an invariant of the engine ends the process. Returns whether there was none.
bool RunSeeds(const SeedRun& run);

}  // namespace oriel

#endif  // ORIEL_TESTS_SIMULATION_SEED_RUNNER_H_
