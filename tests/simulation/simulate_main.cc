// simulate: runs the engine on a virtual clock, seed after seed. See README.md.

#include <CLI/CLI.hpp>
#include <cstdint>

#include "tests/simulation/seed_runner.h"

int main(int argc, char** argv) {
  oriel::SeedRun run = {.num_seeds = 100};
  uint64_t seed = 0;
  double minutes = 10.0;
  double seconds = 0.0;
  CLI::App app("Runs the engine on a virtual clock with clients and faults made up from seeds.");
  app.add_option("--first-seed", run.first_seed, "the first seed");
  app.add_option("--seeds", run.num_seeds, "how many seeds");
  app.add_option("--minutes", minutes, "simulated minutes a seed");
  app.add_option("--threads", run.threads, "seeds at a time")->check(CLI::Range(1, 256));
  app.add_option("--seconds", seconds, "no seed begins after this much real time; 0: no limit");
  app.add_option("--seeds-least", run.num_seeds_least, "seeds that run whatever the time");
  app.add_option("--seed", seed, "this seed alone");
  app.add_flag("--trace", run.traces, "print what clients do and what is injected");
  CLI11_PARSE(app, argc, argv);
  run.length = absl::Minutes(minutes);
  if (seconds > 0.0) run.time_limit = absl::Seconds(seconds);
  if (seed != 0) {
    run.first_seed = seed;
    run.num_seeds = run.threads = 1;
  }
  return oriel::RunSeeds(run) ? 0 : 1;
}
