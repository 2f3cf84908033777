#include "tests/simulation/seed_runner.h"

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "tests/simulation/simulation.h"

namespace oriel {
namespace {

constexpr absl::Duration kReportInterval = absl::Seconds(10);

thread_local const Simulation* running_simulation = nullptr;
absl::Duration replayed_length;

std::string ReplayHint(const Simulation& simulation) {
  return absl::StrCat("seed ", simulation.seed(), ", simulated time ",
                      absl::FormatDuration(simulation.elapsed()), ", tick ", simulation.tick(),
                      "\nreplay: simulate --seed ", simulation.seed(), " --minutes ",
                      absl::ToDoubleMinutes(replayed_length), " --trace\n");
}

// An invariant of the engine has ended the process: the process is lost, so allocating for the
// message cannot make it worse.
void OnAbort(int) {
  if (running_simulation == nullptr) return;
  std::fprintf(stderr, "VIOLATION: an invariant does not hold (see above)\n%s",
               ReplayHint(*running_simulation).c_str());
}

void Add(const SimulationCounts& counts, SimulationCounts& sum) {
  sum.steps += counts.steps;
  sum.requests += counts.requests;
  sum.refused += counts.refused;
  sum.stopped += counts.stopped;
  sum.canceled += counts.canceled;
  sum.expired += counts.expired;
  sum.failed += counts.failed;
  sum.drains += counts.drains;
  sum.kills += counts.kills;
  sum.device_failures += counts.device_failures;
  sum.failed_starts += counts.failed_starts;
}

class SeedRunner {
 public:
  explicit SeedRunner(const SeedRun& run) : run_(run), begin_(absl::Now()), last_report_(begin_) {}

  bool Run() {
    std::vector<std::thread> threads;
    for (int32_t i = 0; i < run_.threads; ++i) threads.emplace_back([this] { RunThread(); });
    for (std::thread& thread : threads) thread.join();
    Report();
    return !failed_;
  }

 private:
  bool MayBegin(uint64_t index) const {
    if (failed_ || index >= run_.num_seeds) return false;
    return index < run_.num_seeds_least || absl::Now() - begin_ < run_.time_limit;
  }

  void RunThread() {
    for (uint64_t index = next_++; MayBegin(index); index = next_++) {
      Simulation simulation(run_.first_seed + index, run_.traces);
      running_simulation = &simulation;
      const absl::Status violation = simulation.Run(run_.length);
      running_simulation = nullptr;
      Record(simulation, violation);
    }
  }

  void Record(const Simulation& simulation, const absl::Status& violation) {
    const std::lock_guard lock(mutex_);
    if (!violation.ok()) {
      failed_ = true;
      std::printf("VIOLATION: %s\n%s", std::string(violation.message()).c_str(),
                  ReplayHint(simulation).c_str());
      return;
    }
    ++num_done_;
    Add(simulation.counts(), sum_);
    histories_ ^= simulation.history();
    if (absl::Now() - last_report_ >= kReportInterval) Report();
  }

  // With mutex_ held, or alone.
  void Report() {
    last_report_ = absl::Now();
    const double seconds = absl::ToDoubleSeconds(last_report_ - begin_);
    const double steps = static_cast<double>(sum_.steps);
    const auto n = [](uint64_t count) { return static_cast<unsigned long long>(count); };
    std::printf(
        "%llu seeds from %llu on, %d violations, %.1f s, %.2f seeds/s, %llu steps, %.2f us of a "
        "thread a step; requests %llu, refused %llu, stopped %llu, canceled %llu, expired %llu, "
        "failed %llu; drains %llu, kills %llu, device failures %llu, failed starts %llu; "
        "histories %016llx\n",
        n(num_done_), n(run_.first_seed), failed_ ? 1 : 0, seconds,
        static_cast<double>(num_done_) / seconds, n(sum_.steps),
        1e6 * seconds * run_.threads / std::max(steps, 1.0), n(sum_.requests), n(sum_.refused),
        n(sum_.stopped), n(sum_.canceled), n(sum_.expired), n(sum_.failed), n(sum_.drains),
        n(sum_.kills), n(sum_.device_failures), n(sum_.failed_starts), n(histories_));
    std::fflush(stdout);
  }

  const SeedRun run_;
  const absl::Time begin_;
  std::atomic<uint64_t> next_ = 0;
  std::atomic<bool> failed_ = false;

  std::mutex mutex_;  // guards everything below
  absl::Time last_report_;
  uint64_t num_done_ = 0;
  uint64_t histories_ = 0;
  SimulationCounts sum_;
};

}  // namespace

bool RunSeeds(const SeedRun& run) {
  replayed_length = run.length;
  std::signal(SIGABRT, OnAbort);
  return SeedRunner(run).Run();
}

}  // namespace oriel
