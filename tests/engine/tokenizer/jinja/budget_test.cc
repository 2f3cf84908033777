#include "engine/tokenizer/jinja/budget.h"

#include <limits>

#include "gtest/gtest.h"

namespace oriel::jinja {
namespace {

TEST(BudgetTest, AllowsExactlyTheLimit) {
  Budget budget(Limits{.steps_max = 10});
  EXPECT_TRUE(budget.Steps(10).ok());
  EXPECT_EQ(budget.Steps(1).code(), absl::StatusCode::kResourceExhausted);
}

TEST(BudgetTest, CountsBytesLookedAtAsSteps) {
  Budget budget(Limits{.steps_max = 10});
  EXPECT_TRUE(budget.Scan(1279).ok());
  EXPECT_FALSE(budget.Scan(128).ok() && budget.Scan(128).ok());
}

TEST(BudgetTest, RefusesAnAmountThatWouldOverflow) {
  Budget budget(Limits{});
  EXPECT_EQ(budget.Build(std::numeric_limits<uint64_t>::max()).code(),
            absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(budget.Output(std::numeric_limits<uint64_t>::max()).code(),
            absl::StatusCode::kResourceExhausted);
}

TEST(DepthGuardTest, LeavesTheLevelItEntered) {
  int depth = 0;
  {
    const DepthGuard outer(depth, 1);
    EXPECT_TRUE(outer.inside());
    const DepthGuard inner(depth, 1);
    EXPECT_FALSE(inner.inside());
  }
  EXPECT_EQ(depth, 0);
}

}  // namespace
}  // namespace oriel::jinja
