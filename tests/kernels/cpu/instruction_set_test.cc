#include "kernels/cpu/instruction_set.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "kernels/cpu/cpu_backend.h"
#include "kernels/cpu/mat_mul_blocks.h"
#include "tests/kernels/cpu/cpu_test_support.h"

namespace oriel {
namespace {

using ::testing::HasSubstr;

bool HasTarget(int64_t targets) { return (hwy::SupportedTargets() & targets) != 0; }

int64_t PanelRowsOf(int64_t target) {
  const ScopedTarget scoped(target);
  return ChooseBlockProductShape().panel_rows;
}

TEST(InstructionSetTest, Avx2LeavesNothingAboveIt) {
  if (!HasTarget(HWY_AVX2)) GTEST_SKIP() << "no AVX2 on this processor";
  const int64_t panel_rows = ChooseBlockProductShape().panel_rows;
  const int64_t avx2_panel_rows = PanelRowsOf(HWY_AVX2);
  const std::string best(DispatchedInstructionSet());
  {
    const auto backend = MakeCpuBackend({.threads = 1, .instruction_set = InstructionSet::kAvx2});
    ASSERT_TRUE(backend.ok()) << backend.status();
    EXPECT_EQ((*backend)->instruction_set(), "avx2");
    EXPECT_EQ(ChooseBlockProductShape().panel_rows, avx2_panel_rows);
    EXPECT_EQ((*backend)->instruction_set(), "avx2") << "asked again, after a kernel has run";
  }
  EXPECT_EQ(DispatchedInstructionSet(), best);
  EXPECT_EQ(ChooseBlockProductShape().panel_rows, panel_rows);
}

TEST(InstructionSetTest, Avx512SaysWhetherItHasVnni) {
  if (!HasTarget(HWY_AVX3 | HWY_AVX3_DL)) GTEST_SKIP() << "no AVX-512 on this processor";
  const auto backend = MakeCpuBackend({.threads = 1, .instruction_set = InstructionSet::kAvx512});
  ASSERT_TRUE(backend.ok()) << backend.status();
  EXPECT_EQ((*backend)->instruction_set(), HasTarget(HWY_AVX3_DL) ? "avx512_vnni" : "avx512");
}

TEST(InstructionSetTest, WhatTheProcessorLacksIsRefused) {
  const ScopedTarget older_processor(HWY_SSE4);
  for (InstructionSet set : {InstructionSet::kAvx2, InstructionSet::kAvx512}) {
    const absl::Status status = MakeCpuBackend({.threads = 1, .instruction_set = set}).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kUnimplemented);
    EXPECT_THAT(std::string(status.message()), HasSubstr("the best of this processor is sse4"));
  }
}

TEST(InstructionSetTest, TwoSetsAtATimeAreRefused) {
  if (!HasTarget(HWY_AVX2)) GTEST_SKIP() << "no AVX2 on this processor";
  const auto first = MakeCpuBackend({.threads = 1});
  ASSERT_TRUE(first.ok());
  EXPECT_TRUE(MakeCpuBackend({.threads = 1}).ok());
  const absl::Status status =
      MakeCpuBackend({.threads = 1, .instruction_set = InstructionSet::kAvx2}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr("avx2"));
}

}  // namespace
}  // namespace oriel
