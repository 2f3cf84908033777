#include "kernels/cpu/attention_decode.h"

#include <algorithm>
#include <vector>

#include "kernels/cpu/cpu_ops.h"

namespace oriel {
namespace {

// States that a launch holds at once, whatever the batch and the context.
constexpr int64_t kStatesMax = 4096;
constexpr int64_t kPairsMergedAlone = 4;

// The states of one wave: a block of (view, KV head) pairs times a run of splits, and in front of
// each pair's splits what the waves before left. One a thread that calls the op.
struct Workspace {
  std::vector<SoftmaxState> states = std::vector<SoftmaxState>(kStatesMax);
};

class DecodeAttention {
 public:
  DecodeAttention(const AttentionArgs& args, ThreadPool& pool)
      : args_(args),
        pool_(pool),
        kv_heads_(args.storage->format->kv_heads),
        heads_(args.queries.dim(1) / kv_heads_),
        pairs_(args.step->views.dim(0) * kv_heads_) {}

  void Run(Workspace& workspace) {
    const int64_t pairs_at_once =
        std::clamp<int64_t>(pairs_, 1, std::max<int64_t>(1, kStatesMax / (2 * heads_)));
    for (int64_t first = 0; first < pairs_; first += pairs_at_once) {
      const int64_t pairs = std::min(pairs_at_once, pairs_ - first);
      const int64_t splits = NumSplits(first, pairs);
      const int64_t room = kStatesMax / (heads_ * pairs) - 1;
      const int64_t splits_at_once = std::clamp<int64_t>(room, 1, splits);
      for (int64_t split = 0; split < splits; split += splits_at_once) {
        RunWave({.first_pair = first,
                 .pairs = pairs,
                 .first_split = split,
                 .splits = std::min(splits_at_once, splits - split),
                 .places = 1 + splits_at_once,
                 .is_last = split + splits_at_once >= splits},
                workspace.states.data());
      }
    }
  }

 private:
  struct Wave {
    int64_t first_pair;
    int64_t pairs;
    int64_t first_split;
    int64_t splits;
    int64_t places;  // a pair: what was merged so far, then the splits
    bool is_last;
  };

  const KvView& ViewOf(int64_t pair) const { return args_.step->views(pair / kv_heads_); }

  int64_t NumSplits(int64_t first, int64_t pairs) const {
    int32_t last_page = 0;
    for (int64_t pair = first; pair < first + pairs; ++pair) {
      last_page = std::max(last_page, ViewOf(pair).last_position() / kPageTokens);
    }
    return last_page / kSplitPages + 1;
  }

  SoftmaxState* StatesOf(const Wave& wave, int64_t pair, int64_t place,
                         SoftmaxState* states) const {
    return states + ((pair - wave.first_pair) * wave.places + place) * heads_;
  }

  bool HasSplit(int64_t pair, int64_t split) const {
    return split * kSplitPages <= ViewOf(pair).last_position() / kPageTokens;
  }

  void RunWave(const Wave& wave, SoftmaxState* states) {
    pool_.ParallelFor(wave.pairs * wave.splits, [&](int64_t item, int32_t) {
      const int64_t pair = wave.first_pair + item / wave.splits;
      const int64_t split = wave.first_split + item % wave.splits;
      if (!HasSplit(pair, split)) return;
      const int32_t first_page = static_cast<int32_t>(split) * kSplitPages;
      AttendDecodeSplit({.args = &args_,
                         .view = &ViewOf(pair),
                         .kv_head = static_cast<int>(pair % kv_heads_),
                         .first_page = first_page,
                         .end_page = first_page + kSplitPages},
                        StatesOf(wave, pair, 1 + item % wave.splits, states));
    });
    const auto merge = [&](int64_t item, int32_t) {
      MergePair(wave, wave.first_pair + item, states);
    };
    // Few merges take less time than waking the others.
    if (wave.pairs <= kPairsMergedAlone) {
      for (int64_t item = 0; item < wave.pairs; ++item) merge(item, 0);
    } else {
      pool_.ParallelFor(wave.pairs, merge);
    }
  }

  // Splits are added in the order of their positions.
  void MergePair(const Wave& wave, int64_t pair, SoftmaxState* states) {
    const KvLayerFormat& format = *args_.storage->format;
    const int64_t kv_head = pair % kv_heads_;
    SoftmaxState* const sums = StatesOf(wave, pair, 0, states);
    for (int64_t h = 0; h < heads_; ++h) {
      if (wave.first_split == 0) sums[h] = SoftmaxState();
      for (int64_t i = 0; i < wave.splits && HasSplit(pair, wave.first_split + i); ++i) {
        MergeSoftmaxState(format.head_dim, StatesOf(wave, pair, 1 + i, states)[h], sums[h]);
      }
      if (wave.is_last) {
        FinishSoftmax(format.head(static_cast<int>(kv_head)).value_transform, format.head_dim,
                      sums[h], args_.out.row(ViewOf(pair).first_row, kv_head * heads_ + h));
      }
    }
  }

  const AttentionArgs& args_;
  ThreadPool& pool_;
  int64_t kv_heads_;
  int64_t heads_;
  int64_t pairs_;
};

}  // namespace

absl::Status CpuAttentionDecode(const AttentionDecodeArgs& args, ThreadPool& pool) {
  ORIEL_RETURN_IF_ERROR(CheckAttentionArgs(args, StepKind::kDecode));
  thread_local Workspace workspace;
  DecodeAttention(args, pool).Run(workspace);
  return absl::OkStatus();
}

}  // namespace oriel
