// One tile of prompt queries. Each block of keys and values is unpacked once, codes to pairs of 16
// bits and FP16 rows to floats, and then meets all rows of the tile.

#include <algorithm>

#include "kernels/cpu/attention_decode.h"
#include "kernels/cpu/attention_prefill.h"
#include "kernels/cpu/head_page_reader.h"
#include "kernels/cpu/kv_rows.h"

#define HWY_WANT_AVX3_DL
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/attention_prefill_tile.cc"
#include "hwy/foreach_target.h"
//
#include "hwy/highway.h"
#include "kernels/cpu/attention_code_panel-inl.h"
#include "kernels/cpu/attention_panel-inl.h"
#include "kernels/cpu/fixed_queries-inl.h"
#include "kernels/cpu/page_scales-inl.h"

HWY_BEFORE_NAMESPACE();
namespace oriel {
namespace HWY_NAMESPACE {

// A block of keys and values in the workspace.
struct Block {
  int num_keys = 0;
  bool key_codes = false;  // else rows of floats
  bool value_codes = false;
  int num_sinks = 0;            // tokens of a packed page that count nothing: they are sinks
  int32_t first_position = -1;  // of key 0, where keys may lie behind a row's position
};

template <int kDim>
class PrefillTileAttention {
 public:
  PrefillTileAttention(const PrefillTile& tile, PrefillWorkspace& workspace)
      : tile_(tile),
        args_(*tile.args),
        step_(*tile.args->step),
        rows_(step_, *tile.view, *args_.storage, tile.kv_head),
        reader_(*args_.storage->format, tile.kv_head),
        heads_(static_cast<int>(args_.queries.dim(1) / args_.storage->format->kv_heads)),
        num_rows_((tile.end_position - tile.first_position) * heads_),
        w_(workspace) {}

  void Run() {
    LoadQueries();
    const int32_t last = tile_.end_position - 1;
    const int32_t packed_pages = NumPackedPages(last, step_.window_tokens);
    AttendSinks(last);
    for (int32_t page = step_.sink_tokens / kPageTokens; page < packed_pages; ++page) {
      AttendPackedPage(page);
    }
    for (int32_t page = packed_pages; page <= last / kPageTokens; ++page) {
      AttendFp16Page(page, last);
    }
    StoreResults();
  }

 private:
  int num_panels() const { return (num_rows_ + kPanelRows - 1) / kPanelRows; }

  static size_t ColumnOf(int row) {
    return static_cast<size_t>(row / kPanelRows * kPanelRows * kDim + row % kPanelRows);
  }

  // The row of the step's tensors and the query head of a row of the tile.
  int64_t TokenRow(int row) const {
    return tile_.view->first_row + (tile_.first_position - tile_.view->first_position) +
           row / heads_;
  }
  int64_t HeadOf(int row) const { return int64_t{tile_.kv_head} * heads_ + row % heads_; }

  void LoadQueries() {
    const int padded = num_panels() * kPanelRows;
    std::fill_n(w_.queries, padded * kDim, 0.0f);
    std::fill_n(w_.fixed_queries, padded * kDim / 2, 0);
    std::fill_n(w_.fixed_steps, padded, 0.0f);
    std::fill_n(w_.fixed_sums, padded, 0.0f);
    std::fill_n(w_.sums, padded * kDim, 0.0f);
    std::fill_n(w_.greatest, padded, SoftmaxState::kLowest);
    std::fill_n(w_.totals, padded, 0.0f);
    for (int row = 0; row < padded; ++row) {
      w_.positions[row] = tile_.first_position + HWY_MIN(row, num_rows_ - 1) / heads_;
      if (row < num_rows_) LoadQuery(row);
    }
  }

  void LoadQuery(int row) {
    const float* const query = args_.queries.row(TokenRow(row), HeadOf(row));
    alignas(64) float scaled[kDim];
    alignas(64) int16_t fixed[kDim];
    float* const column = w_.queries + ColumnOf(row);
    for (int c = 0; c < kDim; ++c) {
      scaled[c] = query[c] * (args_.softmax_scale * kLog2E);
      column[c * kPanelRows] = scaled[c];
    }
    const FixedRow fixed_row = FixRow<kDim>(scaled, fixed);
    w_.fixed_steps[row] = fixed_row.step;
    w_.fixed_sums[row] = fixed_row.sum;
    int32_t* const pairs =
        w_.fixed_queries + row / kPanelRows * kPanelRows * (kDim / 2) + row % kPanelRows;
    for (int pair = 0; pair < kDim / 2; ++pair) {
      pairs[pair * kPanelRows] = ProductPair<kDim>(fixed, pair);
    }
  }

