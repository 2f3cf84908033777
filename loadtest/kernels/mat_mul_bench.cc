// Times CpuMatMul on one shape and prints milliseconds, GOP/s and the weights' GB/s.
//
//   oriel_mat_mul_bench [--rows N] [--columns N] [--threads N] [--dtype NAME] [--tokens N]
//                       [--target NAME] [--turn-mib N] [--seconds S]
//
// Weights rotate through `turn-mib` MiB of copies, as a model's layers do; the input is random.

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "hwy/targets.h"
#include "kernels/core/check.h"
#include "kernels/core/half.h"
#include "kernels/cpu/cpu_matrix.h"
#include "kernels/cpu/cpu_ops.h"
#include "kernels/cpu/thread_pool.h"

namespace oriel {
namespace {

constexpr DType kDTypes[] = {DType::kF32,  DType::kF16,  DType::kBF16, DType::kQ4_0,
                             DType::kQ4_1, DType::kQ5_0, DType::kQ5_1, DType::kQ8_0,
                             DType::kQ4_K, DType::kQ5_K, DType::kQ6_K};
constexpr int64_t kTokenCounts[] = {1, 2, 4, 8, 64, 512};

struct BenchOptions {
  int64_t rows = 1536;
  int64_t columns = 1536;
  int32_t threads = 2;
  int64_t tokens = 0;      // 0: the whole table
  int64_t turn_mib = 160;  // weights that take turns; little: they stay in the caches
  double seconds = 0.2;
  std::string target;
  std::string dtype;
};

// Random bytes are valid blocks; only NaN scales must not arise, for they are slow to no purpose.
std::vector<std::byte> RandomWeights(int64_t bytes, std::mt19937& random) {
  std::vector<std::byte> data(static_cast<size_t>(bytes));
  const size_t period = std::min(data.size(), size_t{1} << 20);
  for (size_t i = 0; i < period; ++i) data[i] = static_cast<std::byte>(random() & 0x3B);
  for (size_t i = period; i < data.size(); ++i) data[i] = data[i - period];
  return data;
}

struct Timing {
  double milliseconds;
  double giga_ops;
  double giga_bytes;
};

Timing TimeProduct(const BenchOptions& options, DType dtype, int64_t tokens, ThreadPool& pool) {
  std::mt19937 random(1);
  const int64_t bytes = options.rows * RowBytes(dtype, options.columns).value();
  const int64_t copies = std::max<int64_t>(1, (options.turn_mib << 20) / bytes);
  const std::vector<std::byte> weights = RandomWeights(bytes * copies, random);
  HugePageArena arena;
  std::vector<std::unique_ptr<Matrix>> matrices;
  for (int64_t i = 0; i < copies; ++i) {
    auto matrix = MakeCpuMatrix({.dtype = dtype,
                                 .rows = options.rows,
                                 .columns = options.columns,
                                 .data = weights.data() + i * bytes},
                                arena, pool);
    ORIEL_CHECK(matrix.ok());
    matrices.push_back(std::move(matrix).value());
  }
  std::vector<float> input(static_cast<size_t>(tokens * options.columns));
  std::normal_distribution<float> normal;
  for (float& value : input) value = normal(random);
  std::vector<float> out(static_cast<size_t>(tokens * options.rows));
  const auto run = [&](int64_t turn) {
    const MatMulTerm term{.matrix = matrices[static_cast<size_t>(turn % copies)].get(),
                          .bias = {},
                          .out = {out.data(), {tokens, options.rows}}};
    const MatMulArgs args{.input = {input.data(), {tokens, options.columns}}, .terms = {&term, 1}};
    ORIEL_CHECK(CpuMatMul(args, pool).ok());
  };

  run(0);
  const auto start = std::chrono::steady_clock::now();
  double elapsed = 0.0;
  int64_t turns = 0;
  while (elapsed < options.seconds) {
    run(++turns);
    elapsed = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  }
  const double seconds = elapsed / static_cast<double>(turns);
  const double ops = 2.0 * static_cast<double>(tokens * options.rows * options.columns);
  return {seconds * 1e3, ops / seconds * 1e-9, static_cast<double>(bytes) / seconds * 1e-9};
}

void RunTable(const BenchOptions& options) {
  ThreadPool pool(options.threads);
  std::printf("%lld rows x %lld columns, %d threads\n", static_cast<long long>(options.rows),
              static_cast<long long>(options.columns), options.threads);
  std::printf("%-5s %6s %10s %9s %8s\n", "dtype", "tokens", "ms", "GOP/s", "GB/s");
  for (DType dtype : kDTypes) {
    const std::string_view name = TraitsOf(dtype).name;
    if (!RowBytes(dtype, options.columns).has_value()) continue;
    if (!options.dtype.empty() && options.dtype != name) continue;
    for (int64_t tokens : kTokenCounts) {
      if (options.tokens != 0 && options.tokens != tokens) continue;
      const Timing timing = TimeProduct(options, dtype, tokens, pool);
      std::printf("%-5s %6lld %10.4f %9.1f %8.2f\n", std::string(name).c_str(),
                  static_cast<long long>(tokens), timing.milliseconds, timing.giga_ops,
                  timing.giga_bytes);
      std::fflush(stdout);
    }
  }
}

void ChooseTarget(const std::string& wanted) {
  for (int64_t targets = hwy::SupportedTargets(); targets != 0; targets &= targets - 1) {
    const int64_t target = targets & -targets;
    if (wanted == hwy::TargetName(target)) return hwy::SetSupportedTargetsForTest(target);
  }
  std::fprintf(stderr, "this processor does not support the target %s\n", wanted.c_str());
  std::exit(1);
}

BenchOptions ParseOptions(int argc, char** argv) {
  BenchOptions options;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string_view name = argv[i];
    const char* value = argv[i + 1];
    if (name == "--rows") options.rows = std::atoll(value);
    if (name == "--columns") options.columns = std::atoll(value);
    if (name == "--tokens") options.tokens = std::atoll(value);
    if (name == "--turn-mib") options.turn_mib = std::atoll(value);
    if (name == "--threads") options.threads = std::atoi(value);
    if (name == "--seconds") options.seconds = std::atof(value);
    if (name == "--target") options.target = value;
    if (name == "--dtype") options.dtype = value;
  }
  return options;
}

}  // namespace
}  // namespace oriel

int main(int argc, char** argv) {
  const oriel::BenchOptions options = oriel::ParseOptions(argc, argv);
  if (!options.target.empty()) oriel::ChooseTarget(options.target);
  oriel::RunTable(options);
  return 0;
}
