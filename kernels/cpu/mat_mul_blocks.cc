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
#include "kernels/cpu/mat_mul_vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace oriel {
namespace HWY_NAMESPACE {

// Tokens multiplied at a time: as many as leave the sums of a panel in registers.
constexpr int kTileTokens = HWY_MAX_BYTES == 64 ? 6 : 4;

// One block of a tile of kTokens tokens; field layout in mat_mul_blocks.h.
template <int kTokens>
struct InputBlock {
  const std::byte* data;

  template <typename T>
  HWY_INLINE T Read(int64_t offset) const {
    T value;
    std::memcpy(&value, data + offset, sizeof(T));
    return value;
  }
  HWY_INLINE IntVector Codes(int token, int dword) const {
    return hn::Set(IntTag(), Read<int32_t>(32 * token + 4 * dword));
  }
  HWY_INLINE FloatVector Scale(int token) const {
    return hn::Set(FloatTag(), Read<float>(32 * kTokens + 4 * token));
  }
  HWY_INLINE FloatVector ScaledSum(int token) const {
    return hn::Set(FloatTag(), Read<float>(36 * kTokens + 4 * token));
  }
  // part 0: all codes, 1 and 2: the first and the last 16.
  HWY_INLINE IntVector NegatedSum(int token, int part) const {
    return hn::Set(IntTag(), Read<int32_t>(40 * kTokens + 4 * (part * kTokens + token)));
  }
};

// Integer products of code dwords [kFirst, kFirst + kCount) of a block for every token and panel
// half, the zero taken off.
template <class Codec, int kTokens, int kFirst, int kCount>
HWY_INLINE void BlockProducts(const float* panel, InputBlock<kTokens> input,
                              IntVector (&sums)[kTokens][kPanelVectors]) {
  constexpr int kPart = kCount == 8 ? 0 : 1 + kFirst / 4;
  HWY_UNROLL(8)
  for (int t = 0; t < kTokens; ++t) {
    IntVector start = hn::Zero(IntTag());
    if constexpr (Codec::kZeroShift != 0) {
      start = hn::ShiftLeft<Codec::kZeroShift>(input.NegatedSum(t, kPart));
    }
    sums[t][0] = start;
    sums[t][1] = start;
  }
#if HWY_TARGET == HWY_AVX3_DL
  HWY_UNROLL(8)
  for (int j = kFirst; j < kFirst + kCount; ++j) {
    const float* codes = panel + (kCodeVector + j) * kPanelRows;
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
  // Steps whose pair sums fit 16 bits: 2 * 127 * code_max each.
  constexpr int kSteps = std::min(kCount, Codec::kCodeMax == 15 ? 8 : 127 / Codec::kCodeMax);
  constexpr int kWiden = kSteps < 1 ? 1 : kSteps;
  for (int first = kFirst; first < kFirst + kCount; first += kWiden) {
    IntVector pairs[kTokens][kPanelVectors];
    HWY_UNROLL(8)
    for (int j = first; j < first + kWiden; ++j) {
      const float* codes = panel + (kCodeVector + j) * kPanelRows;
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
                          const IntVector (&products)[kTokens][kPanelVectors],
                          FloatVector (&sums)[kTokens][kPanelVectors]) {
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
                          FloatVector (&sums)[kTokens][kPanelVectors]) {
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
HWY_NOINLINE void MultiplyTile(const float* panel, int64_t blocks, const std::byte* tile,
                               float* totals) {
  const FloatTag d;
  FloatVector sums[kTokens][kPanelVectors];
  HWY_UNROLL(8)
  for (int t = 0; t < kTokens; ++t) {
    sums[t][0] = hn::Load(d, totals + t * kPanelRows);
    sums[t][1] = hn::Load(d, totals + t * kPanelRows + kLanes);
  }
  for (int64_t b = 0; b < blocks; ++b) {
    const InputBlock<kTokens> input{tile};
    IntVector products[kTokens][kPanelVectors];
    if constexpr (Codec::kTwoScales) {
      BlockProducts<Codec, kTokens, 0, 4>(panel, input, products);
      AddScaled<kTokens>(panel + kScaleVector * kPanelRows, input, products, sums);
      BlockProducts<Codec, kTokens, 4, 4>(panel, input, products);
      AddScaled<kTokens>(panel + kSecondVector * kPanelRows, input, products, sums);
    } else {
      BlockProducts<Codec, kTokens, 0, 8>(panel, input, products);
      AddScaled<kTokens>(panel + kScaleVector * kPanelRows, input, products, sums);
      if constexpr (Codec::kHasMinimum) {
        AddMinima<kTokens>(panel + kSecondVector * kPanelRows, input, sums);
      }
    }
    panel += kBlockFloats;
    tile += kTokens * kInputBlockBytes;
  }
  HWY_UNROLL(8)
  for (int t = 0; t < kTokens; ++t) {
    hn::Store(sums[t][0], d, totals + t * kPanelRows);
    hn::Store(sums[t][1], d, totals + t * kPanelRows + kLanes);
  }
}

template <class Codec>
void MultiplyTileOf(int64_t tokens, const float* panel, int64_t blocks, const std::byte* tile,
                    float* totals) {
  switch (tokens) {
    case 1:
      return MultiplyTile<Codec, 1>(panel, blocks, tile, totals);
    case 2:
      return MultiplyTile<Codec, 2>(panel, blocks, tile, totals);
    case 3:
      return MultiplyTile<Codec, 3>(panel, blocks, tile, totals);
    case 4:
      return MultiplyTile<Codec, 4>(panel, blocks, tile, totals);
#if HWY_MAX_BYTES == 64
    case 5:
      return MultiplyTile<Codec, 5>(panel, blocks, tile, totals);
    case 6:
      return MultiplyTile<Codec, 6>(panel, blocks, tile, totals);
#endif
    default:
      ORIEL_CHECK(false);
  }
}

void WriteRow(const float* totals, int64_t rows, const float* bias, MatMulWrite write, float* out) {
  const FloatTag d;
  for (int64_t r = 0; r < rows; r += kLanes) {
    HWY_ALIGN float lanes[kLanes];
    const int64_t count = std::min<int64_t>(kLanes, rows - r);
    FloatVector value = hn::Load(d, totals + r);
    if (bias != nullptr) {
      std::copy_n(bias + r, count, lanes);
      value = hn::Add(value, hn::Load(d, lanes));
    }
    if (write == MatMulWrite::kAdd) {
      std::copy_n(out + r, count, lanes);
      value = hn::Add(hn::Load(d, lanes), value);
    }
    hn::Store(value, d, lanes);
    std::copy_n(lanes, count, out + r);
  }
}

template <class Codec>
void MultiplyPanelOf(const PanelProduct& product) {
  const CpuMatrix& matrix = *product.matrix;
  const RoundedInput& input = *product.input;
  float* panel = reinterpret_cast<float*>(product.scratch);
  float* totals = panel + kChunkFloats;
  std::fill_n(totals, product.tokens * kPanelRows, 0.0f);
  const int64_t rows_here = std::min<int64_t>(kPanelRows, matrix.rows() - product.first_row);
  const std::byte* packed = matrix.panel(product.first_row / kPanelRows);

  for (int64_t first = 0; first < input.blocks; first += kChunkBlocks) {
    const int64_t blocks = std::min(kChunkBlocks, input.blocks - first);
    Codec::Spread(packed, blocks, PanelHalf{panel, 0});
    Codec::Spread(packed, blocks, PanelHalf{panel, 1});
    packed += blocks * kPanelRows * matrix.row_bytes() / input.blocks;
    for (int64_t t = 0; t < product.tokens; t += kTileTokens) {
      const int64_t token = product.first_token + t;
      const int64_t tokens = std::min<int64_t>(kTileTokens, input.tokens - token);
      const std::byte* tile = input.data + token * input.blocks * kInputBlockBytes;
      MultiplyTileOf<Codec>(tokens, panel, blocks, tile + first * tokens * kInputBlockBytes,
                            totals + t * kPanelRows);
    }
  }

  const MatMulTerm& term = *product.term;
  const float* bias = term.bias.data != nullptr ? &term.bias(product.first_row) : nullptr;
  for (int64_t t = 0; t < product.tokens; ++t) {
    float* out = term.out.row(product.first_token + t) + product.first_row;
    WriteRow(totals + t * kPanelRows, rows_here, bias, term.write, out);
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

// Rounds 32 numbers of token `t` among `tokens` into block `block`.
HWY_INLINE void RoundBlock(const float* x, int64_t t, int64_t tokens, std::byte* block) {
  const FloatTag d;
  const IntTag di;
  const hn::Rebind<int8_t, FloatTag> d8;
  // Largest magnitude by its bits: a NaN is above infinity there and so ends in the scale.
  IntVector largest = hn::Zero(di);
  for (int c = 0; c < kInputBlock; c += kLanes) {
    largest = hn::Max(largest, hn::BitCast(di, hn::Abs(hn::LoadU(d, x + c))));
  }
  const int32_t largest_bits = hn::GetLane(hn::MaxOfLanes(di, largest));
  float magnitude;
  std::memcpy(&magnitude, &largest_bits, sizeof(magnitude));
  // Below this the reciprocal would overflow; such a block counts as zero.
  constexpr float kSmallest = 1e-36f;
  const FloatVector inverse = hn::Set(d, magnitude > kSmallest ? 127.0f / magnitude : 0.0f);
  const float scale = magnitude / 127.0f;

  int32_t half_sums[2];
  for (int half = 0; half < 2; ++half) {
    IntVector sum = hn::Zero(di);
    for (int c = 16 * half; c < 16 * half + 16; c += kLanes) {
      const IntVector codes = hn::NearestInt(hn::Mul(hn::LoadU(d, x + c), inverse));
      sum = hn::Add(sum, codes);
      hn::StoreU(hn::DemoteTo(d8, codes), d8, reinterpret_cast<int8_t*>(block) + 32 * t + c);
    }
    half_sums[half] = hn::GetLane(hn::SumOfLanes(di, sum));
  }
  const int32_t total = half_sums[0] + half_sums[1];
  const auto write = [&](int64_t field, auto value) {
    std::memcpy(block + (32 + 4 * field) * tokens + 4 * t, &value, sizeof(value));
  };
  write(0, scale);
  write(1, scale * static_cast<float>(total));
  write(2, -total);
  write(3, -half_sums[0]);
  write(4, -half_sums[1]);
}

void RoundInputTileHere(const TensorView<const float, 2>& input, int64_t tile,
                        const RoundedInput& rounded) {
  const int64_t first = tile * kTileTokens;
  const int64_t tokens = std::min<int64_t>(kTileTokens, rounded.tokens - first);
  std::byte* data = rounded.data + first * rounded.blocks * kInputBlockBytes;
  for (int64_t t = 0; t < tokens; ++t) {
    const float* row = input.row(first + t);
    for (int64_t b = 0; b < rounded.blocks; ++b) {
      RoundBlock(row + b * kInputBlock, t, tokens, data + b * tokens * kInputBlockBytes);
    }
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
