// Times the KV ops of all layers of a model and prints milliseconds a step, the cache bytes a
// second and nanoseconds a head page.
//
//   oriel_attention_bench [--layers N] [--kv-heads N] [--ratio N] [--head-dim N] [--depth N]
//   [--prompt N]
//                         [--key CODEC] [--value CODEC] [--threads N] [--target NAME] [--seconds S]
//                         [--least 1]
//
// Every layer has pools of its own, as in a model, so that a deep cache does not stay in the first
// caches.

#include <algorithm>
#include <chrono>
#include <cmath>
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
#include "kernels/cpu/cpu_ops.h"
#include "kernels/formats/parse_codec.h"

namespace oriel {
namespace {

constexpr int kWindowTokens = 128;
constexpr int kSinkTokens = 5;

struct BenchOptions {
  int layers = 30;
  int kv_heads = 3;
  int ratio = 3;
  int head_dim = 64;
  int depth = 4096;
  int prompt = 512;
  int threads = 2;
  double seconds = 0.5;
  bool least = false;
  Codec key = Codec::kInt2;
  Codec value = Codec::kE8_1p5;
  std::string target;
};

// One layer's cache of one sequence and the rows of one step.
struct Layer {
  Layer(const BenchOptions& o, const KvLayerFormat& format, int tokens) {
    const int64_t pages = (tokens + kPageTokens - 1) / kPageTokens + 1;
    const int64_t heads = o.kv_heads;
    packed.resize(static_cast<size_t>(pages * format.layer_page_bytes));
    std::mt19937 random(5);
    // Small bytes everywhere: valid scales, nearly even weights.
    for (std::byte& byte : packed) byte = static_cast<std::byte>(random() & 0x77);
    rows.assign(static_cast<size_t>(pages * heads * kPageTokens * o.head_dim), Half{0x3400});
    for (Half& half : rows) half.bits = static_cast<uint16_t>(0x3000 + random() % 0x800);
    storage.format = &format;
    storage.packed_pool = {packed.data(), {pages, format.layer_page_bytes}};
    storage.window_keys = {rows.data(), {pages, heads, kPageTokens, o.head_dim}};
    storage.window_values = storage.window_keys;
    storage.sink_keys = {rows.data(), {1, heads, kSinkTokens, o.head_dim}};
    storage.sink_values = storage.sink_keys;
    storage.scratch_keys = {rows.data(), {heads, o.prompt, o.head_dim}};
    storage.scratch_values = storage.scratch_keys;
  }
  std::vector<std::byte> packed;
  std::vector<Half> rows;
  KvLayerStorage storage;
};

struct Step {
  Step(int first_position, int tokens, bool decode) {
    view.num_queries = tokens;
    view.first_position = first_position;
    view.scratch_row = decode ? -1 : 0;
    const int pages = (first_position + tokens) / kPageTokens + 1;
    for (int page = 0; page < pages; ++page) ids.push_back(page * 7919 % pages);
    std::sort(ids.begin(), ids.end());
    for (size_t i = ids.size(); i-- > 1;) std::swap(ids[i], ids[i * 7919 % (i + 1)]);
    step.views = {&view, {1}};
    step.packed_pages = {ids.data(), {pages}};
    step.window_pages = {ids.data(), {pages}};
    step.window_tokens = kWindowTokens;
    step.sink_tokens = kSinkTokens;
  }
  KvView view;
  std::vector<int32_t> ids;
  KvStepView step;
};

class Bench {
 public:
  explicit Bench(const BenchOptions& options)
      : o_(options),
        pool_(options.threads),
        format_(MakeUniformKvLayerFormat(o_.head_dim, o_.kv_heads, o_.key, o_.value)) {
    const int tokens = std::max(o_.depth, o_.prompt) + 1;
    for (int i = 0; i < o_.layers; ++i) {
      layers_.push_back(std::make_unique<Layer>(o_, format_, tokens));
    }
    const int q_heads = o_.kv_heads * o_.ratio;
    const size_t row = static_cast<size_t>(q_heads * o_.head_dim);
    queries_.resize(static_cast<size_t>(o_.prompt) * row);
    std::mt19937 random(3);
    std::normal_distribution<float> normal;
    for (float& q : queries_) q = normal(random);
    out_.resize(queries_.size());
    qkv_.resize(static_cast<size_t>(o_.prompt) *
                static_cast<size_t>((q_heads + 2 * o_.kv_heads) * o_.head_dim));
    for (float& x : qkv_) x = normal(random);
    angles_.assign(static_cast<size_t>(o_.prompt * o_.head_dim / 2), 0.7f);
  }

  void Decode() {
    Step step(o_.depth, 1, true);
    const double ms = Time([&](Layer& layer) {
      ORIEL_CHECK(CpuAttentionDecode(Attention(step, layer, 1), pool_).ok());
    });
    const int pages = NumPackedPages(o_.depth, kWindowTokens);
    const double packed = double(pages) * double(format_.layer_page_bytes) * o_.layers;
    const double fp16_rows = o_.depth - pages * kPageTokens + 1 + kSinkTokens;
    const double bytes = packed + fp16_rows * o_.kv_heads * o_.head_dim * 4.0 * o_.layers;
    const double head_pages = double(pages) * o_.kv_heads * o_.layers;
    std::printf("decode   depth %7d  %8.3f ms  %6.2f MB  %6.2f GB/s  %7.0f ns a head page\n",
                o_.depth, ms, bytes / 1e6, bytes / ms / 1e6,
                ms * 1e6 * o_.threads / std::max(1.0, head_pages));
  }

