// Decode attention of one split of a context: sinks, packed pages, FP16 window, and what joins the
// splits.

#include <algorithm>
#include <limits>

#include "kernels/cpu/attention_decode.h"
#include "kernels/cpu/head_page_reader.h"
#include "kernels/cpu/kv_rows.h"

#define HWY_WANT_AVX3_DL
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/attention_decode_split.cc"
#include "hwy/foreach_target.h"
//
#include "hwy/highway.h"
#include "kernels/cpu/attention_rows-inl.h"
#include "kernels/cpu/attention_run-inl.h"

HWY_BEFORE_NAMESPACE();
namespace oriel {
namespace HWY_NAMESPACE {

// FP16 tokens [first, end) of 64 that lie side by side.
template <int kDim>
void AttendRows(KvRows::Row rows, int first, int end, const FixedQueries<kDim>& queries,
                RunWork& work, SoftmaxState* states) {
  const int heads = queries.heads;
  float* const scores = work.scores[0][0];
  RowScoresOfHeads<kDim>(heads, queries.rows[0], rows.keys, first, end, scores);
  constexpr float kNothing = -std::numeric_limits<float>::infinity();
  for (int h = 0; h < heads; ++h) {
    std::fill_n(work.scores[0][h], first, kNothing);
    std::fill_n(work.scores[0][h] + end, kPageTokens - end, kNothing);
    work.keep[h] = AdvanceSoftmax(work.scores, 1, h, states[h]);
  }
  AddRowsOfHeads<kDim>(heads, scores, rows.values, first, end, work.keep, states);
}

template <int kDim>
void MergeState(const SoftmaxState& part, SoftmaxState& sum) {
  const FloatTag d;
  const float greatest = HWY_MAX(part.greatest, sum.greatest);
  const float keep = Exp2Scalar(sum.greatest - greatest);
  const float add = Exp2Scalar(part.greatest - greatest);
  sum.greatest = greatest;
  sum.total = sum.total * keep + part.total * add;
  for (int c = 0; c < kDim; c += kFloatLanes) {
    const FloatVec kept = hn::Mul(hn::Load(d, sum.out.data() + c), hn::Set(d, keep));
    hn::Store(hn::MulAdd(hn::Load(d, part.out.data() + c), hn::Set(d, add), kept), d,
              sum.out.data() + c);
  }
}

// Sums of packed values are in lane order; states are in channel order.
template <int kDim>
void ToChannelOrder(SoftmaxState& state) {
  alignas(64) float lanes[kDim];
  std::copy_n(state.out.data(), kDim, lanes);
  for (int c = 0; c < kDim; ++c) state.out[static_cast<size_t>(c)] = lanes[LaneOf(c)];
}

template <int kDim>
class SplitAttention {
 public:
  SplitAttention(const DecodeSplit& split, SoftmaxState* states)
      : split_(split),
        args_(*split.args),
        step_(*args_.step),
        position_(split.view->first_position),
        rows_(step_, *split.view, *args_.storage, split.kv_head),
        reader_(*args_.storage->format, split.kv_head),
        states_(states) {}

  void Run() {
    const int32_t packed_pages = NumPackedPages(position_, step_.window_tokens);
    const int32_t end_page = HWY_MIN(split_.end_page, position_ / kPageTokens + 1);
    const int32_t packed_end = HWY_MIN(packed_pages, end_page);
    for (int32_t page = split_.first_page;
         page < HWY_MIN(packed_end, split_.first_page + kRunPages); ++page) {
      PrefetchKeys(reader_, rows_.Packed(page));
    }
    queries_.heads = static_cast<int>(args_.queries.dim(1) / args_.storage->format->kv_heads);
    for (int h = 0; h < queries_.heads; ++h) {
      const int64_t head = int64_t{split_.kv_head} * queries_.heads + h;
      queries_.Prepare(h, args_.queries.row(split_.view->first_row, head), args_.softmax_scale);
      states_[h] = SoftmaxState();
    }
    if (split_.first_page == 0) AttendSinks();
    AttendPacked(split_.first_page, packed_end);
    AttendWindow(HWY_MAX(split_.first_page, packed_end), end_page);
  }

