// Times prefill attention of a chunk of prompt tokens behind a context, over all layers of a model,
// and prints milliseconds, microseconds a token, and GFLOP/s of the products that the chunk's
// queries need: four operations a channel for every token that a query sees.
//
//   oriel_attention_prefill_bench [--depth N] [--tokens N] [--codecs KEY/VALUE,…] [OPTION VALUE]…
//
// kv_bench.h lists the options.

#include <cstdio>

#include "kernels/core/check.h"
#include "kernels/cpu/cpu_ops.h"
#include "loadtest/kernels/kv_bench.h"

int main(int argc, char** argv) {
  using oriel::KvBench;
  const oriel::KvBenchOptions options = oriel::ParseKvBenchOptions(argc, argv);
  std::printf("%d layers x %d KV heads x %d query heads, head_dim %d, %d tokens behind %d\n",
              options.layers, options.kv_heads, options.ratio, options.head_dim, options.tokens,
              options.depth);
  std::printf("%-14s %9s %9s %9s\n", "codecs", "ms", "us/token", "GFLOP/s");
  for (const auto& [key, value] : options.codecs) {
    KvBench bench(options, key, value, KvBench::StepKind::kPrompt);
    const double ms = bench.Time([&](KvBench::Layer& layer) {
      ORIEL_CHECK(oriel::CpuAttentionPrefill(bench.attention_args(layer), bench.pool()).ok());
    });
    const double seen = options.tokens * (options.depth + (options.tokens + 1) / 2.0);
    const double operations =
        4.0 * seen * options.head_dim * options.kv_heads * options.ratio * options.layers;
    std::printf("%-14s %9.3f %9.2f %9.1f\n", bench.codecs().c_str(), ms, ms * 1e3 / options.tokens,
                operations / ms / 1e6);
  }
}
