// Times decode attention of all layers of a model and prints, for every pair of codecs,
// milliseconds a step, the cache's bytes and GB/s, that speed as a share of a pure read of the same
// bytes in the same run, and nanoseconds of one thread a head page.
//
//   oriel_attention_decode_bench [--depth N] [--streams N] [--codecs KEY/VALUE,…] [OPTION VALUE]…
//
// kv_bench.h lists the options.

#include <cstdio>

#include "kernels/core/check.h"
#include "kernels/cpu/cpu_ops.h"
#include "loadtest/kernels/kv_bench.h"

int main(int argc, char** argv) {
  using oriel::KvBench;
  const oriel::KvBenchOptions options = oriel::ParseKvBenchOptions(argc, argv);
  std::printf("%d layers x %d KV heads x %d query heads, head_dim %d, depth %d, %d streams\n",
              options.layers, options.kv_heads, options.ratio, options.head_dim, options.depth,
              options.streams);
  std::printf("%-14s %9s %9s %7s %10s %12s\n", "codecs", "ms", "MB", "GB/s", "% of read",
              "ns/head page");
  for (const auto& [key, value] : options.codecs) {
    KvBench bench(options, key, value, KvBench::StepKind::kDecode);
    const double ms = bench.Time([&](KvBench::Layer& layer) {
      ORIEL_CHECK(oriel::CpuAttentionDecode(bench.attention_args(layer), bench.pool()).ok());
    });
    const double read_ms = bench.TimePureRead();
    const double head_pages = static_cast<double>(bench.packed_pages() * options.streams *
                                                  options.kv_heads * options.layers);
    std::printf("%-14s %9.3f %9.2f %7.2f %10.1f %12.0f\n", bench.codecs().c_str(), ms,
                bench.attention_bytes() / 1e6, bench.attention_bytes() / ms / 1e6,
                100.0 * read_ms / ms, ms * 1e6 * options.threads / head_pages);
  }
}