 private:
  void AttendSinks() {
    const int num_sinks = HWY_MIN(step_.sink_tokens, position_ + 1);
    if (num_sinks == 0) return;
    AttendRows<kDim>(rows_.Sink(0), 0, num_sinks, queries_, work_, states_);
  }

  PageRun RunFrom(int32_t first_page, int32_t end_page) const {
    PageRun run;
    run.num_pages = HWY_MIN(kRunPages, end_page - first_page);
    run.num_sinks = first_page == 0 ? step_.sink_tokens : 0;
    for (int i = 0; i < kRunPages; ++i) {
      const int32_t page = first_page + i;
      const int32_t next = page + kRunPages;
      if (page < end_page) run.pages[static_cast<size_t>(i)] = rows_.Packed(page);
      if (next < end_page) run.next[static_cast<size_t>(i)] = rows_.Packed(next);
    }
    return run;
  }

  void AttendPacked(int32_t first_page, int32_t end_page) {
    // Nothing but sinks in the first page: there is none to attend.
    if (first_page == 0 && step_.sink_tokens == kPageTokens) ++first_page;
    if (first_page >= end_page) return;
    SoftmaxState packed[kHeadsMax];
    for (int32_t page = first_page; page < end_page; page += kRunPages) {
      const PageRun run = RunFrom(page, end_page);
      AttendRun<kDim>(reader_, run, queries_, work_, packed);
    }
    for (int h = 0; h < queries_.heads; ++h) {
      if (!reader_.values.is_fp16()) ToChannelOrder<kDim>(packed[h]);
      MergeState<kDim>(packed[h], states_[h]);
    }
  }

  void AttendWindow(int32_t first_page, int32_t end_page) {
    for (int32_t page = first_page; page < end_page; ++page) {
      const int32_t begin = page * kPageTokens;
      const int first = HWY_MAX(0, step_.sink_tokens - begin);
      const int end = HWY_MIN(kPageTokens, position_ + 1 - begin);
      if (first < end) {
        AttendRows<kDim>(rows_.Window(begin), first, end, queries_, work_, states_);
      }
    }
  }

  const DecodeSplit& split_;
  const AttentionArgs& args_;
  const KvStepView& step_;
  int32_t position_;
  KvRows rows_;
  HeadPageReader reader_;
  SoftmaxState* states_;
  FixedQueries<kDim> queries_;
  RunWork work_;
};

void AttendSplitHere(const DecodeSplit& split, SoftmaxState* states) {
  if (split.args->storage->format->head_dim == 128) {
    return SplitAttention<128>(split, states).Run();
  }
  SplitAttention<64>(split, states).Run();
}

void MergeStateHere(int head_dim, const SoftmaxState& part, SoftmaxState& sum) {
  if (head_dim == 128) return MergeState<128>(part, sum);
  MergeState<64>(part, sum);
}

void FinishHere(HeadTransform transform, int head_dim, SoftmaxState& state, float* out) {
  const FloatTag d;
  const FloatVec inverse = hn::Set(d, 1.0f / state.total);
  for (int c = 0; c < head_dim; c += kFloatLanes) {
    hn::StoreU(hn::Mul(hn::Load(d, state.out.data() + c), inverse), d, out + c);
  }
  if (transform == HeadTransform::kNone) return;
  if (head_dim == 128) return HadamardRow<128>(out);
  HadamardRow<64>(out);
}

}  // namespace HWY_NAMESPACE
}  // namespace oriel
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace oriel {

HWY_EXPORT(AttendSplitHere);
HWY_EXPORT(MergeStateHere);
HWY_EXPORT(FinishHere);

void AttendDecodeSplit(const DecodeSplit& split, SoftmaxState* states) {
  HWY_DYNAMIC_DISPATCH(AttendSplitHere)(split, states);
}

void MergeSoftmaxState(int head_dim, const SoftmaxState& part, SoftmaxState& sum) {
  HWY_DYNAMIC_DISPATCH(MergeStateHere)(head_dim, part, sum);
}

void FinishSoftmax(HeadTransform transform, int head_dim, SoftmaxState& state, float* out) {
  HWY_DYNAMIC_DISPATCH(FinishHere)(transform, head_dim, state, out);
}

}  // namespace oriel
#endif  // HWY_ONCE
