// Brings the packed words of a page into lane order and stores code fields as tiles. Compiled once
// for every instruction set.

#if defined(ORIEL_KERNELS_CPU_PAGE_TRANSPOSE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ORIEL_KERNELS_CPU_PAGE_TRANSPOSE_INL_H_
#undef ORIEL_KERNELS_CPU_PAGE_TRANSPOSE_INL_H_
#else
#define ORIEL_KERNELS_CPU_PAGE_TRANSPOSE_INL_H_
#endif

#include <cstring>

#include "hwy/highway.h"
#include "kernels/cpu/page_tiles.h"

// Without vectors the codes are unpacked plainly.
#if HWY_TARGET != HWY_SCALAR
HWY_BEFORE_NAMESPACE();
namespace oriel {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

using TileTag = hn::CappedTag<uint32_t, kTileLanes>;
using TileVec = hn::Vec<TileTag>;

// Rows of 16 words each: what one chunk of 512 bytes, or the low bits of a page, become.
struct WordRows {
  alignas(64) uint32_t rows[8][kTileLanes];
};

// Which words of a lane's four share a row as neighbouring lanes.
enum class WordPairs : uint8_t {
  kAdjacent,  // 0 and 1, 2 and 3
  kAlternate  // 0 and 2, 1 and 3
};

// A chunk is [8 g][4 t][4 words]; row 2t + p of the result is [8 g][pair p].
template <WordPairs kPairs>
HWY_INLINE void TransposeChunk(const uint8_t* HWY_RESTRICT chunk, WordRows& out) {
#if HWY_TARGET <= HWY_AVX3 && HWY_ARCH_X86
  const auto load = [chunk](int g) HWY_ATTR {
    const __m512i v = _mm512_loadu_si512(chunk + 64 * g);
    return kPairs == WordPairs::kAdjacent ? v : _mm512_shuffle_epi32(v, _MM_PERM_DBCA);
  };
  for (int p = 0; p < 2; ++p) {
    __m512i two[4];  // [t][g = 2k, 2k + 1]
    for (int k = 0; k < 4; ++k) {
      const __m512i even = load(2 * k);
      const __m512i odd = load(2 * k + 1);
      two[k] = p == 0 ? _mm512_unpacklo_epi64(even, odd) : _mm512_unpackhi_epi64(even, odd);
    }
    const __m512i low01 = _mm512_shuffle_i64x2(two[0], two[1], 0x44);
    const __m512i high01 = _mm512_shuffle_i64x2(two[0], two[1], 0xEE);
    const __m512i low23 = _mm512_shuffle_i64x2(two[2], two[3], 0x44);
    const __m512i high23 = _mm512_shuffle_i64x2(two[2], two[3], 0xEE);
    _mm512_store_si512(out.rows[0 + p], _mm512_shuffle_i64x2(low01, low23, 0x88));
    _mm512_store_si512(out.rows[2 + p], _mm512_shuffle_i64x2(low01, low23, 0xDD));
    _mm512_store_si512(out.rows[4 + p], _mm512_shuffle_i64x2(high01, high23, 0x88));
    _mm512_store_si512(out.rows[6 + p], _mm512_shuffle_i64x2(high01, high23, 0xDD));
  }
#elif HWY_TARGET == HWY_AVX2
  const auto load = [chunk](int g, int half) HWY_ATTR {
    const __m256i v =
        _mm256_loadu_si256(reinterpret_cast<const __m256i*>(chunk + 64 * g + 32 * half));
    return kPairs == WordPairs::kAdjacent ? v : _mm256_shuffle_epi32(v, 0xD8);
  };
  for (int half = 0; half < 2; ++half) {
    for (int k = 0; k < 4; k += 2) {
      const __m256i g0 = load(2 * k, half);
      const __m256i g1 = load(2 * k + 1, half);
      const __m256i g2 = load(2 * k + 2, half);
      const __m256i g3 = load(2 * k + 3, half);
      for (int p = 0; p < 2; ++p) {
        const __m256i low = p == 0 ? _mm256_unpacklo_epi64(g0, g1) : _mm256_unpackhi_epi64(g0, g1);
        const __m256i high = p == 0 ? _mm256_unpacklo_epi64(g2, g3) : _mm256_unpackhi_epi64(g2, g3);
        _mm256_store_si256(reinterpret_cast<__m256i*>(out.rows[4 * half + p] + 4 * k),
                           _mm256_permute2x128_si256(low, high, 0x20));
        _mm256_store_si256(reinterpret_cast<__m256i*>(out.rows[4 * half + 2 + p] + 4 * k),
                           _mm256_permute2x128_si256(low, high, 0x31));
      }
    }
  }
#else
  constexpr int kStep = kPairs == WordPairs::kAdjacent ? 1 : 2;
  for (int g = 0; g < 8; ++g) {
    for (int t = 0; t < 4; ++t) {
      uint32_t words[4];
      std::memcpy(words, chunk + 64 * g + 16 * t, sizeof(words));
      for (int p = 0; p < 2; ++p) {
        const int first = kStep == 1 ? 2 * p : p;
        out.rows[2 * t + p][2 * g] = words[first];
        out.rows[2 * t + p][2 * g + 1] = words[first + kStep];
      }
    }
  }
#endif
}

// The low bits at head_dim 64 are [8 g][4 t][2 words]; row t of the result is [8 g][2 words].
HWY_INLINE void TransposeLowBits(const uint8_t* HWY_RESTRICT section, WordRows& out) {
#if HWY_TARGET <= HWY_AVX3 && HWY_ARCH_X86
  const __m512i first = _mm512_setr_epi64(0, 4, 8, 12, 1, 5, 9, 13);
  const __m512i last = _mm512_setr_epi64(2, 6, 10, 14, 3, 7, 11, 15);
  const __m512i a = _mm512_loadu_si512(section);
  const __m512i b = _mm512_loadu_si512(section + 64);
  const __m512i c = _mm512_loadu_si512(section + 128);
  const __m512i d = _mm512_loadu_si512(section + 192);
  const __m512i ab01 = _mm512_permutex2var_epi64(a, first, b);
  const __m512i ab23 = _mm512_permutex2var_epi64(a, last, b);
  const __m512i cd01 = _mm512_permutex2var_epi64(c, first, d);
  const __m512i cd23 = _mm512_permutex2var_epi64(c, last, d);
  _mm512_store_si512(out.rows[0], _mm512_shuffle_i64x2(ab01, cd01, 0x44));
  _mm512_store_si512(out.rows[1], _mm512_shuffle_i64x2(ab01, cd01, 0xEE));
  _mm512_store_si512(out.rows[2], _mm512_shuffle_i64x2(ab23, cd23, 0x44));
  _mm512_store_si512(out.rows[3], _mm512_shuffle_i64x2(ab23, cd23, 0xEE));
#else
  for (int g = 0; g < 8; ++g) {
    for (int t = 0; t < 4; ++t) std::memcpy(out.rows[t] + 2 * g, section + 32 * g + 8 * t, 8);
  }
#endif
}

HWY_INLINE TileVec ShiftRightEach(TileVec v, TileVec counts) { return v >> counts; }
HWY_INLINE TileVec ShiftLeftEach(TileVec v, TileVec counts) { return v << counts; }

// The bits of `mask` in every byte.
HWY_INLINE TileVec Bytes(uint32_t mask) { return hn::Set(TileTag(), mask * 0x01010101u); }

// 0 in even lanes, `count` in odd ones.
HWY_INLINE TileVec OddLanes(uint32_t count) {
  const TileTag d;
  return hn::OddEven(hn::Set(d, count), hn::Zero(d));
}

// Both lanes of a pair get the even (odd) one's word.
HWY_INLINE TileVec Duplicate(TileVec v, bool odd) { return odd ? hn::DupOdd(v) : hn::DupEven(v); }

// The low bits of the four derived positions, from the four stored ones at bits 2k and 2k + 1 of
// every byte: each is the XOR of the three others.
HWY_INLINE TileVec FoldLowBits(TileVec stored) {
  TileVec parity = hn::Xor(stored, hn::ShiftRight<2>(stored));
  parity = hn::And(hn::Xor(parity, hn::ShiftRight<4>(parity)), Bytes(0x03));
  parity = hn::Or(parity, hn::ShiftLeft<2>(parity));
  parity = hn::Or(parity, hn::ShiftLeft<4>(parity));
  return hn::Xor(stored, parity);
}

// (high & mask) | (low & ~mask), for a mask of whole bit fields.
HWY_INLINE TileVec Merge(TileVec high, TileVec low, uint32_t mask) {
  return hn::Or(hn::And(high, Bytes(mask)), hn::AndNot(Bytes(mask), low));
}

template <int kShift, uint32_t kMask>
HWY_INLINE void StoreField(TileVec v, uint8_t* HWY_RESTRICT tile) {
  const TileTag d;
  hn::Store(hn::And(hn::ShiftRight<kShift>(v), Bytes(kMask)), d, reinterpret_cast<uint32_t*>(tile));
}

// Calls body(offset of the vector in a row, in words) for every vector of a row.
template <typename Body>
HWY_INLINE void ForEachVector(Body body) {
  const size_t lanes = hn::Lanes(TileTag());
  for (size_t at = 0; at < kTileLanes; at += lanes) body(at);
}

HWY_INLINE TileVec LoadRow(const WordRows& rows, int row, size_t at) {
  return hn::Load(TileTag(), rows.rows[row] + at);
}

// Four codes of 2 bits a byte: channel tiles first_i … first_i + 3.
template <int kDim, PageHalf kHalf>
HWY_INLINE void StoreFourPairs(TileVec v, int T, int first_i, int t, size_t at,
                               uint8_t* HWY_RESTRICT tiles) {
  uint8_t* const tile = tiles + TileOffset<kDim, kHalf>(T, first_i, t) + 4 * at;
  constexpr int kNext = TileOffset<kDim, kHalf>(0, 1, 0);
  StoreField<0, 3>(v, tile);
  StoreField<2, 3>(v, tile + kNext);
  StoreField<4, 3>(v, tile + 2 * kNext);
  StoreField<6, 3>(v, tile + 3 * kNext);
}

// Two codes of 3 bits a byte, at bits 1 and 5: channel tiles i and i + 2.
template <int kDim, PageHalf kHalf>
HWY_INLINE void StoreTwoTriples(TileVec v, int T, int i, int t, size_t at,
                                uint8_t* HWY_RESTRICT tiles) {
  StoreField<1, 7>(v, tiles + TileOffset<kDim, kHalf>(T, i, t) + 4 * at);
  StoreField<5, 7>(v, tiles + TileOffset<kDim, kHalf>(T, i + 2, t) + 4 * at);
}

}  // namespace HWY_NAMESPACE
}  // namespace oriel
HWY_AFTER_NAMESPACE();
#endif  // HWY_TARGET

#endif  // ORIEL_KERNELS_CPU_PAGE_TRANSPOSE_INL_H_
