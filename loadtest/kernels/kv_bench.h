#ifndef ORIEL_LOADTEST_KERNELS_KV_BENCH_H_
#define ORIEL_LOADTEST_KERNELS_KV_BENCH_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "kernels/core/buffer.h"
#include "kernels/core/half.h"
#include "kernels/cpu/thread_pool.h"
#include "kernels/ops/attention.h"
#include "kernels/ops/kv_append.h"
#include "kernels/ops/kv_seal.h"

namespace oriel {

// What the benches of the KV ops measure: a model's shape, a context and pairs of codecs. The
// defaults are SmolLM2-135M's.
struct KvBenchOptions {
  int layers = 30;
  int kv_heads = 3;
  int ratio = 3;  // query heads a KV head
  int head_dim = 64;
  int depth = 4096;  // tokens before the step
  int tokens = 512;  // of a prompt chunk
  int streams = 1;
  int threads = 2;
  int turn_mib = 160;  // cache that takes turns, as weights and other layers displace it in a model
  double seconds = 0.5;
  bool least = false;                           // print the least time rather than the median
  std::string target;                           // a Highway target; empty: the best one
  std::vector<std::pair<Codec, Codec>> codecs;  // keys and values
};

// Reads --layers, --kv-heads, --ratio, --head-dim, --depth, --tokens, --streams, --threads,
// --turn-mib, --seconds, --least 1, --target and --codecs KEY/VALUE,… and selects the target. A
// wrong word ends the program with a message. Without --codecs all tuned pairs are measured.
KvBenchOptions ParseKvBenchOptions(int argc, char** argv);

// One model's layers of cache, in enough copies that none stays in the processor's caches, and the
// arguments of one step over them.
class KvBench {
 public:
  enum class StepKind { kDecode, kPrompt };

  KvBench(const KvBenchOptions& options, Codec key, Codec value, StepKind kind);

  // One layer's cache: packed pages, and FP16 rows that serve as window, sinks and scratch.
  struct Layer {
    Buffer packed;
    Buffer rows;
    KvLayerStorage storage;
  };

  // Milliseconds of one pass over the model's layers.
  double Time(absl::FunctionRef<void(Layer&)> work);
  // Milliseconds of a pure read of the bytes that a decode step's attention reads, in the order of
  // its pages, by the same threads.
  double TimePureRead();

  AttentionArgs attention_args(Layer& layer);
  KvAppendArgs append_args(Layer& layer);
  KvSealArgs seal_args(Layer& layer);

  const KvBenchOptions& options() const { return o_; }
  ThreadPool& pool() { return pool_; }
  int tokens() const;                 // of the step
  int64_t packed_pages() const;       // a stream that the step's last query sees
  double attention_bytes() const;     // of cache that a decode step reads
  int64_t head_pages_sealed() const;  // a pass of the seal
  std::string codecs() const;

 private:
  void PlanViews();
  void ReadLayer(const Layer& layer);

  KvBenchOptions o_;
  StepKind kind_;
  ThreadPool pool_;
  KvLayerFormat format_;
  int64_t pages_ = 0;  // a stream
  std::vector<std::unique_ptr<Layer>> layers_;
  size_t turn_ = 0;
  std::vector<KvView> views_;
  std::vector<PageId> page_ids_;
  std::vector<WindowPageId> window_ids_;
  std::vector<KvSealItem> seals_;
  KvStepView step_;
  std::vector<float> queries_, out_, qkv_, angles_;
};

}  // namespace oriel

#endif  // ORIEL_LOADTEST_KERNELS_KV_BENCH_H_
