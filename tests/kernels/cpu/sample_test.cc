#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "kernels/cpu/cpu_ops.h"
#include "kernels/ops/philox.h"
#include "kernels/reference/reference_ops.h"
#include "tests/kernels/cpu/cpu_test_support.h"

namespace oriel {
namespace {

using testing::HasSubstr;

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr int64_t kTopMax = 8;

struct Sampling {
  int64_t vocab = 0;
  std::vector<float> logits = {};
  std::vector<SampleRow> rows = {};
  std::vector<LogitAdjustment> adjustments = {};
  std::vector<SampledToken> out = {};
  std::vector<int32_t> top_tokens = {};
  std::vector<float> top_logprobs = {};

  SampleArgs Args() {
    const auto count = static_cast<int64_t>(rows.size());
    out.assign(rows.size(), SampledToken{.token = -7, .logprob = 7.0f});
    top_tokens.assign(rows.size() * kTopMax, -5);
    top_logprobs.assign(rows.size() * kTopMax, 5.0f);
    SampleArgs args;
    args.logits = {logits.data(), {static_cast<int64_t>(logits.size()) / vocab, vocab}};
    args.rows = {rows.data(), {count}};
    args.adjustments = {adjustments.data(), {static_cast<int64_t>(adjustments.size())}};
    args.out = {out.data(), {count}};
    args.top_tokens = {top_tokens.data(), {count, kTopMax}};
    args.top_logprobs = {top_logprobs.data(), {count, kTopMax}};
    return args;
  }
};

// Rows that cross every rule, over logits like those of a model: a few tokens stand out.
Sampling RandomSampling(int64_t vocab, int64_t count, uint32_t seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0.0f, 2.5f);
  std::uniform_real_distribution<float> uniform;
  Sampling sampling{.vocab = vocab};
  for (int64_t i = 0; i < vocab * 4; ++i) sampling.logits.push_back(normal(random));
  for (int64_t row = 0; row < 4; ++row) {
    for (int i = 0; i < 5; ++i) {
      sampling.logits[static_cast<size_t>(row * vocab) + random() % static_cast<size_t>(vocab)] +=
          8.0f;
    }
  }
  for (int64_t i = 0; i < count; ++i) {
    SampleRow row;
    row.logits_row = static_cast<int32_t>(random() % 4);
    row.temperature = i % 5 == 0 ? 0.0f : 0.2f + 1.5f * uniform(random);
    if (i % 2 == 0) row.top_k = static_cast<int32_t>(1 + random() % 60);
    if (i % 3 == 0) row.top_p = 0.3f + 0.7f * uniform(random);
    if (i % 4 == 0) row.min_p = 0.2f * uniform(random);
    if (i % 11 == 0) row.forced_token = static_cast<int32_t>(random() % static_cast<size_t>(vocab));
    row.seed = random();
    row.position = static_cast<uint64_t>(i);
    row.num_top_logprobs = static_cast<int32_t>(i % (kTopMax + 1));
    row.adjustments_begin = static_cast<int32_t>(sampling.adjustments.size());
    for (int64_t a = 0; a < i % 6; ++a) {
      sampling.adjustments.push_back(
          {.token = static_cast<int32_t>(random() % static_cast<size_t>(vocab)),
           .repetition = 1.0f + uniform(random),
           .offset = a == 3 ? -kInfinity : normal(random)});
    }
    row.adjustments_end = static_cast<int32_t>(sampling.adjustments.size());
    sampling.rows.push_back(row);
  }
  return sampling;
}

class SampleTest : public EveryTarget {
 protected:
  // Runs both and compares everything written.
  void ExpectEqualsReference(Sampling& sampling) {
    Sampling reference = sampling;
    ASSERT_TRUE(CpuSample(sampling.Args(), pool_).ok());
    ASSERT_TRUE(ReferenceSample(reference.Args()).ok());
    for (size_t i = 0; i < sampling.rows.size(); ++i) {
      ASSERT_EQ(sampling.out[i].token, reference.out[i].token) << "row " << i;
      ASSERT_NEAR(sampling.out[i].logprob, reference.out[i].logprob, 1e-4f) << "row " << i;
    }
    EXPECT_EQ(sampling.top_tokens, reference.top_tokens);
    for (size_t i = 0; i < sampling.top_logprobs.size(); ++i) {
      ASSERT_NEAR(sampling.top_logprobs[i], reference.top_logprobs[i], 1e-4f);
    }
  }

