#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "kernels/cpu/cpu_ops.h"
#include "kernels/reference/reference_ops.h"
#include "tests/kernels/cpu/cpu_test_support.h"

namespace oriel {
namespace {

using testing::HasSubstr;

constexpr int64_t kTokenCounts[] = {1, 2, 3, 5, 6, 7, 8, 9, 17, 64};

int64_t ColumnsFor(DType dtype) { return TraitsOf(dtype).block_elements == 256 ? 768 : 576; }

// The input as the CPU rounds it for weights in blocks of this type: as many columns as a block has
// share a scale.
std::vector<float> RoundedTo8Bits(std::vector<float> values, DType weights) {
  const auto columns = static_cast<size_t>(TraitsOf(weights).block_elements);
  for (size_t begin = 0; begin < values.size(); begin += columns) {
    const size_t end = begin + columns;
    float largest = 0.0f;
    for (size_t i = begin; i < end; ++i) largest = std::max(largest, std::abs(values[i]));
    if (largest == 0.0f) continue;
    for (size_t i = begin; i < end; ++i) {
      values[i] = std::nearbyint(values[i] * (127.0f / largest)) * (largest / 127.0f);
    }
  }
  return values;
}

struct Product {
  int64_t tokens;
  int64_t rows;
  int64_t stride;
  std::vector<float> out;

  Product(int64_t num_tokens, int64_t num_rows, int64_t gap = 0)
      : tokens(num_tokens),
        rows(num_rows),
        stride(num_rows + gap),
        out(static_cast<size_t>(num_tokens * (num_rows + gap)), -3.25f) {}

