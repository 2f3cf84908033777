#include "kernels/cpu/code_packer.h"

#include <cstring>
#include <vector>

#include "kernels/core/check.h"
#include "kernels/formats/code_index.h"

namespace oriel {
namespace {

// Where the code of a channel and token goes: (code >> drop) << bit into `byte`, and its lowest
// bit, if it is stored apart, into `low_byte`.
struct PackPlace {
  uint16_t byte;
  uint8_t bit;
  uint8_t low_bit;
  uint16_t low_byte;
};

struct PackTable {
  std::vector<PackPlace> places;  // [head_dim][64]
};

PackTable MakeTable(PageHalf half, Codec codec, int head_dim) {
  PackTable table;
  for (int channel = 0; channel < head_dim; ++channel) {
    for (int token = 0; token < kPageTokens; ++token) {
      const CodePlace place = CodePlaceOf(half, codec, head_dim, token, channel);
      table.places.push_back({.byte = static_cast<uint16_t>(place.byte),
                              .bit = static_cast<uint8_t>(place.bit),
                              .low_bit = static_cast<uint8_t>(place.low_bit),
                              .low_byte = static_cast<uint16_t>(place.low_byte)});
    }
  }
  return table;
}

template <PageHalf kHalf, Codec kCodec, int kDim>
void Pack(const uint8_t* codes, std::byte* section) {
  static const PackTable table = MakeTable(kHalf, kCodec, kDim);
  uint8_t bytes[CodeSectionBytes(kCodec, kDim)] = {};
  const PackPlace* place = table.places.data();
  for (int channel = 0; channel < kDim; ++channel) {
    // Whether a low bit is stored depends on the channel for all codecs, and for keys at 64 not on
    // the token either.
    const bool stores_low = IsE8(kCodec) && IsE8FreeChannel(kDim, channel);
    for (int token = 0; token < kPageTokens; ++token, ++place) {
      const unsigned code = *codes++;
      const unsigned high = IsE8(kCodec) ? code >> 1 : code;
      bytes[place->byte] = static_cast<uint8_t>(bytes[place->byte] | high << place->bit);
      if (!stores_low) continue;
      bytes[place->low_byte] =
          static_cast<uint8_t>(bytes[place->low_byte] | (code & 1u) << place->low_bit);
    }
  }
  std::memcpy(section, bytes, sizeof(bytes));
}

template <PageHalf kHalf, int kDim>
void PackAt(Codec codec, const uint8_t* codes, std::byte* section) {
  switch (codec) {
    case Codec::kInt8:
      return Pack<kHalf, Codec::kInt8, kDim>(codes, section);
    case Codec::kInt4:
      return Pack<kHalf, Codec::kInt4, kDim>(codes, section);
    case Codec::kInt2:
      return Pack<kHalf, Codec::kInt2, kDim>(codes, section);
    case Codec::kInt1:
      return Pack<kHalf, Codec::kInt1, kDim>(codes, section);
    case Codec::kE8_1p5:
      return Pack<kHalf, Codec::kE8_1p5, kDim>(codes, section);
    case Codec::kE8_2p5:
      return Pack<kHalf, Codec::kE8_2p5, kDim>(codes, section);
    case Codec::kFp16:
    case Codec::kTernary:
      break;
  }
  ORIEL_CHECK(false);
}

}  // namespace

void PackTransposedCodes(PageHalf half, Codec codec, int head_dim, const uint8_t* codes,
                         std::byte* section) {
  switch (half) {
    case PageHalf::kKey:
      return head_dim == 128 ? PackAt<PageHalf::kKey, 128>(codec, codes, section)
                             : PackAt<PageHalf::kKey, 64>(codec, codes, section);
    case PageHalf::kValue:
      return head_dim == 128 ? PackAt<PageHalf::kValue, 128>(codec, codes, section)
                             : PackAt<PageHalf::kValue, 64>(codec, codes, section);
  }
}

}  // namespace oriel
