#include "tests/simulation/simulation.h"

#include <cstdint>

#include "gtest/gtest.h"

namespace oriel {
namespace {

TEST(SimulationTest, TheSameSeedGivesTheSameHistory) {
  for (uint64_t seed = 1; seed <= 5; ++seed) {
    Simulation first(seed, false);
    Simulation second(seed, false);
    ASSERT_TRUE(first.Run(absl::Minutes(2)).ok());
    ASSERT_TRUE(second.Run(absl::Minutes(2)).ok());
    EXPECT_EQ(first.history(), second.history());
    EXPECT_EQ(first.counts().steps, second.counts().steps);
  }
}

TEST(SimulationTest, DifferentSeedsGiveDifferentHistories) {
  Simulation first(1, false);
  Simulation second(2, false);
  ASSERT_TRUE(first.Run(absl::Minutes(1)).ok());
  ASSERT_TRUE(second.Run(absl::Minutes(1)).ok());
  EXPECT_NE(first.history(), second.history());
}

// A simulation in which something never happens says nothing about it.
TEST(SimulationTest, EverythingHappensWithinAFewSeeds) {
  uint64_t refused = 0, stopped = 0, canceled = 0, expired = 0, failed = 0;
  uint64_t drains = 0, kills = 0, device_failures = 0, failed_starts = 0;
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    Simulation simulation(seed, false);
    const absl::Status violation = simulation.Run(absl::Minutes(3));
    ASSERT_TRUE(violation.ok()) << "seed " << seed << ": " << violation;
    const SimulationCounts& counts = simulation.counts();
    refused += counts.refused;
    stopped += counts.stopped;
    canceled += counts.canceled;
    expired += counts.expired;
    failed += counts.failed;
    drains += counts.drains;
    kills += counts.kills;
    device_failures += counts.device_failures;
    failed_starts += counts.failed_starts;
  }
  EXPECT_GT(refused, 100u);
  EXPECT_GT(stopped, 1000u);
  EXPECT_GT(canceled, 100u);
  EXPECT_GT(expired, 50u);
  EXPECT_GT(failed, 20u);
  EXPECT_GT(drains, 5u);
  EXPECT_GT(kills, 2u);
  EXPECT_GT(device_failures, 2u);
  EXPECT_GT(failed_starts, 2u);
}

}  // namespace
}  // namespace oriel