  TensorView<float, 2> view() { return {out.data(), {tokens, rows}, {stride, 1}}; }
  float at(int64_t t, int64_t r) const { return out[static_cast<size_t>(t * stride + r)]; }
};

MatMulTerm MakeTerm(const Matrix& matrix, Product& product, MatMulWrite write = MatMulWrite::kStore,
                    const std::vector<float>& bias = {}) {
  MatMulTerm term;
  term.matrix = &matrix;
  term.out = product.view();
  term.write = write;
  if (!bias.empty()) term.bias = {bias.data(), {static_cast<int64_t>(bias.size())}};
  return term;
}

absl::Status Multiply(const std::vector<float>& input, int64_t tokens, const MatMulTerm& term,
                      ThreadPool& pool) {
  return CpuMatMul({.input = {input.data(), {tokens, term.matrix->columns()}}, .terms = {&term, 1}},
                   pool);
}

void ExpectNear(const Product& actual, const Product& expected, float scale) {
  for (int64_t t = 0; t < actual.tokens; ++t) {
    for (int64_t r = 0; r < actual.rows; ++r) {
      ASSERT_NEAR(actual.at(t, r), expected.at(t, r), scale) << "token " << t << ", row " << r;
    }
  }
}

class MatMulTest : public EveryTarget {
 protected:
  ThreadPool pool_{2};
};

TEST_P(MatMulTest, AgreesWithTheReferenceOnTheRoundedInput) {
  for (DType dtype : kAllDTypes) {
    const int64_t columns = ColumnsFor(dtype);
    for (int64_t rows : {int64_t{1}, int64_t{33}, int64_t{95}}) {
      SCOPED_TRACE(std::string(TraitsOf(dtype).name) + " rows " + std::to_string(rows));
      const TestMatrix matrix = MakeTestMatrix(dtype, rows, columns, 7);
      for (int64_t tokens : kTokenCounts) {
        const std::vector<float> input = RandomFloats(tokens * columns, 11);
        Product actual(tokens, rows);
        ASSERT_TRUE(Multiply(input, tokens, MakeTerm(*matrix.cpu, actual), pool_).ok());
        const bool rounds = TraitsOf(dtype).block_elements > 1;
        const std::vector<float> given = rounds ? RoundedTo8Bits(input, dtype) : input;
        Product expected(tokens, rows);
        const MatMulTerm term = MakeTerm(*matrix.reference, expected);
        ASSERT_TRUE(
            ReferenceMatMul({.input = {given.data(), {tokens, columns}}, .terms = {&term, 1}})
                .ok());
        // Outputs are of size 10 to 2000 by type; sums of absolute terms are some 20 times that.
        float largest = 0.0f;
        for (float value : expected.out) largest = std::max(largest, std::abs(value));
        ExpectNear(actual, expected, 2e-5f * std::max(largest, 1.0f));
      }
    }
  }
}

TEST_P(MatMulTest, GivesATokenTheSameBitsInEveryBatchAndThreadCount) {
  constexpr int64_t kRows = 77;
  for (DType dtype : kAllDTypes) {
    SCOPED_TRACE(TraitsOf(dtype).name);
    const int64_t columns = ColumnsFor(dtype);
    const TestMatrix matrix = MakeTestMatrix(dtype, kRows, columns, 3);
    const std::vector<float> input = RandomFloats(64 * columns, 5);
    ThreadPool one(1);
    Product alone(64, kRows);
    for (int64_t t = 0; t < 64; ++t) {
      const std::vector<float> token(input.begin() + t * columns,
                                     input.begin() + (t + 1) * columns);
      Product product(1, kRows);
      ASSERT_TRUE(Multiply(token, 1, MakeTerm(*matrix.cpu, product), one).ok());
      std::copy(product.out.begin(), product.out.end(), alone.out.begin() + t * kRows);
    }
    for (int32_t threads : {1, 2, 3}) {
      ThreadPool pool(threads);
      for (int64_t tokens : kTokenCounts) {
        Product batch(tokens, kRows);
        ASSERT_TRUE(Multiply(input, tokens, MakeTerm(*matrix.cpu, batch), pool).ok());
        ASSERT_TRUE(std::equal(batch.out.begin(), batch.out.end(), alone.out.begin()))
            << threads << " threads, " << tokens << " tokens";
      }
    }
  }
}

TEST_P(MatMulTest, GivesATokenTheSameBitsInABatchOfManyRanges) {
  constexpr int64_t kTokens = 601;
  const TestMatrix matrix = MakeTestMatrix(DType::kQ4_1, 40, 64, 3);
  const std::vector<float> input = RandomFloats(kTokens * 64, 5);
  Product batch(kTokens, 40);
  ASSERT_TRUE(Multiply(input, kTokens, MakeTerm(*matrix.cpu, batch), pool_).ok());
  for (int64_t t : {int64_t{0}, int64_t{191}, int64_t{192}, int64_t{300}, kTokens - 1}) {
    const std::vector<float> token(input.begin() + t * 64, input.begin() + (t + 1) * 64);
    Product product(1, 40);
    ASSERT_TRUE(Multiply(token, 1, MakeTerm(*matrix.cpu, product), pool_).ok());
    EXPECT_TRUE(std::equal(product.out.begin(), product.out.end(), batch.out.begin() + t * 40));
  }
}

TEST_P(MatMulTest, StaysCloseToTheUnroundedReference) {
  const TestMatrix matrix = MakeTestMatrix(DType::kQ8_0, 64, 1024, 3);
  const std::vector<float> input = RandomFloats(1024, 5);
  Product actual(1, 64);
  Product expected(1, 64);
  ASSERT_TRUE(Multiply(input, 1, MakeTerm(*matrix.cpu, actual), pool_).ok());
  const MatMulTerm term = MakeTerm(*matrix.reference, expected);
  ASSERT_TRUE(ReferenceMatMul({.input = {input.data(), {1, 1024}}, .terms = {&term, 1}}).ok());
  double error = 0.0;
  double norm = 0.0;
  for (int64_t r = 0; r < 64; ++r) {
    error += std::pow(double{actual.at(0, r)} - double{expected.at(0, r)}, 2);
    norm += std::pow(double{expected.at(0, r)}, 2);
  }
  EXPECT_GT(error, 0.0);
  EXPECT_LT(std::sqrt(error / norm), 0.01);
}

TEST_P(MatMulTest, KeepsExtremeCodesExact) {
  // Every byte 0x80 is code -128 of Q8_0; against the largest input it is the product that
  // saturates first where bytes are multiplied in pairs.
  TestMatrix matrix = MakeTestMatrix(DType::kQ8_0, 32, 64, 3);
  for (size_t block = 0; block < matrix.data.size(); block += 34) {
    const Half one = ToHalf(1.0f);
    std::memcpy(matrix.data.data() + block, &one, sizeof(one));
    std::fill_n(matrix.data.begin() + static_cast<int64_t>(block) + 2, 32, std::byte{0x80});
  }
  BuildMatrices(matrix, DType::kQ8_0, 32, 64);
  for (float sign : {1.0f, -1.0f}) {
    const std::vector<float> input(64, sign * 127.0f);
    Product product(1, 32);
    ASSERT_TRUE(Multiply(input, 1, MakeTerm(*matrix.cpu, product), pool_).ok());
    for (int64_t r = 0; r < 32; ++r) EXPECT_EQ(product.at(0, r), sign * -128.0f * 127.0f * 64.0f);
  }
}

// Makes every code of the blocks the largest of its type; scales and minima stay.
void MaximizeCodes(DType dtype, std::vector<std::byte>& blocks) {
  const size_t block_bytes = TraitsOf(dtype).block_bytes;
  size_t begin = 0;
  size_t end = block_bytes;
  if (dtype == DType::kQ4_0 || dtype == DType::kQ5_0) begin = 2;
  if (dtype == DType::kQ4_1 || dtype == DType::kQ5_1) begin = 4;
  if (dtype == DType::kQ4_K || dtype == DType::kQ5_K) begin = 16;
  if (dtype == DType::kQ6_K) end = 192;
  for (size_t block = 0; block < blocks.size(); block += block_bytes) {
    for (size_t i = block + begin; i < block + end; ++i) blocks[i] = std::byte{0xFF};
  }
}

// Every code the largest of its type, against the largest input: what would overflow first where
// products are added in 16 bits. The reference multiplies what the blocks stand for.
TEST_P(MatMulTest, KeepsTheLargestCodesOfEveryTypeInRange) {
  for (DType dtype : {DType::kQ4_0, DType::kQ4_1, DType::kQ5_0, DType::kQ5_1, DType::kQ4_K,
                      DType::kQ5_K, DType::kQ6_K}) {
    SCOPED_TRACE(TraitsOf(dtype).name);
    const int64_t columns = ColumnsFor(dtype);
    TestMatrix matrix = MakeTestMatrix(dtype, 32, columns, 3);
    MaximizeCodes(dtype, matrix.data);
    BuildMatrices(matrix, dtype, 32, columns);
    for (int64_t tokens : {1, 4}) {
      for (float sign : {1.0f, -1.0f}) {
        const std::vector<float> input(static_cast<size_t>(tokens * columns), sign * 127.0f);
        Product actual(tokens, 32);
        Product expected(tokens, 32);
        ASSERT_TRUE(Multiply(input, tokens, MakeTerm(*matrix.cpu, actual), pool_).ok());
        const MatMulTerm term = MakeTerm(*matrix.reference, expected);
        ASSERT_TRUE(
            ReferenceMatMul({.input = {input.data(), {tokens, columns}}, .terms = {&term, 1}})
                .ok());
        float largest = 0.0f;
        for (float value : expected.out) largest = std::max(largest, std::abs(value));
        ExpectNear(actual, expected, 2e-5f * largest);
      }
    }
  }
}

TEST_P(MatMulTest, AddsBiasAndResidualIntoStridedRows) {
  constexpr int64_t kTokens = 9;
  constexpr int64_t kRows = 35;
  for (DType dtype : {DType::kF32, DType::kQ4_1, DType::kQ6_K}) {
    SCOPED_TRACE(TraitsOf(dtype).name);
    const int64_t columns = ColumnsFor(dtype);
    const TestMatrix matrix = MakeTestMatrix(dtype, kRows, columns, 13);
    const std::vector<float> input = RandomFloats(kTokens * columns, 17);
    const std::vector<float> bias = RandomFloats(kRows, 19);
    Product plain(kTokens, kRows);
    Product added(kTokens, kRows, 6);
    ASSERT_TRUE(Multiply(input, kTokens, MakeTerm(*matrix.cpu, plain), pool_).ok());
    ASSERT_TRUE(
        Multiply(input, kTokens, MakeTerm(*matrix.cpu, added, MatMulWrite::kAdd, bias), pool_)
            .ok());
    for (int64_t t = 0; t < kTokens; ++t) {
      for (int64_t r = 0; r < kRows; ++r) {
        EXPECT_EQ(added.at(t, r), -3.25f + (plain.at(t, r) + bias[static_cast<size_t>(r)]));
      }
      for (int64_t gap = kRows; gap < added.stride; ++gap) EXPECT_EQ(added.at(t, gap), -3.25f);
    }
  }
}

TEST_P(MatMulTest, SharesOneInputAmongTermsOfDifferentTypes) {
  constexpr int64_t kTokens = 7;
  const std::vector<float> input = RandomFloats(kTokens * 768, 23);
  const DType dtypes[] = {DType::kQ5_0, DType::kF32, DType::kQ8_0, DType::kQ4_K};
  std::vector<TestMatrix> matrices;
  std::vector<Product> together;
  std::vector<MatMulTerm> terms;
  for (DType dtype : dtypes) {
    const int64_t rows = 16 + 17 * static_cast<int64_t>(matrices.size());
    matrices.push_back(MakeTestMatrix(dtype, rows, 768, 29));
    together.emplace_back(kTokens, rows);
  }
  for (size_t i = 0; i < 4; ++i) terms.push_back(MakeTerm(*matrices[i].cpu, together[i]));
  ASSERT_TRUE(CpuMatMul({.input = {input.data(), {kTokens, 768}}, .terms = terms}, pool_).ok());
  for (size_t i = 0; i < 4; ++i) {
    Product single(kTokens, together[i].rows);
    ASSERT_TRUE(Multiply(input, kTokens, MakeTerm(*matrices[i].cpu, single), pool_).ok());
    EXPECT_EQ(single.out, together[i].out);
  }
}

TEST_P(MatMulTest, LetsNotANumberAndInfinityThrough) {
  for (DType dtype : kAllDTypes) {
    const TestMatrix matrix = MakeTestMatrix(dtype, 20, 768, 31);
    for (float bad :
         {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
      std::vector<float> input = RandomFloats(768, 37);
      input[300] = bad;
      Product product(1, 20);
      ASSERT_TRUE(Multiply(input, 1, MakeTerm(*matrix.cpu, product), pool_).ok());
      for (int64_t r = 0; r < 20; ++r) EXPECT_FALSE(std::isfinite(product.at(0, r)));
    }
  }
}

TEST_P(MatMulTest, TreatsAZeroInputAsZero) {
  for (DType dtype : kAllDTypes) {
    const TestMatrix matrix = MakeTestMatrix(dtype, 20, 768, 31);
    Product product(2, 20);
    ASSERT_TRUE(
        Multiply(std::vector<float>(2 * 768, 0.0f), 2, MakeTerm(*matrix.cpu, product), pool_).ok());
    for (float value : product.out) EXPECT_EQ(value, 0.0f);
  }
}

ORIEL_INSTANTIATE_EVERY_TARGET(MatMulTest);

TEST(MatMulArgsTest, DoesNothingForNoTokens) {
  ThreadPool pool(1);
  const TestMatrix matrix = MakeTestMatrix(DType::kQ4_1, 4, 32, 1);
  Product product(0, 4);
  EXPECT_TRUE(Multiply({}, 0, MakeTerm(*matrix.cpu, product), pool).ok());
}

TEST(MatMulArgsTest, NamesTheTermThatDoesNotFit) {
  ThreadPool pool(1);
  const TestMatrix matrix = MakeTestMatrix(DType::kQ4_1, 4, 64, 1);
  const std::vector<float> input(32);
  Product product(1, 4);
  const MatMulTerm term = MakeTerm(*matrix.cpu, product);
  const absl::Status status =
      CpuMatMul({.input = {input.data(), {1, 32}}, .terms = {&term, 1}}, pool);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("term 0: columns is 64, expected 32"));
}

TEST(MatMulArgsTest, RefusesRowsThatAreNoWholeBlocks) {
  ThreadPool pool(1);
  const std::vector<std::byte> data(1000);
  HugePageArena arena;
  const auto matrix = MakeCpuMatrix(
      {.dtype = DType::kQ4_K, .rows = 1, .columns = 288, .data = data.data()}, arena, pool);
  EXPECT_EQ(matrix.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(matrix.status().message()), HasSubstr("a multiple of 256"));
}

}  // namespace
}  // namespace oriel
