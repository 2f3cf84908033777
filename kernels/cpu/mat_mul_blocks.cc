#include "kernels/cpu/mat_mul_blocks.h"

#include <algorithm>
#include <cstring>

#include "kernels/core/check.h"

// VNNI instructions are what the most advanced x86 target is for here.
#define HWY_WANT_AVX3_DL
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/mat_mul_blocks.cc"
#include "hwy/foreach_target.h"

#include "hwy/highway.h"
#include "kernels/cpu/mat_mul_codecs-inl.h"
#include "kernels/cpu/mat_mul_input-inl.h"
#include "kernels/cpu/mat_mul_one_token-inl.h"
#include "kernels/cpu/mat_mul_vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace oriel {
namespace HWY_NAMESPACE {

// Chunk of a panel in memory, for products with several tokens. A block in vectors, those of the
// two halves side by side: scale, second scale or minimum, eight code dwords.
constexpr int kScaleVector = 0;
constexpr int kSecondVector = 1;
constexpr int kCodeVector = 2;
constexpr int64_t kBlockFloats = int64_t{kCodeVector + 8} * kPanelRows;
constexpr int64_t kChunkFloats = kChunkBlocks * kBlockFloats;

// The sink that writes it.
struct ChunkWriter {
  float* chunk;
  int half;

