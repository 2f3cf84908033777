#include "kernels/formats/code_section.h"

#include <algorithm>

#include "kernels/core/check.h"
#include "kernels/formats/code_index.h"

namespace oriel {
namespace {

// What the low bits of a derived channel's sources XOR to.
uint8_t DerivedLowBit(int head_dim, int channel, std::span<const uint8_t> row) {
  unsigned low = 0;
  for (int source : E8Sources(head_dim, channel)) low ^= row[static_cast<size_t>(source)];
  return static_cast<uint8_t>(low & 1u);
}

void OrInto(std::span<std::byte> section, int byte, unsigned bits, int shift) {
  section[static_cast<size_t>(byte)] |= static_cast<std::byte>(bits << shift);
}

unsigned BitsAt(std::span<const std::byte> section, int byte, int shift, int count) {
  const unsigned value = std::to_integer<unsigned>(section[static_cast<size_t>(byte)]);
  return (value >> shift) & ((1u << count) - 1u);
}

void PackRow(PageHalf half, Codec codec, int head_dim, int token, std::span<const uint8_t> row,
             std::span<std::byte> section) {
  for (int channel = 0; channel < head_dim; ++channel) {
    const unsigned code = row[static_cast<size_t>(channel)];
    const CodePlace place = CodePlaceOf(half, codec, head_dim, token, channel);
    OrInto(section, place.byte, IsE8(codec) ? code >> 1 : code, place.bit);
    if (place.has_low_bit()) OrInto(section, place.low_byte, code & 1u, place.low_bit);
  }
}

void UnpackRow(PageHalf half, Codec codec, int head_dim, int token,
               std::span<const std::byte> section, std::span<uint8_t> row) {
  for (int channel = 0; channel < head_dim; ++channel) {
    const CodePlace place = CodePlaceOf(half, codec, head_dim, token, channel);
    unsigned code = BitsAt(section, place.byte, place.bit, place.bits);
    if (IsE8(codec)) code <<= 1;
    if (place.has_low_bit()) code |= BitsAt(section, place.low_byte, place.low_bit, 1);
    row[static_cast<size_t>(channel)] = static_cast<uint8_t>(code);
  }
  if (!IsE8(codec)) return;
  for (int channel = 0; channel < head_dim; ++channel) {
    if (IsE8FreeChannel(head_dim, channel)) continue;
    uint8_t& code = row[static_cast<size_t>(channel)];
    code = static_cast<uint8_t>(code | DerivedLowBit(head_dim, channel, row));
  }
}

void PackTernaryRow(int head_dim, int token, std::span<const uint8_t> row,
                    std::span<std::byte> section) {
  for (int channel = 0; channel < head_dim; ++channel) {
    const TritPlace place = TernaryCodePlace(head_dim, token, channel);
    std::byte& byte = section[static_cast<size_t>(place.byte)];
    byte = static_cast<std::byte>(std::to_integer<int>(byte) +
                                  row[static_cast<size_t>(channel)] * place.weight);
  }
}

void UnpackTernaryRow(int head_dim, int token, std::span<const std::byte> section,
                      std::span<uint8_t> row) {
  for (int channel = 0; channel < head_dim; ++channel) {
    const TritPlace place = TernaryCodePlace(head_dim, token, channel);
    const int byte = std::to_integer<int>(section[static_cast<size_t>(place.byte)]);
    row[static_cast<size_t>(channel)] = static_cast<uint8_t>(byte / place.weight % 3);
  }
}

void CheckShapes(Codec codec, int head_dim, size_t num_codes, size_t section_bytes) {
  ORIEL_CHECK(codec != Codec::kFp16);
  ORIEL_CHECK(IsSupportedHeadDim(head_dim));
  ORIEL_CHECK(num_codes == static_cast<size_t>(kPageTokens * head_dim));
  ORIEL_CHECK(section_bytes == static_cast<size_t>(CodeSectionBytes(codec, head_dim)));
}

}  // namespace

bool IsE8Row(int head_dim, std::span<const uint8_t> row) {
  for (int channel = 0; channel < head_dim; ++channel) {
    if (IsE8FreeChannel(head_dim, channel)) continue;
    const uint8_t low = row[static_cast<size_t>(channel)] & 1u;
    if (low != DerivedLowBit(head_dim, channel, row)) return false;
  }
  return true;
}

void PackCodes(PageHalf half, Codec codec, int head_dim, std::span<const uint8_t> codes,
               std::span<std::byte> section) {
  CheckShapes(codec, head_dim, codes.size(), section.size());
  std::fill(section.begin(), section.end(), std::byte{0});
  const size_t row_codes = static_cast<size_t>(head_dim);
  for (int token = 0; token < kPageTokens; ++token) {
    const auto row = codes.subspan(static_cast<size_t>(token) * row_codes, row_codes);
    ORIEL_CHECK(*std::max_element(row.begin(), row.end()) < Levels(codec));
    ORIEL_CHECK(!IsE8(codec) || IsE8Row(head_dim, row));
    if (codec == Codec::kTernary) {
      PackTernaryRow(head_dim, token, row, section);
    } else {
      PackRow(half, codec, head_dim, token, row, section);
    }
  }
}

void UnpackCodes(PageHalf half, Codec codec, int head_dim, std::span<const std::byte> section,
                 std::span<uint8_t> codes) {
  CheckShapes(codec, head_dim, codes.size(), section.size());
  const size_t row_codes = static_cast<size_t>(head_dim);
  for (int token = 0; token < kPageTokens; ++token) {
    const auto row = codes.subspan(static_cast<size_t>(token) * row_codes, row_codes);
    if (codec == Codec::kTernary) {
      UnpackTernaryRow(head_dim, token, section, row);
    } else {
      UnpackRow(half, codec, head_dim, token, section, row);
    }
  }
}

}  // namespace oriel
