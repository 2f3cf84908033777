// Times the append of a decode step's and of a prompt chunk's tokens over all layers of a model and
// prints milliseconds, nanoseconds a token and layer, and GB/s of what is read and written.
//
//   oriel_kv_append_bench [--tokens N] [--streams N] [--codecs KEY/VALUE,…] [OPTION VALUE]…
//
// kv_bench.h lists the options. Codecs matter by their transforms alone.

#include <cstdio>

#include "kernels/core/check.h"
#include "kernels/cpu/cpu_ops.h"
#include "loadtest/kernels/kv_bench.h"

int main(int argc, char** argv) {
  using oriel::KvBench;
  const oriel::KvBenchOptions options = oriel::ParseKvBenchOptions(argc, argv);
  std::printf("%d layers x %d KV heads x %d query heads, head_dim %d\n", options.layers,
              options.kv_heads, options.ratio, options.head_dim);
  std::printf("%-14s %7s %9s %14s %7s\n", "codecs", "tokens", "ms", "ns/token,layer", "GB/s");
  for (const auto& [key, value] : options.codecs) {
    for (KvBench::StepKind kind : {KvBench::StepKind::kDecode, KvBench::StepKind::kPrompt}) {
      KvBench bench(options, key, value, kind);
      const double ms = bench.Time([&](KvBench::Layer& layer) {
        ORIEL_CHECK(oriel::CpuKvAppend(bench.append_args(layer), bench.pool()).ok());
      });
      const double rows = 1.0 * bench.tokens() * options.layers;
      // Queries in and out and keys and values in as floats, keys and values out as halves.
      const double bytes =
          rows * options.kv_heads * options.head_dim * (8.0 * options.ratio + 8.0 + 4.0);
      std::printf("%-14s %7d %9.3f %14.0f %7.2f\n", bench.codecs().c_str(), bench.tokens(), ms,
                  ms * 1e6 / rows, bytes / ms / 1e6);
    }
  }
}
