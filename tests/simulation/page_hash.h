#ifndef ORIEL_TESTS_SIMULATION_PAGE_HASH_H_
#define ORIEL_TESTS_SIMULATION_PAGE_HASH_H_

#include <cstdint>
#include <span>

#include "kernels/formats/kv_layer_format.h"
#include "tests/support/tag_hash.h"

namespace oriel {

// The arithmetic of the simulation's model. It is that of the tagged model, but a page is folded
// into one number as its rows come, so that a query costs a few operations a page instead of a
// token. A stale, foreign, missing or doubled page changes every later token of its sequence.

inline constexpr uint64_t kEmptyPage = 0xE3B7;
inline constexpr uint64_t kNoSinks = 0x51A4;

// A page after one more row. Sinks are read from their slot, so a page leaves them out.
constexpr uint64_t AddRowToPage(uint64_t page, TokenId token, int32_t position,
                                int32_t sink_tokens) {
  return position < sink_tokens ? page : MixTags(page, ContentTag(token, position));
}

constexpr uint64_t AddSink(uint64_t sinks, TokenId token, int32_t position) {
  return MixTags(sinks, ContentTag(token, position));
}

// How a page reads once it is sealed: sealing loses something, and each codec something else.
constexpr uint64_t SealedPage(uint64_t page, uint64_t format_tag) {
  return MixTags(MixTags(page, 0x9AC7ED), format_tag);
}

// Stands for the codecs of all layers and heads.
constexpr uint64_t AddFormat(uint64_t tag, const KvLayerFormat& format) {
  for (int32_t h = 0; h < format.kv_heads; ++h) {
    tag = MixTags(tag, static_cast<uint64_t>(format.head(h).key));
    tag = MixTags(tag, static_cast<uint64_t>(format.head(h).value));
  }
  return tag;
}

// About one token in some thousands has logits that are not numbers; which one depends on the text
// alone.
constexpr bool HasNoNumbers(uint64_t attended) { return attended % 8191 == 0; }

// The draw's noise: fixed by the request's seed and the token's position. Between 0 and 4.
constexpr float DrawNoise(uint64_t seed, uint64_t position, TokenId token) {
  const uint64_t bits =
      MixTags(MixTags(seed, position), static_cast<uint64_t>(token) + 0x401) >> 48;
  return static_cast<float>(bits) / 16384.0f;
}

// The simulation's sampling rule: the greatest of adjusted logit + temperature * noise; the lowest
// id wins a tie. kNoToken if every token is forbidden.
inline TokenId DrawToken(std::span<const float> adjusted, float temperature, uint64_t seed,
                         uint64_t position) {
  TokenId best = kNoToken;
  float best_score = 0.0f;
  for (size_t i = 0; i < adjusted.size(); ++i) {
    const TokenId token = static_cast<TokenId>(i);
    if (adjusted[i] < -1e30f) continue;
    float score = adjusted[i];
    if (temperature > 0.0f) score += temperature * DrawNoise(seed, position, token);
    if (best != kNoToken && score <= best_score) continue;
    best = token;
    best_score = score;
  }
  return best;
}

}  // namespace oriel

#endif  // ORIEL_TESTS_SIMULATION_PAGE_HASH_H_