  HWY_INLINE void Codes(int64_t block, int dword, DwordVector codes) const {
    Store(block, kCodeVector + dword, hn::BitCast(FloatTag(), codes));
  }
  HWY_INLINE void Scale(int64_t block, int group, FloatVector scale) const {
    Store(block, group == 0 ? kScaleVector : kSecondVector, scale);
  }
  HWY_INLINE void Minimum(int64_t block, FloatVector minimum) const {
    Store(block, kSecondVector, minimum);
  }
  HWY_INLINE void Store(int64_t block, int vector, FloatVector value) const {
    hn::Store(value, FloatTag(),
              chunk + block * kBlockFloats + vector * kPanelRows + half * kLanes);
  }
};

// Integer products of code dwords [kFirst, kFirst + kCount) of a block for every token and panel
// half, the zero taken off.
template <class Codec, int kTokens, int kFirst, int kCount>
HWY_INLINE void BlockProducts(const float* chunk, InputBlock<kTokens> input,
                              IntVector (&sums)[kTokens][kPanelHalves]) {
  constexpr int kPart = kCount == 8 ? 0 : 1 + kFirst / 4;
  HWY_UNROLL(8)
  for (int t = 0; t < kTokens; ++t) {
    sums[t][0] = ZeroTerm<Codec>(input, t, kPart);
    sums[t][1] = sums[t][0];
  }
#if HWY_TARGET == HWY_AVX3_DL
  HWY_UNROLL(8)
  for (int j = kFirst; j < kFirst + kCount; ++j) {
    const float* codes = chunk + (kCodeVector + j) * kPanelRows;
    const IntVector weights_0 = hn::BitCast(IntTag(), hn::Load(FloatTag(), codes));
    const IntVector weights_1 = hn::BitCast(IntTag(), hn::Load(FloatTag(), codes + kLanes));
    HWY_UNROLL(8)
    for (int t = 0; t < kTokens; ++t) {
      const IntVector x = input.Codes(t, j);
      sums[t][0] = AddProducts(sums[t][0], weights_0, x);
      sums[t][1] = AddProducts(sums[t][1], weights_1, x);
    }
  }
#else
  constexpr int kWiden = PairSteps(Codec::kCodeMax, kCount);
  for (int first = kFirst; first < kFirst + kCount; first += kWiden) {
    IntVector pairs[kTokens][kPanelHalves];
    HWY_UNROLL(8)
    for (int j = first; j < first + kWiden; ++j) {
      const float* codes = chunk + (kCodeVector + j) * kPanelRows;
      const IntVector weights_0 = hn::BitCast(IntTag(), hn::Load(FloatTag(), codes));
      const IntVector weights_1 = hn::BitCast(IntTag(), hn::Load(FloatTag(), codes + kLanes));
      HWY_UNROLL(8)
      for (int t = 0; t < kTokens; ++t) {
        const IntVector x = input.Codes(t, j);
        const IntVector p0 = ByteProducts(weights_0, x, Codec::kSignedCodes);
        const IntVector p1 = ByteProducts(weights_1, x, Codec::kSignedCodes);
        pairs[t][0] = j == first ? p0 : AddPairs(pairs[t][0], p0);
        pairs[t][1] = j == first ? p1 : AddPairs(pairs[t][1], p1);
      }
    }
    HWY_UNROLL(8)
    for (int t = 0; t < kTokens; ++t) {
      sums[t][0] = hn::Add(sums[t][0], WidenPairs(pairs[t][0]));
      sums[t][1] = hn::Add(sums[t][1], WidenPairs(pairs[t][1]));
    }
  }
#endif
}

// sums += float(products) * (weight scale * input scale), one rounding order for every caller.
template <int kTokens>
HWY_INLINE void AddScaled(const float* scales, InputBlock<kTokens> input,
                          const IntVector (&products)[kTokens][kPanelHalves],
                          FloatVector (&sums)[kTokens][kPanelHalves]) {
  const FloatTag d;
  const FloatVector scale_0 = hn::Load(d, scales);
  const FloatVector scale_1 = hn::Load(d, scales + kLanes);
  HWY_UNROLL(8)
  for (int t = 0; t < kTokens; ++t) {
    const FloatVector input_scale = input.Scale(t);
    sums[t][0] =
        hn::MulAdd(hn::ConvertTo(d, products[t][0]), hn::Mul(scale_0, input_scale), sums[t][0]);
    sums[t][1] =
        hn::MulAdd(hn::ConvertTo(d, products[t][1]), hn::Mul(scale_1, input_scale), sums[t][1]);
  }
}

template <int kTokens>
HWY_INLINE void AddMinima(const float* minima, InputBlock<kTokens> input,
                          FloatVector (&sums)[kTokens][kPanelHalves]) {
  const FloatVector minimum_0 = hn::Load(FloatTag(), minima);
  const FloatVector minimum_1 = hn::Load(FloatTag(), minima + kLanes);
  HWY_UNROLL(8)
  for (int t = 0; t < kTokens; ++t) {
    const FloatVector scaled_sum = input.ScaledSum(t);
    sums[t][0] = hn::MulAdd(minimum_0, scaled_sum, sums[t][0]);
    sums[t][1] = hn::MulAdd(minimum_1, scaled_sum, sums[t][1]);
  }
}

// A chunk of a panel times one tile: adds to `totals` [kTokens, kPanelRows].
template <class Codec, int kTokens>
HWY_NOINLINE void MultiplyTile(const float* chunk, int64_t blocks, const std::byte* tile,
                               float* totals) {
  const FloatTag d;
  FloatVector sums[kTokens][kPanelHalves];
  HWY_UNROLL(8)
  for (int t = 0; t < kTokens; ++t) {
    sums[t][0] = hn::Load(d, totals + t * kPanelRows);
    sums[t][1] = hn::Load(d, totals + t * kPanelRows + kLanes);
  }
  for (int64_t b = 0; b < blocks; ++b) {
    const InputBlock<kTokens> input{tile};
    IntVector products[kTokens][kPanelHalves];
    if constexpr (Codec::kTwoScales) {
      BlockProducts<Codec, kTokens, 0, 4>(chunk, input, products);
      AddScaled<kTokens>(chunk + kScaleVector * kPanelRows, input, products, sums);
      BlockProducts<Codec, kTokens, 4, 4>(chunk, input, products);
      AddScaled<kTokens>(chunk + kSecondVector * kPanelRows, input, products, sums);
    } else {
      BlockProducts<Codec, kTokens, 0, 8>(chunk, input, products);
      AddScaled<kTokens>(chunk + kScaleVector * kPanelRows, input, products, sums);
      if constexpr (Codec::kHasMinimum) {
        AddMinima<kTokens>(chunk + kSecondVector * kPanelRows, input, sums);
      }
    }
    chunk += kBlockFloats;
    tile += kTokens * kInputBlockBytes;
  }
  HWY_UNROLL(8)
  for (int t = 0; t < kTokens; ++t) {
    hn::Store(sums[t][0], d, totals + t * kPanelRows);
    hn::Store(sums[t][1], d, totals + t * kPanelRows + kLanes);
  }
}

template <class Codec>
void MultiplyTileOf(int64_t tokens, const float* chunk, int64_t blocks, const std::byte* tile,
                    float* totals) {
  switch (tokens) {
    case 1:
      return MultiplyTile<Codec, 1>(chunk, blocks, tile, totals);
    case 2:
      return MultiplyTile<Codec, 2>(chunk, blocks, tile, totals);
    case 3:
      return MultiplyTile<Codec, 3>(chunk, blocks, tile, totals);
    case 4:
      return MultiplyTile<Codec, 4>(chunk, blocks, tile, totals);
#if HWY_MAX_BYTES == 64
    case 5:
      return MultiplyTile<Codec, 5>(chunk, blocks, tile, totals);
    case 6:
      return MultiplyTile<Codec, 6>(chunk, blocks, tile, totals);
#endif
    default:
      ORIEL_CHECK(false);
  }
}

// One output row of a panel: the product, plus bias, plus what was there.
HWY_INLINE FloatVector FinishLanes(FloatVector product, const float* bias, MatMulWrite write,
                                   const float* out) {
  const FloatTag d;
  if (bias != nullptr) product = hn::Add(product, hn::LoadU(d, bias));
  if (write == MatMulWrite::kAdd) product = hn::Add(hn::LoadU(d, out), product);
  return product;
}

void WriteRow(const float* totals, int64_t rows, const float* bias, MatMulWrite write, float* out) {
  const FloatTag d;
  int64_t r = 0;
  for (; r + kLanes <= rows; r += kLanes) {
    const float* bias_lanes = bias != nullptr ? bias + r : nullptr;
    hn::StoreU(FinishLanes(hn::Load(d, totals + r), bias_lanes, write, out + r), d, out + r);
  }
  if (r == rows) return;
  HWY_ALIGN float last_out[kLanes] = {};
  HWY_ALIGN float last_bias[kLanes] = {};
  std::copy(out + r, out + rows, last_out);
  if (bias != nullptr) std::copy(bias + r, bias + rows, last_bias);
  const float* bias_lanes = bias != nullptr ? last_bias : nullptr;
  hn::Store(FinishLanes(hn::Load(d, totals + r), bias_lanes, write, last_out), d, last_out);
  std::copy_n(last_out, rows - r, out + r);
}

// Every chunk is spread once and multiplied with all tiles of the range.
template <class Codec>
void MultiplyTiles(const PanelProduct& product, const std::byte* panel, int64_t row_blocks,
                   float* chunk, float* totals) {
  const RoundedInput& input = *product.input;
  std::fill_n(totals, product.tokens * kPanelRows, 0.0f);
  for (int64_t first = 0; first < input.blocks; first += kChunkBlocks) {
    const int64_t blocks = std::min(kChunkBlocks, input.blocks - first);
    for (int half = 0; half < kPanelHalves; ++half) {
      ChunkWriter writer{chunk, half};
      Codec::Spread(typename Codec::Rows(panel, row_blocks, half), first, blocks, writer);
    }
    for (int64_t t = 0; t < product.tokens; t += kTileTokens) {
      const int64_t token = product.first_token + t;
      const int64_t tokens = std::min<int64_t>(kTileTokens, input.tokens - token);
      const std::byte* tile = input.data + token * input.blocks * kInputBlockBytes;
      MultiplyTileOf<Codec>(tokens, chunk, blocks, tile + first * tokens * kInputBlockBytes,
                            totals + t * kPanelRows);
    }
  }
}

template <class Codec>
void MultiplyPanelOf(const PanelProduct& product) {
  const CpuMatrix& matrix = *product.matrix;
  const RoundedInput& input = *product.input;
  ORIEL_CHECK(matrix.panel_rows() == kPanelRows);
  float* chunk = reinterpret_cast<float*>(product.scratch);
  float* totals = chunk + kChunkFloats;
  const std::byte* panel = matrix.panel(product.first_row / kPanelRows);
  const int64_t row_blocks = matrix.row_bytes() / TraitsOf(matrix.dtype()).block_bytes;
  if (product.tokens == 1) {
    const std::byte* token = input.data + product.first_token * input.blocks * kInputBlockBytes;
    for (int half = 0; half < kPanelHalves; ++half) {
      const typename Codec::Rows rows(panel, row_blocks, half);
      hn::Store(MultiplyOneToken<Codec>(rows, input.blocks, token), FloatTag(),
                totals + half * kLanes);
    }
  } else {
    MultiplyTiles<Codec>(product, panel, row_blocks, chunk, totals);
  }

  const MatMulTerm& term = *product.term;
  const int64_t rows = std::min<int64_t>(kPanelRows, matrix.rows() - product.first_row);
  const float* bias = term.bias.data != nullptr ? &term.bias(product.first_row) : nullptr;
  for (int64_t t = 0; t < product.tokens; ++t) {
    float* out = term.out.row(product.first_token + t) + product.first_row;
    WriteRow(totals + t * kPanelRows, rows, bias, term.write, out);
  }
}

void MultiplyPanelHere(const PanelProduct& product) {
  switch (product.matrix->dtype()) {
    case DType::kQ4_0:
      return MultiplyPanelOf<SmallBlockCodec<DType::kQ4_0>>(product);
    case DType::kQ4_1:
      return MultiplyPanelOf<SmallBlockCodec<DType::kQ4_1>>(product);
    case DType::kQ5_0:
      return MultiplyPanelOf<SmallBlockCodec<DType::kQ5_0>>(product);
    case DType::kQ5_1:
      return MultiplyPanelOf<SmallBlockCodec<DType::kQ5_1>>(product);
    case DType::kQ8_0:
      return MultiplyPanelOf<Q8_0Codec>(product);
    case DType::kQ4_K:
      return MultiplyPanelOf<Q4_KCodec>(product);
    case DType::kQ5_K:
      return MultiplyPanelOf<Q5_KCodec>(product);
    case DType::kQ6_K:
      return MultiplyPanelOf<Q6_KCodec>(product);
    case DType::kF32:
    case DType::kF16:
    case DType::kBF16:
      ORIEL_CHECK(false);  // mat_mul_floats.h
  }
}

BlockProductShape ShapeHere() { return {.panel_rows = kPanelRows, .tile_tokens = kTileTokens}; }

int64_t PanelScratchBytesHere(int64_t tokens) {
  return static_cast<int64_t>(sizeof(float)) * (kChunkFloats + tokens * kPanelRows);
}

}  // namespace HWY_NAMESPACE
}  // namespace oriel
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace oriel {
HWY_EXPORT(ShapeHere);
HWY_EXPORT(PanelScratchBytesHere);
HWY_EXPORT(RoundInputTileHere);
HWY_EXPORT(MultiplyPanelHere);

BlockProductShape ChooseBlockProductShape() { return HWY_DYNAMIC_DISPATCH(ShapeHere)(); }

int64_t PanelScratchBytes(int64_t tokens) {
  return HWY_DYNAMIC_DISPATCH(PanelScratchBytesHere)(tokens);
}

void RoundInputTile(const TensorView<const float, 2>& input, int64_t tile,
                    const RoundedInput& rounded) {
  HWY_DYNAMIC_DISPATCH(RoundInputTileHere)(input, tile, rounded);
}

void MultiplyPanel(const PanelProduct& product) {
  HWY_DYNAMIC_DISPATCH(MultiplyPanelHere)(product);
}

}  // namespace oriel
#endif  // HWY_ONCE
