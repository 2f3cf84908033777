#ifndef ORIEL_TESTS_KERNELS_CPU_CPU_TEST_SUPPORT_H_
#define ORIEL_TESTS_KERNELS_CPU_CPU_TEST_SUPPORT_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "hwy/targets.h"
#include "kernels/core/dtype.h"
#include "kernels/core/half.h"
#include "kernels/cpu/cpu_matrix.h"
#include "kernels/ops/matrix.h"
#include "kernels/reference/reference_matrix.h"

namespace oriel {

inline constexpr DType kAllDTypes[] = {DType::kF32,  DType::kF16,  DType::kBF16, DType::kQ4_0,
                                       DType::kQ4_1, DType::kQ5_0, DType::kQ5_1, DType::kQ8_0,
                                       DType::kQ4_K, DType::kQ5_K, DType::kQ6_K};

// Byte offsets of the half-precision numbers of a block; all other bytes may be anything.
inline std::vector<int> HalfOffsets(DType dtype) {
  switch (dtype) {
    case DType::kF32:
    case DType::kF16:
    case DType::kBF16:
      return {};
    case DType::kQ4_0:
    case DType::kQ5_0:
    case DType::kQ8_0:
      return {0};
    case DType::kQ4_1:
    case DType::kQ5_1:
    case DType::kQ4_K:
    case DType::kQ5_K:
      return {0, 2};
    case DType::kQ6_K:
      return {208};
  }
  return {};
}

// Rows of random blocks with scales of ordinary size, and the two Matrix kinds made of them.
struct TestMatrix {
  std::vector<std::byte> data;
  std::unique_ptr<Matrix> cpu;
  std::unique_ptr<Matrix> reference;
};

inline void BuildMatrices(TestMatrix& made, DType dtype, int64_t rows, int64_t columns) {
  const MatrixSource source{
      .dtype = dtype, .rows = rows, .columns = columns, .data = made.data.data()};
  HugePageArena arena;
  ThreadPool pool(1);
  made.cpu = MakeCpuMatrix(source, arena, pool).value();
  made.reference = MakeReferenceMatrix(source).value();
}

inline TestMatrix MakeTestMatrix(DType dtype, int64_t rows, int64_t columns, uint32_t seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0.0f, 0.05f);
  const DTypeTraits traits = TraitsOf(dtype);
  const int64_t row_bytes = RowBytes(dtype, columns).value();
  TestMatrix made;
  made.data.resize(static_cast<size_t>(rows * row_bytes));
  for (std::byte& value : made.data) value = static_cast<std::byte>(random() & 0xFF);
  const auto put = [&](size_t offset, auto number) {
    std::memcpy(made.data.data() + offset, &number, sizeof(number));
  };
  for (size_t offset = 0; offset < made.data.size();
       offset += static_cast<size_t>(traits.block_bytes)) {
    for (int at : HalfOffsets(dtype)) {
      put(offset + static_cast<size_t>(at), ToHalf(normal(random)));
    }
    if (dtype == DType::kF32) put(offset, normal(random));
    if (dtype == DType::kF16) put(offset, ToHalf(normal(random)));
    if (dtype == DType::kBF16) put(offset, ToHalf(normal(random)));  // small as a bfloat16, too
  }
  BuildMatrices(made, dtype, rows, columns);
  return made;
}

inline std::vector<float> RandomFloats(int64_t count, uint32_t seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> values(static_cast<size_t>(count));
  for (float& value : values) value = normal(random);
  return values;
}

// The instruction sets of this processor that the kernels may be dispatched to.
inline std::vector<int64_t> DispatchTargets() {
  std::vector<int64_t> targets;
  for (int64_t rest = hwy::SupportedTargets(); rest != 0; rest &= rest - 1) {
    const int64_t target = rest & -rest;
    if (target != HWY_EMU128) targets.push_back(target);
  }
  return targets;
}

// Runs the kernels on one instruction set while it lives.
class ScopedTarget {
 public:
  explicit ScopedTarget(int64_t target) { hwy::SetSupportedTargetsForTest(target); }
  ~ScopedTarget() { hwy::SetSupportedTargetsForTest(0); }
  ScopedTarget(const ScopedTarget&) = delete;
  ScopedTarget& operator=(const ScopedTarget&) = delete;
};

class EveryTarget : public testing::TestWithParam<int64_t> {
 protected:
  EveryTarget() : target_(GetParam()) {}

 private:
  ScopedTarget target_;
};

inline std::string TargetParamName(const testing::TestParamInfo<int64_t>& info) {
  return hwy::TargetName(info.param);
}

}  // namespace oriel

#define ORIEL_INSTANTIATE_EVERY_TARGET(suite)                                             \
  INSTANTIATE_TEST_SUITE_P(Targets, suite, testing::ValuesIn(::oriel::DispatchTargets()), \
                           ::oriel::TargetParamName)

#endif  // ORIEL_TESTS_KERNELS_CPU_CPU_TEST_SUPPORT_H_
