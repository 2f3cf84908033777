#include <algorithm>
#include <cmath>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "kernels/cpu/cpu_ops.h"
#include "kernels/reference/reference_ops.h"
#include "tests/kernels/cpu/cpu_test_support.h"

namespace oriel {
namespace {

using testing::HasSubstr;

constexpr int64_t kTokenCounts[] = {0, 1, 2, 3, 7, 9, 17};

class RmsNormTest : public EveryTarget {};

TEST_P(RmsNormTest, AgreesWithTheReferenceOnStridedRows) {
  ThreadPool pool(2);
  for (int64_t hidden : {int64_t{16}, int64_t{48}, int64_t{576}, int64_t{8960}}) {
    const std::vector<float> weight = RandomFloats(hidden, 3);
    for (int64_t tokens : kTokenCounts) {
      const int64_t stride = hidden + 5;
      std::vector<float> rows = RandomFloats(tokens * stride, 4);
      std::vector<float> expected(rows.size());
      RmsNormArgs args{.input = {rows.data(), {tokens, hidden}, {stride, 1}},
                       .weight = {weight.data(), {hidden}},
                       .out = {expected.data(), {tokens, hidden}, {stride, 1}},
                       .epsilon = 1e-5f};
      ASSERT_TRUE(ReferenceRmsNorm(args).ok());
      args.out.data = rows.data();  // in place
      ASSERT_TRUE(CpuRmsNorm(args, pool).ok());
      for (int64_t t = 0; t < tokens; ++t) {
        for (int64_t c = 0; c < hidden; ++c) {
          const float wanted = expected[static_cast<size_t>(t * stride + c)];
          ASSERT_NEAR(args.out(t, c), wanted, 1e-5f * std::abs(wanted));
        }
      }
    }
  }
}

ORIEL_INSTANTIATE_EVERY_TARGET(RmsNormTest);

class SwigluTest : public EveryTarget {};

TEST_P(SwigluTest, AgreesWithTheReferenceOverTheWholeRange) {
  ThreadPool pool(2);
  for (int64_t width : {int64_t{1}, int64_t{17}, int64_t{1536}, int64_t{5001}}) {
    for (int64_t tokens : kTokenCounts) {
      std::vector<float> gate = RandomFloats(tokens * width, 5);
      for (size_t i = 0; i < gate.size(); ++i) gate[i] *= static_cast<float>(i % 40);
      const std::vector<float> up = RandomFloats(tokens * width, 6);
      std::vector<float> expected(gate.size());
      SwigluArgs args{.gate = {gate.data(), {tokens, width}},
                      .up = {up.data(), {tokens, width}},
                      .out = {expected.data(), {tokens, width}}};
      ASSERT_TRUE(ReferenceSwiglu(args).ok());
      args.out.data = gate.data();  // in place
      ASSERT_TRUE(CpuSwiglu(args, pool).ok());
      for (size_t i = 0; i < gate.size(); ++i) {
        ASSERT_NEAR(gate[i], expected[i], 1e-5f * std::abs(expected[i]) + 1e-36f);
      }
    }
  }
}

TEST_P(SwigluTest, StaysFiniteAtTheEndsOfTheRange) {
  ThreadPool pool(1);
  const std::vector<float> gate = {-3e38f, -1000.0f, -88.0f, 0.0f, 88.0f, 1000.0f, 3e38f};
  const std::vector<float> up(gate.size(), 1.0f);
  std::vector<float> out(gate.size());
  ASSERT_TRUE(
      CpuSwiglu(
          {.gate = {gate.data(), {1, 7}}, .up = {up.data(), {1, 7}}, .out = {out.data(), {1, 7}}},
          pool)
          .ok());
  EXPECT_THAT(out, testing::ElementsAre(testing::FloatEq(0.0f), testing::FloatEq(0.0f),
                                        testing::FloatNear(-5.328e-37f, 1e-39f), 0.0f, 88.0f,
                                        1000.0f, 3e38f));
}

ORIEL_INSTANTIATE_EVERY_TARGET(SwigluTest);

TEST(RopeAnglesTest, AgreesWithTheReferenceFarOut) {
  ThreadPool pool(2);
  const std::vector<int32_t> positions = {0, 1, 7, 4095, 131071, 2147483647};
  std::vector<double> frequencies;
  for (int i = 0; i < 32; ++i) frequencies.push_back(std::pow(1e6, -i / 32.0));
  std::vector<float> cosines(6 * 32);
  std::vector<float> sines(6 * 32);
  std::vector<float> wanted_cosines(6 * 32);
  std::vector<float> wanted_sines(6 * 32);
  RopeAnglesArgs args{.positions = {positions.data(), {6}},
                      .inverse_frequencies = {frequencies.data(), {32}},
                      .magnitude = 1.25f,
                      .cosines = {cosines.data(), {6, 32}},
                      .sines = {sines.data(), {6, 32}}};
  ASSERT_TRUE(CpuRopeAngles(args, pool).ok());
  args.cosines.data = wanted_cosines.data();
  args.sines.data = wanted_sines.data();
  ASSERT_TRUE(ReferenceRopeAngles(args).ok());
  EXPECT_THAT(cosines, testing::Pointwise(testing::FloatNear(1e-6f), wanted_cosines));
  EXPECT_THAT(sines, testing::Pointwise(testing::FloatNear(1e-6f), wanted_sines));
  EXPECT_EQ(cosines[0], 1.25f);
}

TEST(EmbeddingTest, GivesTheReferencesBitsForEveryType) {
  ThreadPool pool(2);
  const std::vector<int32_t> tokens = {3, 0, 9, 3, 4};
  for (DType dtype : kAllDTypes) {
    const TestMatrix table = MakeTestMatrix(dtype, 10, 512, 8);
    std::vector<float> actual(5 * 512);
    std::vector<float> expected(5 * 512);
    EmbeddingArgs args{
        .tokens = {tokens.data(), {5}}, .table = table.cpu.get(), .out = {actual.data(), {5, 512}}};
    ASSERT_TRUE(CpuEmbedding(args, pool).ok());
    args.table = table.reference.get();
    args.out.data = expected.data();
    ASSERT_TRUE(ReferenceEmbedding(args).ok());
    EXPECT_EQ(actual, expected) << TraitsOf(dtype).name;
  }
}

// A tied embedding is looked up in the copy that products read: the file's bytes of it would be
// resident a second time.
TEST(EmbeddingTest, LeavesTheFileAloneOnceThereIsACopy) {
  ThreadPool pool(1);
  TestMatrix table = MakeTestMatrix(DType::kQ6_K, 20, 256, 8);
  const std::vector<int32_t> tokens = {19};
  std::vector<float> before(256), after(256);
  EmbeddingArgs args{
      .tokens = {tokens.data(), {1}}, .table = table.cpu.get(), .out = {before.data(), {1, 256}}};
  ASSERT_TRUE(CpuEmbedding(args, pool).ok());
  std::fill(table.data.begin(), table.data.end(), std::byte{0});
  args.out.data = after.data();
  ASSERT_TRUE(CpuEmbedding(args, pool).ok());
  EXPECT_EQ(before, after);
}

TEST(EmbeddingTest, NamesAnIdOutsideTheVocabulary) {
  ThreadPool pool(1);
  const TestMatrix table = MakeTestMatrix(DType::kQ8_0, 4, 32, 8);
  const std::vector<int32_t> tokens = {0, 4};
  std::vector<float> out(64);
  const absl::Status status = CpuEmbedding(
      {.tokens = {tokens.data(), {2}}, .table = table.cpu.get(), .out = {out.data(), {2, 32}}},
      pool);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("embedding token 1 is 4, expected < 4"));
}

}  // namespace
}  // namespace oriel
