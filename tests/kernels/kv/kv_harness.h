#ifndef ORIEL_TESTS_KERNELS_KV_KV_HARNESS_H_
#define ORIEL_TESTS_KERNELS_KV_KV_HARNESS_H_

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "kernels/cpu/thread_pool.h"
#include "kernels/ops/attention.h"
#include "kernels/ops/kv_append.h"
#include "kernels/ops/kv_seal.h"
#include "kernels/ops/kv_view.h"

namespace oriel {

struct KvSpec {
  int head_dim = 64;
  int q_heads_per_kv_head = 3;
  std::vector<KvHeadFormat> heads;  // one a KV head
  int window_tokens = 128;
  int sink_tokens = 5;
  int num_sequences = 1;
  int tokens_max = 512;  // a sequence
  int scratch_rows = 512;
  RopePairs pairs = RopePairs::kHalves;
  int rotary_pairs = 32;
  uint64_t seed = 1;
  bool asymmetric = false;
  float softmax_scale = 0.0f;  // 0: 1 / sqrt(head_dim)
  // A few channels common to all keys, as models with a key bias have them.
  float key_bias = 0.0f;
};

// Which implementation of the four ops a step goes through.
enum class KvOps : uint8_t { kReference, kCpu };

// One part of a step: the next `tokens` tokens of a sequence.
struct KvChunk {
  int sequence = 0;
  int tokens = 1;
  bool decode = false;
};

// A one-layer cache with everything the four KV ops need, driven as the engine drives it: append,
// seal what the step must see packed, attend. Token contents depend on the sequence and the
// position alone, so the same tokens can be fed in any chunks.
class KvHarness {
 public:
  explicit KvHarness(const KvSpec& spec, int threads = 2);

  // Appends and seals; the step's arguments stay valid until the next call.
  void Feed(const std::vector<KvChunk>& chunks, KvOps ops = KvOps::kCpu);
  // Attention of the step fed last: [tokens, q_heads, head_dim], rows in the order of the chunks.
  std::vector<float> Attend(KvOps ops = KvOps::kCpu);
  // Feeds a sequence's next tokens as one prompt chunk after the other.
  void FeedPrompt(int sequence, int tokens, int chunk_tokens, KvOps ops = KvOps::kCpu);

  const KvSpec& spec() const { return spec_; }
  const KvLayerFormat& format() const { return format_; }
  KvLayerStorage& storage() { return storage_; }
  KvStepView& step() { return step_; }
  const std::vector<float>& queries() const { return queries_; }
  int length(int sequence) const { return lengths_[static_cast<size_t>(sequence)]; }
  int num_sealed(int sequence) const { return sealed_[static_cast<size_t>(sequence)]; }
  int q_heads() const { return spec_.q_heads_per_kv_head * format_.kv_heads; }
  PageId packed_page(int sequence, int page) const;
  // Bytes of one head page of a sealed page.
  std::byte* HeadPage(int sequence, int page, int kv_head);

  KvAppendArgs append_args();
  KvSealArgs seal_args();
  AttentionArgs attention_args();
  ThreadPool& pool() { return pool_; }

 private:
  void MakePools();
  void PlanStep(const std::vector<KvChunk>& chunks);
  void PlanSeals(const KvView& view, int sequence);
  void FillTokens(const KvView& view, int sequence);

  KvSpec spec_;
  ThreadPool pool_;
  KvLayerFormat format_;
  KvLayerStorage storage_;
  std::vector<std::byte> packed_;
  std::vector<Half> window_keys_, window_values_, sink_keys_, sink_values_;
  std::vector<Half> scratch_keys_, scratch_values_;
  std::vector<int> lengths_, sealed_;
  int pages_max_ = 0;

  KvStepView step_;
  std::vector<KvView> views_;
  std::vector<PageId> packed_pages_;
  std::vector<WindowPageId> window_pages_;
  std::vector<KvSealItem> seals_;
  std::vector<float> qkv_, cosines_, sines_, queries_, out_;
};

// One op of either implementation on any arguments.
absl::Status RunAppend(const KvAppendArgs& args, KvOps ops, ThreadPool& pool);
absl::Status RunSeal(const KvSealArgs& args, KvOps ops, ThreadPool& pool);
absl::Status RunDecode(const AttentionArgs& args, KvOps ops, ThreadPool& pool);
absl::Status RunPrefill(const AttentionArgs& args, KvOps ops, ThreadPool& pool);

// The greatest |a - b| of a row, relative to the norm of the row of b; rows of `row` values.
double GreatestRowError(const std::vector<float>& a, const std::vector<float>& b, int row);

}  // namespace oriel

#endif  // ORIEL_TESTS_KERNELS_KV_KV_HARNESS_H_