  ThreadPool pool_{2};
};

TEST_P(SampleTest, DrawsWhatTheReferenceDraws) {
  for (int64_t vocab : {int64_t{61}, int64_t{1000}, int64_t{4099}}) {
    Sampling sampling = RandomSampling(vocab, 120, static_cast<uint32_t>(vocab));
    ExpectEqualsReference(sampling);
  }
}

TEST_P(SampleTest, DrawsWhatTheReferenceDrawsFromALargeVocabulary) {
  Sampling sampling = RandomSampling(151936, 12, 3);
  ExpectEqualsReference(sampling);
}

TEST_P(SampleTest, BreaksTiesByTheLowerId) {
  Sampling sampling{.vocab = 40};
  sampling.logits.assign(40, 1.5f);
  sampling.logits[0] = -2.0f;
  for (int i = 0; i < 30; ++i) {
    sampling.rows.push_back({.temperature = i == 0 ? 0.0f : 1.0f,
                             .top_k = i % 2 == 0 ? 3 : 0,
                             .top_p = i % 3 == 0 ? 0.5f : 1.0f,
                             .seed = static_cast<uint64_t>(i),
                             .num_top_logprobs = 4});
  }
  ExpectEqualsReference(sampling);
  EXPECT_EQ(sampling.out[0].token, 1);
  EXPECT_EQ(sampling.top_tokens[0], 1);
  EXPECT_EQ(sampling.top_tokens[3], 4);
}

TEST_P(SampleTest, MarksARowOfNotANumber) {
  Sampling sampling{.vocab = 100};
  sampling.logits.assign(400, 0.25f);
  sampling.logits[57] = std::numeric_limits<float>::quiet_NaN();
  sampling.logits[299] = kInfinity;
  std::fill_n(sampling.logits.begin() + 300, 100, -kInfinity);
  for (int32_t row = 0; row < 4; ++row) sampling.rows.push_back({.logits_row = row});
  ExpectEqualsReference(sampling);
  EXPECT_EQ(sampling.out[0].token, -1);
  EXPECT_GE(sampling.out[1].token, 0);
  EXPECT_EQ(sampling.out[2].token, -1);
  EXPECT_EQ(sampling.out[3].token, -1);
}

TEST_P(SampleTest, NeverDrawsAForbiddenToken) {
  Sampling sampling{.vocab = 5};
  sampling.logits = {9.0f, 1.0f, 1.0f, 1.0f, 1.0f};
  sampling.adjustments = {{.token = 0, .offset = -kInfinity}, {.token = 3, .offset = -kInfinity}};
  for (uint64_t position = 0; position < 200; ++position) {
    sampling.rows.push_back({.position = position, .adjustments_begin = 0, .adjustments_end = 2});
  }
  ExpectEqualsReference(sampling);
  for (const SampledToken& sampled : sampling.out) {
    EXPECT_NE(sampled.token, 0);
    EXPECT_NE(sampled.token, 3);
  }
}

TEST_P(SampleTest, GivesNoTokenWhenAllAreForbidden) {
  Sampling sampling{.vocab = 2};
  sampling.logits = {1.0f, 2.0f};
  sampling.adjustments = {{.token = 0, .offset = -kInfinity}, {.token = 1, .offset = -kInfinity}};
  sampling.rows = {{.adjustments_begin = 0, .adjustments_end = 2}};
  ExpectEqualsReference(sampling);
  EXPECT_EQ(sampling.out[0].token, -1);
}

TEST_P(SampleTest, FollowsTheDistribution) {
  Sampling sampling{.vocab = 3};
  sampling.logits = {std::log(0.2f), std::log(0.5f), std::log(0.3f)};
  for (uint64_t position = 0; position < 20000; ++position) {
    sampling.rows.push_back({.seed = 42, .position = position});
  }
  ASSERT_TRUE(CpuSample(sampling.Args(), pool_).ok());
  std::vector<double> share(3);
  for (const SampledToken& sampled : sampling.out) {
    share[static_cast<size_t>(sampled.token)] += 1.0 / 20000;
  }
  EXPECT_NEAR(share[0], 0.2, 0.015);
  EXPECT_NEAR(share[1], 0.5, 0.015);
  EXPECT_NEAR(share[2], 0.3, 0.015);
}

ORIEL_INSTANTIATE_EVERY_TARGET(SampleTest);

TEST(PhiloxTest, GivesThePublishedWords) {
  // Known answers of the authors' Random123 library.
  EXPECT_THAT(Philox4x32({0, 0, 0, 0}, {0, 0}),
              testing::ElementsAre(0x6627e8d5u, 0xe169c58du, 0xbc57ac4cu, 0x9b00dbd8u));
  EXPECT_THAT(
      Philox4x32({0xffffffffu, 0xffffffffu, 0xffffffffu, 0xffffffffu}, {0xffffffffu, 0xffffffffu}),
      testing::ElementsAre(0x408f276du, 0x41c83b0eu, 0xa20bc7c6u, 0x6d5451fdu));
}

TEST(SampleArgsTest, NamesTheRowAndTheLimit) {
  ThreadPool pool(1);
  Sampling sampling{.vocab = 3};
  sampling.logits = {1.0f, 2.0f, 3.0f};
  sampling.rows = {{}, {.logits_row = 1}};
  const absl::Status status = CpuSample(sampling.Args(), pool);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("sample row 1: logits_row is 1"));
}

}  // namespace
}  // namespace oriel