  void Prefill() {
    Step step(0, o_.prompt, false);
    const double ms = Time([&](Layer& layer) {
      ORIEL_CHECK(CpuAttentionPrefill(Attention(step, layer, o_.prompt), pool_).ok());
    });
    const double operations =
        2.0 * o_.prompt * (o_.prompt + 1.0) * o_.head_dim * o_.kv_heads * o_.ratio * o_.layers;
    std::printf("prefill  tokens %6d  %8.3f ms  %7.1f GFLOP/s\n", o_.prompt, ms,
                operations / ms / 1e6);
  }

  void Append() {
    for (int tokens : {1, o_.prompt}) {
      Step step(tokens == 1 ? o_.depth : 0, tokens, tokens == 1);
      const double ms = Time([&](Layer& layer) { AppendTokens(step, layer, tokens); });
      std::printf("append   tokens %6d  %8.3f ms\n", tokens, ms);
    }
  }

  void Seal() {
    std::vector<KvSealItem> items;
    for (int page = 0; page < o_.prompt / kPageTokens; ++page) {
      items.push_back({.page = page, .scratch_row = page * kPageTokens});
    }
    const double ms = Time([&](Layer& layer) {
      const KvSealArgs args = {.items = {items.data(), {static_cast<int64_t>(items.size())}},
                               .storage = &layer.storage};
      ORIEL_CHECK(CpuKvSeal(args, pool_).ok());
    });
    std::printf(
        "seal     pages %7zu  %8.3f ms  %7.0f ns a head page\n", items.size(), ms,
        ms * 1e6 * o_.threads / static_cast<double>(items.size()) / o_.kv_heads / o_.layers);
  }

 private:
  AttentionArgs Attention(const Step& step, Layer& layer, int tokens) {
    const int64_t q_heads = o_.kv_heads * o_.ratio;
    return {.queries = {queries_.data(), {tokens, q_heads, o_.head_dim}},
            .out = {out_.data(), {tokens, q_heads, o_.head_dim}},
            .step = &step.step,
            .storage = &layer.storage,
            .softmax_scale = 1.0f / std::sqrt(static_cast<float>(o_.head_dim))};
  }

  void AppendTokens(const Step& step, Layer& layer, int tokens) {
    const int64_t q_heads = o_.kv_heads * o_.ratio;
    const int64_t row = (q_heads + 2 * o_.kv_heads) * o_.head_dim;
    const KvAppendArgs args = {.qkv = {qkv_.data(), {tokens, row}},
                               .cosines = {angles_.data(), {tokens, o_.head_dim / 2}},
                               .sines = {angles_.data(), {tokens, o_.head_dim / 2}},
                               .pairs = RopePairs::kAdjacent,
                               .queries = {queries_.data(), {tokens, q_heads, o_.head_dim}},
                               .step = &step.step,
                               .storage = &layer.storage};
    ORIEL_CHECK(CpuKvAppend(args, pool_).ok());
  }

  // Milliseconds of one pass over all layers: the median, or the least where other work disturbs
  // the machine.
  template <typename Work>
  double Time(Work work) {
    using Clock = std::chrono::steady_clock;
    std::vector<double> times;
    const Clock::time_point start = Clock::now();
    do {
      const Clock::time_point begin = Clock::now();
      for (const auto& layer : layers_) work(*layer);
      times.push_back(std::chrono::duration<double, std::milli>(Clock::now() - begin).count());
    } while (times.size() < 3 ||
             std::chrono::duration<double>(Clock::now() - start).count() < o_.seconds);
    std::sort(times.begin(), times.end());
    return o_.least ? times.front() : times[times.size() / 2];
  }

  BenchOptions o_;
  ThreadPool pool_;
  KvLayerFormat format_;
  std::vector<std::unique_ptr<Layer>> layers_;
  std::vector<float> queries_, out_, qkv_, angles_;
};

Codec CodecOrExit(const char* name) {
  const absl::StatusOr<Codec> codec = ParseCodec(name);
  if (codec.ok()) return *codec;
  std::fprintf(stderr, "%s\n", std::string(codec.status().message()).c_str());
  std::exit(2);
}

BenchOptions ParseOptions(int argc, char** argv) {
  BenchOptions o;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string_view name = argv[i];
    const char* value = argv[i + 1];
    if (name == "--layers") o.layers = std::atoi(value);
    if (name == "--kv-heads") o.kv_heads = std::atoi(value);
    if (name == "--ratio") o.ratio = std::atoi(value);
    if (name == "--head-dim") o.head_dim = std::atoi(value);
    if (name == "--depth") o.depth = std::atoi(value);
    if (name == "--prompt") o.prompt = std::atoi(value);
    if (name == "--threads") o.threads = std::atoi(value);
    if (name == "--least") o.least = std::atoi(value) != 0;
    if (name == "--seconds") o.seconds = std::atof(value);
    if (name == "--key") o.key = CodecOrExit(value);
    if (name == "--value") o.value = CodecOrExit(value);
    if (name == "--target") o.target = value;
  }
  return o;
}

void SelectTarget(const std::string& name) {
  if (name.empty()) return;
  for (int64_t left = hwy::SupportedTargets(); left != 0; left &= left - 1) {
    const int64_t target = left & ~(left - 1);
    if (name == hwy::TargetName(target)) return hwy::SetSupportedTargetsForTest(target);
  }
  std::fprintf(stderr, "this machine has no target %s\n", name.c_str());
  std::exit(2);
}

}  // namespace
}  // namespace oriel

int main(int argc, char** argv) {
  const oriel::BenchOptions options = oriel::ParseOptions(argc, argv);
  oriel::SelectTarget(options.target);
  oriel::Bench bench(options);
  bench.Decode();
  bench.Prefill();
  bench.Append();
  bench.Seal();
}
