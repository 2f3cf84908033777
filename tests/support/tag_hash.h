#ifndef ORIEL_TESTS_SUPPORT_TAG_HASH_H_
#define ORIEL_TESTS_SUPPORT_TAG_HASH_H_

#include <array>
#include <cstdint>

#include "engine/base/token_id.h"
#include "kernels/formats/kv_layer_format.h"

namespace oriel {

// The arithmetic of the tagged model: a tag stands for a token's keys and values, attention is a
// hash over all tags that a query reads, in order of position. One wrong, missing or doubled read
// changes every later token.

constexpr uint64_t MixTags(uint64_t a, uint64_t b) {
  uint64_t x = a ^ (b + 0x9E3779B97F4A7C15u + (a << 6) + (a >> 2));
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
  return x ^ (x >> 31);
}

// The tag of the first layer.
constexpr uint64_t ContentTag(TokenId token, int32_t position) {
  return MixTags(static_cast<uint64_t>(token) + 1, static_cast<uint64_t>(position) + 1);
}

// The tag of a deeper layer: what the layer before attended to.
constexpr uint64_t DeeperTag(uint64_t attended) { return MixTags(attended, 0xDEE9); }

// What a packed page holds for a tag in one head: sealing loses something, and each codec something
// else, so it reads differently.
constexpr uint64_t PackedTag(uint64_t tag, const KvHeadFormat& head) {
  const uint64_t codecs = 16 * static_cast<uint64_t>(head.key) + static_cast<uint64_t>(head.value);
  return MixTags(MixTags(tag, 0x9AC7ED), codecs);
}

inline constexpr uint64_t kNothingAttended = 0x5EED;

constexpr uint64_t Attend(uint64_t attended, uint64_t tag) { return MixTags(attended, tag); }

// Between -4 and 4.
constexpr float TagLogit(uint64_t attended, TokenId token) {
  const uint64_t bits = MixTags(attended, static_cast<uint64_t>(token)) >> 48;
  return static_cast<float>(bits) / 8192.0f - 4.0f;
}

inline constexpr int32_t kTaggedLayers = 2;

// The heads of every layer: two formats of different size.
inline constexpr std::array<KvHeadFormat, 2> kTaggedHeads = {
    DefaultHeadFormat(Codec::kInt2, Codec::kE8_1p5), DefaultHeadFormat(Codec::kInt8, Codec::kInt4)};

}  // namespace oriel

#endif  // ORIEL_TESTS_SUPPORT_TAG_HASH_H_
