#ifndef ORIEL_KERNELS_FORMATS_GROUP_ENCODER_H_
#define ORIEL_KERNELS_FORMATS_GROUP_ENCODER_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "kernels/formats/codec.h"

namespace oriel {

// Encoding of one token's channels of one group: the recipe that needs no calibration. These plain
// loops define the bytes; every faster seal gives the same ones.
//
// Numerics. A page's bytes name its content in caches and swap files, so each back end must make
// the same bytes. All arithmetic is float32, rounded to nearest even after every single operation:
// no fused multiply-add, no reassociation, no reciprocal or square-root estimates, no flushing of
// subnormals (none occur within the limits below). In C++ that means -ffp-contract=off, for
// intrinsics too; in CUDA -fmad=false -prec-div=true -prec-sqrt=true. Constants are float products.
//
//   Sum(t)       lane l = 0..15 adds t of channels 16i + l for i = 0, 1, ...; then lanes l and
//                l + 8 are added, l and l + 4, l + 2, l + 1
//   Clamp(v, top) min(max(v, 0), top);   Round(v) to nearest, ties to even
//   n channels, L levels, m = (L - 1) / 2
//
//   Symmetric
//     energy = Sum(x * x); if it is 0: scale code 0 and all codes 0
//     rms    = sqrt(energy * (1 / n)); 1 / n is exact
//     for each k, in order, step_k = snap(rms * (base * kStepFactors[k])):
//       snap(v) = max(EncodeScale(v), kMinScaleCode), decoded
//       z     = x * (1 / step) + m
//       codes = Round(Clamp(z, L - 1)), or the E8 rule below
//       error = Sum(e * e), e = x - step * (code - m); the product is exact
//     the candidate with the least error wins, the first among equals
//     unbiased = energy / Sum(x * r), r = step * (code - m); 1 if that sum is not positive
//     factor   = 1 + 0.5 * (unbiased - 1) for keys, unbiased for values;
//                then min(max(factor, 0.8), 1.5)
//     stored scale code = max(EncodeScale(step * factor), kMinScaleCode)
//
//   Asymmetric (SKVQ's, clipped about the centre; no unbiased scale)
//     energy = 0 as above, with zero code 0
//     lo, hi = least and greatest x; centre = (lo + hi) * 0.5; reach = (hi - lo) * 0.5
//     for each k, in order: span = reach * kClipFactors[k];
//       zero  = centre - span as E4M3; step = snap((span + span) / (L - 1))
//       z     = (x - zero) * (1 / step); codes as above
//       error = Sum(e * e), e = x - (step * code + zero); the product is exact
//     the candidate with the least error wins, the first among equals
//
//   E8 rule, per block of eight positions p (e8.h), T = L / 2 - 1
//     v0 = 2 * Round(Clamp(z * 0.5, T)),  v1 = 2 * Round(Clamp((z - 1) * 0.5, T)) + 1
//     c0 = (z - v0)^2,  c1 = (z - v1)^2;  a[p] = c1 where the codeword has bit p, else c0
//     cost = ((a[0] + a[1]) + (a[2] + a[3])) + ((a[4] + a[5]) + (a[6] + a[7]))
//     the codeword with the least cost wins, the lowest index among equals
//
// Limits      x finite, |x| <= 2^33 and a multiple of 2^-40: what finite FP16 rows give with any
//             pre-scale, less a centre. x.size() is 32, 64 or 128; 64 or 128 for E8 codecs, whose
//             blocks span the head. Any codec but fp16.
// Source      SKVQ (arXiv 2405.06219); snapping before the codes are chosen, the E8 codec and the
//             unbiased scale are ours (README.md).

// What is stored for the group beside its codes.
struct GroupParameters {
  uint8_t scale = 0;  // 5-3 float
  uint8_t zero = 0;   // E4M3; 0 in the symmetric variant

  friend constexpr bool operator==(GroupParameters, GroupParameters) = default;
};

inline constexpr size_t kNumSumLanes = 16;

// Candidate steps, relative to the codec's base step.
inline constexpr std::array<float, 9> kStepFactors = {0.7f,  0.78f, 0.86f, 0.93f, 1.0f,
                                                      1.08f, 1.17f, 1.3f,  1.5f};

// Share of the range that the asymmetric variant keeps.
inline constexpr std::array<float, 9> kClipFactors = {1.0f,  0.95f, 0.9f,  0.85f, 0.8f,
                                                      0.75f, 0.7f,  0.65f, 0.6f};

inline constexpr float kLeastScaleFactor = 0.8f;
inline constexpr float kGreatestScaleFactor = 1.5f;

// The step, in units of the RMS, that is best for Gaussian data; 0 for fp16, which has none.
constexpr float BaseStep(Codec codec) {
  switch (codec) {
    case Codec::kFp16:
      return 0.0f;
    case Codec::kInt8:
      return 0.031f;
    case Codec::kInt4:
      return 0.335f;
    case Codec::kInt2:
      return 1.0f;
    case Codec::kInt1:
      return 1.6f;
    case Codec::kE8_1p5:
      return 0.88f;
    case Codec::kE8_2p5:
      return 0.53f;
    case Codec::kTernary:
      return 1.22f;
  }
  return 0.0f;
}

// Chooses codes [x.size()] for x and returns the parameters to store. `half` decides how far the
// stored scale goes towards the unbiased one.
GroupParameters EncodeSymmetricGroup(PageHalf half, Codec codec, std::span<const float> x,
                                     std::span<uint8_t> codes);
GroupParameters EncodeAsymmetricGroup(Codec codec, std::span<const float> x,
                                      std::span<uint8_t> codes);

// Values [codes.size()] that codes and parameters stand for.
void DecodeSymmetricGroup(Codec codec, GroupParameters parameters, std::span<const uint8_t> codes,
                          std::span<float> values);
void DecodeAsymmetricGroup(GroupParameters parameters, std::span<const uint8_t> codes,
                           std::span<float> values);

}  // namespace oriel

#endif  // ORIEL_KERNELS_FORMATS_GROUP_ENCODER_H_
