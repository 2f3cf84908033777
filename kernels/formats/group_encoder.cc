#include "kernels/formats/group_encoder.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/core/check.h"
#include "kernels/formats/e8.h"
#include "kernels/formats/fp8_e4m3.h"
#include "kernels/formats/scale_5_3.h"

namespace oriel {
namespace {

// One value a channel of a group; the first n are used.
using Channels = std::array<float, kHeadDimMax>;
using ChannelCodes = std::array<uint8_t, kHeadDimMax>;

// Sum() of the contract over term(channel).
template <typename Term>
float LaneSum(size_t n, Term term) {
  std::array<float, kNumSumLanes> lanes{};
  for (size_t c = 0; c < n; ++c) lanes[c % kNumSumLanes] += term(c);
  for (size_t distance = kNumSumLanes / 2; distance > 0; distance /= 2) {
    for (size_t lane = 0; lane < distance; ++lane) lanes[lane] += lanes[lane + distance];
  }
  return lanes[0];
}

float RoundClamped(float value, float top) {
  return std::nearbyint(std::min(std::max(value, 0.0f), top));
}

uint8_t StorableScale(float scale) { return std::max(EncodeScale(scale), kMinScaleCode); }

// Nearest codes of one block; z holds the eight positions' places on the code axis.
std::array<uint8_t, kE8BlockChannels> NearestE8Block(int levels,
                                                     const std::array<float, kE8BlockChannels>& z) {
  const float top = static_cast<float>(levels / 2 - 1);
  std::array<std::array<float, kE8BlockChannels>, 2> nearest;
  std::array<std::array<float, kE8BlockChannels>, 2> cost;
  for (size_t p = 0; p < kE8BlockChannels; ++p) {
    nearest[0][p] = 2.0f * RoundClamped(z[p] * 0.5f, top);
    nearest[1][p] = 2.0f * RoundClamped((z[p] - 1.0f) * 0.5f, top) + 1.0f;
    for (size_t low = 0; low < 2; ++low) {
      const float error = z[p] - nearest[low][p];
      cost[low][p] = error * error;
    }
  }
  float least = std::numeric_limits<float>::infinity();
  unsigned best = 0;
  for (int index = 0; index < kNumE8Codewords; ++index) {
    const unsigned word = E8Codeword(index);
    const auto a = [&](unsigned p) { return cost[(word >> p) & 1u][p]; };
    const float total = ((a(0) + a(1)) + (a(2) + a(3))) + ((a(4) + a(5)) + (a(6) + a(7)));
    if (total < least) {
      least = total;
      best = word;
    }
  }
  std::array<uint8_t, kE8BlockChannels> codes;
  for (size_t p = 0; p < kE8BlockChannels; ++p) {
    codes[p] = static_cast<uint8_t>(nearest[(best >> p) & 1u][p]);
  }
  return codes;
}

void NearestE8Codes(int levels, size_t n, const Channels& z, ChannelCodes& codes) {
  const int head_dim = static_cast<int>(n);
  for (int block = 0; block < NumE8Blocks(head_dim); ++block) {
    std::array<float, kE8BlockChannels> block_z;
    for (int p = 0; p < kE8BlockChannels; ++p) {
      block_z[static_cast<size_t>(p)] = z[static_cast<size_t>(E8Channel(head_dim, block, p))];
    }
    const std::array<uint8_t, kE8BlockChannels> block_codes = NearestE8Block(levels, block_z);
    for (int p = 0; p < kE8BlockChannels; ++p) {
      codes[static_cast<size_t>(E8Channel(head_dim, block, p))] =
          block_codes[static_cast<size_t>(p)];
    }
  }
}

// Nearest codes to places z on the code axis.
void NearestCodes(Codec codec, size_t n, const Channels& z, ChannelCodes& codes) {
  if (IsE8(codec)) return NearestE8Codes(Levels(codec), n, z, codes);
  const float top = static_cast<float>(Levels(codec) - 1);
  for (size_t c = 0; c < n; ++c) codes[c] = static_cast<uint8_t>(RoundClamped(z[c], top));
}

void CheckShapes(Codec codec, size_t num_values, size_t num_codes) {
  ORIEL_CHECK(codec != Codec::kFp16);
  ORIEL_CHECK(num_values == num_codes);
  ORIEL_CHECK(num_values == 64 || num_values == 128 || (num_values == 32 && !IsE8(codec)));
}

// A candidate's codes and how far they are from the group.
struct Candidate {
  GroupParameters parameters;
  float error = std::numeric_limits<float>::infinity();
  ChannelCodes codes{};
};

Candidate TrySymmetricStep(Codec codec, std::span<const float> x, uint8_t scale_code) {
  Candidate candidate{.parameters = {.scale = scale_code}};
  const float step = DecodeScale(scale_code);
  const float inverse = 1.0f / step;
  const float middle = MiddleCode(codec);
  Channels z;
  for (size_t c = 0; c < x.size(); ++c) z[c] = x[c] * inverse + middle;
  NearestCodes(codec, x.size(), z, candidate.codes);
  candidate.error = LaneSum(x.size(), [&](size_t c) {
    const float error = x[c] - step * (static_cast<float>(candidate.codes[c]) - middle);
    return error * error;
  });
  return candidate;
}

Candidate TryClip(Codec codec, std::span<const float> x, float centre, float span) {
  const float top = static_cast<float>(Levels(codec) - 1);
  Candidate candidate{.parameters = {.scale = StorableScale((span + span) / top),
                                     .zero = EncodeE4M3(centre - span)}};
  const float step = DecodeScale(candidate.parameters.scale);
  const float zero = DecodeE4M3(candidate.parameters.zero);
  const float inverse = 1.0f / step;
  Channels z;
  for (size_t c = 0; c < x.size(); ++c) z[c] = (x[c] - zero) * inverse;
  NearestCodes(codec, x.size(), z, candidate.codes);
  candidate.error = LaneSum(x.size(), [&](size_t c) {
    const float error = x[c] - (step * static_cast<float>(candidate.codes[c]) + zero);
    return error * error;
  });
  return candidate;
}

// By how much the stored scale exceeds the step that the codes were chosen with.
float ScaleFactor(PageHalf half, Codec codec, std::span<const float> x, float energy,
                  const Candidate& chosen) {
  const float step = DecodeScale(chosen.parameters.scale);
  const float middle = MiddleCode(codec);
  const float overlap = LaneSum(x.size(), [&](size_t c) {
    return x[c] * (step * (static_cast<float>(chosen.codes[c]) - middle));
  });
  const float alpha = overlap > 0.0f ? energy / overlap : 1.0f;
  const float factor = half == PageHalf::kKey ? 1.0f + 0.5f * (alpha - 1.0f) : alpha;
  return std::min(std::max(factor, kLeastScaleFactor), kGreatestScaleFactor);
}

float Energy(std::span<const float> x) {
  return LaneSum(x.size(), [&](size_t c) { return x[c] * x[c]; });
}

}  // namespace

GroupParameters EncodeSymmetricGroup(PageHalf half, Codec codec, std::span<const float> x,
                                     std::span<uint8_t> codes) {
  CheckShapes(codec, x.size(), codes.size());
  const float energy = Energy(x);
  if (energy == 0.0f) {
    std::fill(codes.begin(), codes.end(), uint8_t{0});
    return {};
  }
  const float rms = std::sqrt(energy * (1.0f / static_cast<float>(x.size())));
  Candidate best;
  for (float factor : kStepFactors) {
    const uint8_t scale_code = StorableScale(rms * (BaseStep(codec) * factor));
    // Neighbouring steps often snap to one code, and an equal candidate never wins.
    if (scale_code == best.parameters.scale) continue;
    const Candidate candidate = TrySymmetricStep(codec, x, scale_code);
    if (candidate.error < best.error) best = candidate;
  }
  std::copy_n(best.codes.begin(), codes.size(), codes.begin());
  const float factor = ScaleFactor(half, codec, x, energy, best);
  return {.scale = StorableScale(DecodeScale(best.parameters.scale) * factor)};
}

GroupParameters EncodeAsymmetricGroup(Codec codec, std::span<const float> x,
                                      std::span<uint8_t> codes) {
  CheckShapes(codec, x.size(), codes.size());
  if (Energy(x) == 0.0f) {
    std::fill(codes.begin(), codes.end(), uint8_t{0});
    return {};
  }
  const auto [lo, hi] = std::minmax_element(x.begin(), x.end());
  const float centre = (*lo + *hi) * 0.5f;
  const float reach = (*hi - *lo) * 0.5f;
  Candidate best;
  for (float factor : kClipFactors) {
    const Candidate candidate = TryClip(codec, x, centre, reach * factor);
    if (candidate.error < best.error) best = candidate;
  }
  std::copy_n(best.codes.begin(), codes.size(), codes.begin());
  return best.parameters;
}

void DecodeSymmetricGroup(Codec codec, GroupParameters parameters, std::span<const uint8_t> codes,
                          std::span<float> values) {
  ORIEL_CHECK(codes.size() == values.size());
  const float scale = DecodeScale(parameters.scale);
  const float middle = MiddleCode(codec);
  for (size_t c = 0; c < codes.size(); ++c) {
    values[c] = scale * (static_cast<float>(codes[c]) - middle);
  }
}

void DecodeAsymmetricGroup(GroupParameters parameters, std::span<const uint8_t> codes,
                           std::span<float> values) {
  ORIEL_CHECK(codes.size() == values.size());
  const float scale = DecodeScale(parameters.scale);
  const float zero = DecodeE4M3(parameters.zero);
  for (size_t c = 0; c < codes.size(); ++c) {
    values[c] = scale * static_cast<float>(codes[c]) + zero;
  }
}

}  // namespace oriel
