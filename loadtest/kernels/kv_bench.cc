#include "loadtest/kernels/kv_bench.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <string_view>

#include "hwy/targets.h"
#include "kernels/core/check.h"
#include "kernels/formats/parse_codec.h"

namespace oriel {
namespace {

constexpr int kWindowTokens = 128;
constexpr int kSinkTokens = 5;
// Window pages a stream: what a window of 128 tokens and the page being filled need.
constexpr int kWindowPages = 4;
constexpr size_t kPatternBytes = size_t{1} << 20;

// Random bytes that are valid scales in any place and give nearly even weights.
std::vector<std::byte> MakePackedPattern() {
  std::mt19937 random(5);
  std::vector<std::byte> pattern(kPatternBytes);
  for (std::byte& byte : pattern) byte = static_cast<std::byte>(random() & 0x77);
  return pattern;
}

std::vector<std::byte> MakeHalfPattern() {
  std::mt19937 random(6);
  std::vector<std::byte> pattern(kPatternBytes);
  for (size_t i = 0; i < kPatternBytes; i += sizeof(Half)) {
    const Half half{static_cast<uint16_t>(0x3000 + random() % 0x800)};
    std::memcpy(pattern.data() + i, &half, sizeof(half));
  }
  return pattern;
}

Buffer MakeMemory(int64_t bytes) {
  absl::StatusOr<Buffer> buffer = MakeHostBuffer(static_cast<size_t>(bytes));
  ORIEL_CHECK(buffer.ok());
  return *std::move(buffer);
}

void Fill(const std::vector<std::byte>& pattern, const Buffer& out) {
  for (size_t at = 0; at < out.size_bytes(); at += pattern.size()) {
    std::memcpy(out.data() + at, pattern.data(), std::min(pattern.size(), out.size_bytes() - at));
  }
}

// Pages of one item of a pure read.
constexpr int64_t kReadPages = 16;

// Reads one page as fast as memory gives it, and asks for the next one.
uint64_t ReadPage(const std::byte* page, const std::byte* next, size_t bytes) {
  constexpr size_t kWords = 8;
  uint64_t sums[kWords] = {};
  for (size_t line = 0; line + sizeof(sums) <= bytes; line += sizeof(sums)) {
    __builtin_prefetch(next + line);
    uint64_t words[kWords];
    std::memcpy(words, page + line, sizeof(words));
    for (size_t i = 0; i < kWords; ++i) sums[i] ^= words[i];
  }
  uint64_t sum = 0;
  for (uint64_t part : sums) sum ^= part;
  return sum;
}

// What is read counts, so that the reads are not left out.
void KeepSum(uint64_t sum) {
  static std::atomic<uint64_t> kept;
  kept.fetch_xor(sum, std::memory_order_relaxed);
}

[[noreturn]] void Refuse(const std::string& message) {
  std::fprintf(stderr, "%s\n", message.c_str());
  std::exit(2);
}

Codec CodecOrExit(std::string_view name) {
  const absl::StatusOr<Codec> codec = ParseCodec(name);
  if (!codec.ok()) Refuse(std::string(codec.status().message()));
  return *codec;
}

std::vector<std::pair<Codec, Codec>> CodecsOrExit(std::string_view text) {
  std::vector<std::pair<Codec, Codec>> codecs;
  while (!text.empty()) {
    const std::string_view pair = text.substr(0, text.find(','));
    text.remove_prefix(std::min(text.size(), pair.size() + 1));
    const size_t slash = pair.find('/');
    if (slash == std::string_view::npos) Refuse("--codecs takes KEY/VALUE,…");
    codecs.emplace_back(CodecOrExit(pair.substr(0, slash)), CodecOrExit(pair.substr(slash + 1)));
  }
  return codecs;
}

void SelectTarget(const std::string& name) {
  if (name.empty()) return;
  for (int64_t left = hwy::SupportedTargets(); left != 0; left &= left - 1) {
    const int64_t target = left & ~(left - 1);
    if (name == hwy::TargetName(target)) return hwy::SetSupportedTargetsForTest(target);
  }
  Refuse("this machine has no target " + name);
}

void ReadOption(std::string_view name, const char* value, KvBenchOptions& o) {
  if (name == "--layers") return void(o.layers = std::atoi(value));
  if (name == "--kv-heads") return void(o.kv_heads = std::atoi(value));
  if (name == "--ratio") return void(o.ratio = std::atoi(value));
  if (name == "--head-dim") return void(o.head_dim = std::atoi(value));
  if (name == "--depth") return void(o.depth = std::atoi(value));
  if (name == "--tokens") return void(o.tokens = std::atoi(value));
  if (name == "--streams") return void(o.streams = std::atoi(value));
  if (name == "--threads") return void(o.threads = std::atoi(value));
  if (name == "--turn-mib") return void(o.turn_mib = std::atoi(value));
  if (name == "--seconds") return void(o.seconds = std::atof(value));
  if (name == "--least") return void(o.least = std::atoi(value) != 0);
  if (name == "--target") return void(o.target = value);
  if (name == "--codecs") return void(o.codecs = CodecsOrExit(value));
  Refuse("unknown option " + std::string(name));
}

}  // namespace

KvBenchOptions ParseKvBenchOptions(int argc, char** argv) {
  KvBenchOptions o;
  for (int i = 1; i < argc; i += 2) {
    if (i + 1 == argc) Refuse(std::string(argv[i]) + " wants a value");
    ReadOption(argv[i], argv[i + 1], o);
  }
  if (o.codecs.empty()) {
    o.codecs = CodecsOrExit(
        "int2/e8_1p5,fp16/fp16,int8/int8,int4/int4,int2/int2,int1/int1,e8_1p5/e8_1p5,"
        "e8_2p5/e8_2p5");
  }
  SelectTarget(o.target);
  return o;
}

KvBench::KvBench(const KvBenchOptions& options, Codec key, Codec value, StepKind kind)
    : o_(options),
      kind_(kind),
      pool_(options.threads),
      format_(MakeUniformKvLayerFormat(options.head_dim, options.kv_heads, key, value)) {
  PlanViews();
  const std::vector<std::byte> packed_pattern = MakePackedPattern();
  const std::vector<std::byte> half_pattern = MakeHalfPattern();
  const int64_t num_pages = o_.streams * pages_;
  const int64_t window_rows = o_.streams * kWindowPages * kPageTokens;
  const int64_t rows = std::max<int64_t>(window_rows, tokens());
  const double layer_bytes = static_cast<double>(num_pages * format_.layer_page_bytes) +
                             static_cast<double>(rows * o_.kv_heads * o_.head_dim * 2);
  const double turn_bytes = std::ldexp(static_cast<double>(o_.turn_mib), 20);
  const int copies = std::max(1, static_cast<int>(turn_bytes / (layer_bytes * o_.layers)));
  for (int i = 0; i < copies * o_.layers; ++i) {
    auto layer = std::make_unique<Layer>();
    layer->packed = MakeMemory(num_pages * format_.layer_page_bytes);
    Fill(packed_pattern, layer->packed);
    layer->rows = MakeMemory(rows * o_.kv_heads * o_.head_dim * 2);
    Fill(half_pattern, layer->rows);
    Half* const data = layer->rows.as<Half>();
    KvLayerStorage& storage = layer->storage;
    storage.format = &format_;
    storage.packed_pool = {layer->packed.data(), {num_pages, format_.layer_page_bytes}};
    storage.window_keys = {data,
                           {o_.streams * kWindowPages, o_.kv_heads, kPageTokens, o_.head_dim}};
    storage.window_values = storage.window_keys;
    storage.sink_keys = {data, {o_.streams, o_.kv_heads, kSinkTokens, o_.head_dim}};
    storage.sink_values = storage.sink_keys;
    storage.scratch_keys = {data, {o_.kv_heads, rows, o_.head_dim}};
    storage.scratch_values = storage.scratch_keys;
    layers_.push_back(std::move(layer));
  }

  std::mt19937 random(3);
  std::normal_distribution<float> normal;
  const int64_t q_heads = o_.kv_heads * o_.ratio;
  queries_.resize(static_cast<size_t>(tokens() * q_heads * o_.head_dim));
  for (float& q : queries_) q = normal(random);
  out_.resize(queries_.size());
  qkv_.resize(static_cast<size_t>(tokens() * (q_heads + 2 * o_.kv_heads) * o_.head_dim));
  for (float& x : qkv_) x = normal(random);
  angles_.assign(static_cast<size_t>(tokens() * o_.head_dim / 2), 0.7f);
}

int KvBench::tokens() const { return kind_ == StepKind::kDecode ? o_.streams : o_.tokens; }

// A decode step has one token a stream; a prompt step has one stream's chunk behind `depth` tokens.
void KvBench::PlanViews() {
  const bool decode = kind_ == StepKind::kDecode;
  if (!decode) o_.streams = 1;
  const int chunk = decode ? 1 : o_.tokens;
  pages_ = (o_.depth + chunk) / kPageTokens + 1;
  const int first_window_page = NumPackedPages(o_.depth, kWindowTokens);
  for (int stream = 0; stream < o_.streams; ++stream) {
    views_.push_back({.first_row = stream * chunk,
                      .num_queries = chunk,
                      .first_position = o_.depth,
                      .scratch_row = decode ? -1 : 0,
                      .sequence_slot = stream,
                      .packed_begin = static_cast<int32_t>(stream * pages_),
                      .window_begin = static_cast<int32_t>(window_ids_.size()),
                      .first_window_page = first_window_page});
    for (int64_t page = first_window_page; page < pages_; ++page) {
      const int64_t place = stream * kWindowPages + page % kWindowPages;
      window_ids_.push_back(static_cast<WindowPageId>(place));
    }
  }
  // Pages lie in any order, as they do in a pool that has served for a while.
  for (int64_t i = 0; i < o_.streams * pages_; ++i) page_ids_.push_back(static_cast<PageId>(i));
  std::shuffle(page_ids_.begin(), page_ids_.end(), std::mt19937(7));
  step_.views = {views_.data(), {o_.streams}};
  step_.packed_pages = {page_ids_.data(), {static_cast<int64_t>(page_ids_.size())}};
  step_.window_pages = {window_ids_.data(), {static_cast<int64_t>(window_ids_.size())}};
  step_.window_tokens = kWindowTokens;
  step_.sink_tokens = kSinkTokens;
  for (int page = 0; page < chunk / kPageTokens; ++page) {
    seals_.push_back(
        {.page = page_ids_[static_cast<size_t>(page)], .scratch_row = page * kPageTokens});
  }
}

int64_t KvBench::packed_pages() const {
  return NumPackedPages(views_.front().last_position(), kWindowTokens);
}

double KvBench::attention_bytes() const {
  const double packed = static_cast<double>(packed_pages() * format_.layer_page_bytes);
  const double rows =
      static_cast<double>(o_.depth + 1 - packed_pages() * kPageTokens + kSinkTokens);
  return (packed + rows * o_.kv_heads * o_.head_dim * 4.0) * o_.streams * o_.layers;
}

int64_t KvBench::head_pages_sealed() const {
  return static_cast<int64_t>(seals_.size()) * o_.kv_heads * o_.layers;
}

std::string KvBench::codecs() const {
  const KvHeadFormat& head = format_.head(0);
  return std::string(CodecName(head.key)) + "/" + std::string(CodecName(head.value));
}

double KvBench::Time(absl::FunctionRef<void(Layer&)> work) {
  using Clock = std::chrono::steady_clock;
  const auto pass = [&] {
    for (int i = 0; i < o_.layers; ++i) work(*layers_[turn_++ % layers_.size()]);
  };
  pass();
  std::vector<double> times;
  const Clock::time_point start = Clock::now();
  do {
    const Clock::time_point begin = Clock::now();
    pass();
    times.push_back(std::chrono::duration<double, std::milli>(Clock::now() - begin).count());
  } while (times.size() < 5 ||
           std::chrono::duration<double>(Clock::now() - start).count() < o_.seconds);
  std::sort(times.begin(), times.end());
  return o_.least ? times.front() : times[times.size() / 2];
}

void KvBench::ReadLayer(const Layer& layer) {
  const int64_t pages = packed_pages();
  const int64_t runs = (pages + kReadPages - 1) / kReadPages;
  const size_t page_bytes = static_cast<size_t>(format_.layer_page_bytes);
  pool_.ParallelFor(o_.streams * runs, [&](int64_t item, int32_t) {
    const int64_t stream = item / runs;
    const int64_t first = item % runs * kReadPages;
    uint64_t sum = 0;
    for (int64_t page = first; page < std::min(first + kReadPages, pages); ++page) {
      const auto at = [&](int64_t index) {
        const size_t place = static_cast<size_t>(stream * pages_ + index);
        return layer.storage.packed_pool.row(page_ids_[place]);
      };
      sum ^= ReadPage(at(page), at(std::min(page + 1, pages - 1)), page_bytes);
    }
    KeepSum(sum);
  });
}

double KvBench::TimePureRead() {
  const double ms = Time([&](Layer& layer) { ReadLayer(layer); });
  const double read =
      static_cast<double>(packed_pages() * format_.layer_page_bytes) * o_.streams * o_.layers;
  return ms * attention_bytes() / read;
}

AttentionArgs KvBench::attention_args(Layer& layer) {
  const int64_t q_heads = o_.kv_heads * o_.ratio;
  return {.queries = {queries_.data(), {tokens(), q_heads, o_.head_dim}},
          .out = {out_.data(), {tokens(), q_heads, o_.head_dim}},
          .step = &step_,
          .storage = &layer.storage,
          .softmax_scale = 1.0f / std::sqrt(static_cast<float>(o_.head_dim))};
}

KvAppendArgs KvBench::append_args(Layer& layer) {
  const int64_t q_heads = o_.kv_heads * o_.ratio;
  const int64_t row = (q_heads + 2 * o_.kv_heads) * o_.head_dim;
  return {.qkv = {qkv_.data(), {tokens(), row}},
          .cosines = {angles_.data(), {tokens(), o_.head_dim / 2}},
          .sines = {angles_.data(), {tokens(), o_.head_dim / 2}},
          .pairs = RopePairs::kAdjacent,
          .queries = {queries_.data(), {tokens(), q_heads, o_.head_dim}},
          .step = &step_,
          .storage = &layer.storage};
}

KvSealArgs KvBench::seal_args(Layer& layer) {
  return {.items = {seals_.data(), {static_cast<int64_t>(seals_.size())}},
          .storage = &layer.storage};
}

}  // namespace oriel