  void ReadRow(KvRows::Row row, int key) {
    HalvesToFloats<kDim>(row.keys, w_.keys + key * kDim);
    HalvesToFloats<kDim>(row.values, w_.values + key * kDim);
  }

  void AttendSinks(int32_t last) {
    const int num_sinks = HWY_MIN(step_.sink_tokens, last + 1);
    if (num_sinks == 0) return;
    for (int key = 0; key < num_sinks; ++key) ReadRow(rows_.Sink(key), key);
    AttendBlock({.num_keys = num_sinks, .first_position = 0});
  }

  void AttendFp16Page(int32_t page, int32_t last) {
    const int32_t first = HWY_MAX(page * kPageTokens, step_.sink_tokens);
    const int32_t end = HWY_MIN((page + 1) * kPageTokens, last + 1);
    if (first >= end) return;
    for (int32_t token = first; token < end; ++token) ReadRow(rows_.Fp16(token), token - first);
    AttendBlock({.num_keys = end - first, .first_position = first});
  }

  void AttendPackedPage(int32_t index) {
    const std::byte* const page = rows_.Packed(index);
    Block block{.num_keys = kPageTokens,
                .key_codes = !reader_.keys.is_fp16(),
                .value_codes = !reader_.values.is_fp16()};
    block.num_sinks = HWY_MAX(0, step_.sink_tokens - index * kPageTokens);
    if (block.key_codes) {
      ReadPackedKeys(page);
    } else {
      ReadFp16Half(page + reader_.keys.codes.offset, w_.keys);
    }
    if (block.value_codes) {
      ReadPackedValues(page);
    } else {
      ReadFp16Half(page + reader_.values.codes.offset, w_.values);
    }
    AttendBlock(block);
  }

  // Tokens of a packed page are in lane order, whatever their form.
  void ReadFp16Half(const std::byte* codes, float* out) {
    const Half* const rows = reinterpret_cast<const Half*>(codes);
    for (int token = 0; token < kPageTokens; ++token) {
      HalvesToFloats<kDim>(rows + token * kDim, out + LaneOf(token) * kDim);
    }
  }

  void ReadPackedKeys(const std::byte* page) {
    const int8_t* const centre =
        reinterpret_cast<const int8_t*>(page + reader_.layout.centre.offset);
    for (int pair = 0; pair < kDim / 2; ++pair) {
      w_.centre_pairs[pair] = ProductPair<kDim>(centre, pair);
    }
    ReadScalesAndOffsets(reader_, reader_.keys, page, w_.key_scales, w_.key_offsets);
    reader_.keys.unpack(reinterpret_cast<const uint8_t*>(page + reader_.keys.codes.offset),
                        w_.tiles);
    SplitQuads(w_.tiles, kDim / 4, kTileBytes, kPageTokens, kDim / 4 * kTileBytes, w_.key_pairs);
    page_keys_ = {.pairs = w_.key_pairs,
                  .centre = w_.centre_pairs,
                  .scales = w_.key_scales,
                  .offsets = w_.key_offsets,
                  .centre_step = ReadCentreStep(reader_, page)};
  }

  void ReadPackedValues(const std::byte* page) {
    ReadScalesAndOffsets(reader_, reader_.values, page, w_.value_scales, w_.value_offsets);
    reader_.values.unpack(reinterpret_cast<const uint8_t*>(page + reader_.values.codes.offset),
                          w_.tiles);
    SplitQuads(w_.tiles, kTokenQuads, kDim / kTileLanes * kTileBytes, kDim, kTileBytes,
               w_.value_pairs);
    page_values_ = {.pairs = w_.value_pairs,
                    .scales = w_.value_scales,
                    .offsets = w_.value_offsets,
                    .middle = reader_.values.middle,
                    .asymmetric = reader_.asymmetric};
  }

