// Tests of the simulator: an engine with a planted mistake must not pass. Each mistake stands in a
// copy of the engine's own source, and is found by the checks that every seed makes.

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <string>

#include "gtest/gtest.h"
#include "tests/mutants/planted.h"
#include "tests/simulation/seed_runner.h"

namespace oriel {
namespace {

enum class Outcome : uint8_t { kPassed, kViolation, kInvariant, kOther };

// In a process of its own: an invariant of the engine ends it.
Outcome SimulateWith(const std::string& mutant) {
  std::fflush(nullptr);
  const pid_t child = fork();
  if (child == 0) {
    Plant(mutant);
    const SeedRun run = {.first_seed = 1, .num_seeds = 60};
    const bool passed = RunSeeds(run);
    std::fflush(nullptr);
    _exit(passed ? 0 : 1);
  }
  int status = 0;
  if (waitpid(child, &status, 0) != child) return Outcome::kOther;
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return Outcome::kPassed;
  if (WIFEXITED(status) && WEXITSTATUS(status) == 1) return Outcome::kViolation;
  if (WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT) return Outcome::kInvariant;
  return Outcome::kOther;
}

class MutantTest : public testing::TestWithParam<std::string> {};

TEST_P(MutantTest, IsCaught) {
  const Outcome outcome = SimulateWith(GetParam());
  EXPECT_TRUE(outcome == Outcome::kViolation || outcome == Outcome::kInvariant)
      << "outcome " << static_cast<int>(outcome);
}

INSTANTIATE_TEST_SUITE_P(Simulator, MutantTest, testing::ValuesIn(MutantNames()),
                         [](const auto& test) { return test.param; });

TEST(MutantTest, TheEngineItselfPasses) { EXPECT_EQ(SimulateWith(""), Outcome::kPassed); }

}  // namespace
}  // namespace oriel
