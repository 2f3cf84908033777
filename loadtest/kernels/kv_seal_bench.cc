// Times the seal of a prompt chunk's pages over all layers of a model and prints milliseconds a
// chunk, nanoseconds of one thread a head page, and what sealing adds to a decode step of one
// stream, which fills a page every 64 steps.
//
//   oriel_kv_seal_bench [--tokens N] [--codecs KEY/VALUE,…] [OPTION VALUE]…
//
// kv_bench.h lists the options.

#include <cstdio>

#include "kernels/core/check.h"
#include "kernels/cpu/cpu_ops.h"
#include "loadtest/kernels/kv_bench.h"

int main(int argc, char** argv) {
  using oriel::KvBench;
  const oriel::KvBenchOptions options = oriel::ParseKvBenchOptions(argc, argv);
  std::printf("%d layers x %d KV heads, head_dim %d, %d tokens\n", options.layers, options.kv_heads,
              options.head_dim, options.tokens);
  std::printf("%-14s %9s %13s %14s\n", "codecs", "ms", "ns/head page", "us/decode step");
  for (const auto& [key, value] : options.codecs) {
    KvBench bench(options, key, value, KvBench::StepKind::kPrompt);
    const double ms = bench.Time([&](KvBench::Layer& layer) {
      ORIEL_CHECK(oriel::CpuKvSeal(bench.seal_args(layer), bench.pool()).ok());
    });
    const double head_pages = static_cast<double>(bench.head_pages_sealed());
    std::printf("%-14s %9.3f %13.0f %14.1f\n", bench.codecs().c_str(), ms,
                ms * 1e6 * options.threads / head_pages, ms * 1e3 / options.tokens);
  }
}