  void AttendBlock(const Block& block) {
    for (int panel = 0; panel < num_panels(); ++panel) {
      const int rows = HWY_MIN(num_rows_ - panel * kPanelRows, kPanelRows);
      const int vectors = (rows + kFloatLanes - 1) / kFloatLanes;
      if (vectors == 1) {
        AttendPanel<1>(block, panel);
      } else if (vectors == 2) {
        AttendPanel<2>(block, panel);
      } else {
        AttendPanel<3>(block, panel);
      }
    }
  }

  // Keys of a block that some row of a panel sees.
  int SeenKeys(const Block& block, int panel) const {
    if (block.first_position < 0) return block.num_keys;
    const int last_row = HWY_MIN((panel + 1) * kPanelRows, num_rows_) - 1;
    return HWY_MIN(block.num_keys, w_.positions[last_row] + 1 - block.first_position);
  }

  template <int kVectors>
  void AttendPanel(const Block& block, int panel) {
    const int num_keys = SeenKeys(block, panel);
    if (num_keys <= 0) return;
    const int first_row = panel * kPanelRows;
    if (block.key_codes) {
      PanelCodeScores<kDim, kVectors>({.pairs = w_.fixed_queries + first_row * (kDim / 2),
                                       .step = w_.fixed_steps + first_row,
                                       .sum = w_.fixed_sums + first_row},
                                      page_keys_, w_.scores);
    } else {
      PanelScores<kDim, kVectors>(w_.queries + first_row * kDim, w_.keys, num_keys, w_.scores);
    }
    for (int sink = 0; sink < block.num_sinks; ++sink) {
      std::fill_n(w_.scores + LaneOf(sink) * kPanelRows, +kPanelRows,
                  -std::numeric_limits<float>::infinity());
    }
    const bool has_later_keys =
        block.first_position >= 0 && block.first_position + num_keys - 1 > w_.positions[first_row];
    FloatVec keep[kVectors];
    for (int v = 0; v < kVectors; ++v) {
      const int row = first_row + v * kFloatLanes;
      float* const scores = w_.scores + v * kFloatLanes;
      if (has_later_keys) {
        MaskLaterKeys(scores, block.first_position, num_keys, w_.positions + row);
      }
      keep[v] = AdvanceRows(scores, num_keys, w_.greatest + row, w_.totals + row);
      if (block.value_codes) FixRows(w_.scores, page_values_, v * kFloatLanes, weights_);
    }
    float* const sums = w_.sums + first_row * kDim;
    if (block.value_codes) {
      PanelCodeValues<kDim, kVectors>(weights_, page_values_, keep, sums);
    } else {
      PanelValues<kDim, kVectors>(w_.scores, w_.values, num_keys, keep, sums);
    }
  }

  void StoreResults() {
    const KvHeadFormat& head = args_.storage->format->head(tile_.kv_head);
    for (int row = 0; row < num_rows_; ++row) {
      const float* const column = w_.sums + ColumnOf(row);
      const float inverse = 1.0f / w_.totals[row];
      float* const out = args_.out.row(TokenRow(row), HeadOf(row));
      for (int c = 0; c < kDim; ++c) out[c] = column[c * kPanelRows] * inverse;
      if (head.value_transform == HeadTransform::kHadamard) HadamardRow<kDim>(out);
    }
  }

  const PrefillTile& tile_;
  const AttentionArgs& args_;
  const KvStepView& step_;
  KvRows rows_;
  HeadPageReader reader_;
  int heads_;
  int num_rows_;
  PrefillWorkspace& w_;
  PageKeys page_keys_;
  PageValues page_values_;
  PanelWeights weights_;
};

void AttendTileHere(const PrefillTile& tile, PrefillWorkspace& workspace) {
  if (tile.args->storage->format->head_dim == 128) {
    return PrefillTileAttention<128>(tile, workspace).Run();
  }
  PrefillTileAttention<64>(tile, workspace).Run();
}

}  // namespace HWY_NAMESPACE
}  // namespace oriel
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace oriel {

HWY_EXPORT(AttendTileHere);

void AttendPrefillTile(const PrefillTile& tile, PrefillWorkspace& workspace) {
  HWY_DYNAMIC_DISPATCH(AttendTileHere)(tile, workspace);
}

}  // namespace oriel
#endif  // HWY_ONCE
