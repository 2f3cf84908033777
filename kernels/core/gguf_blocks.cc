#include "kernels/core/gguf_blocks.h"

#include <cstring>

#include "kernels/core/check.h"

namespace oriel {
namespace {

// Code `i` of 32 four-bit codes.
int Nibble(const uint8_t* qs, int i) { return i < 16 ? qs[i] & 15 : qs[i - 16] >> 4; }

int Bit(const uint8_t* bits, int i) { return (bits[i / 8] >> (i % 8)) & 1; }

void DecodeBlock(const BlockQ4_0& block, float* out) {
  const float d = ToFloat(block.d);
  for (int i = 0; i < 32; ++i) out[i] = d * static_cast<float>(Nibble(block.qs, i) - 8);
}

void DecodeBlock(const BlockQ4_1& block, float* out) {
  const float d = ToFloat(block.d);
  const float m = ToFloat(block.m);
  for (int i = 0; i < 32; ++i) out[i] = d * static_cast<float>(Nibble(block.qs, i)) + m;
}

void DecodeBlock(const BlockQ5_0& block, float* out) {
  const float d = ToFloat(block.d);
  for (int i = 0; i < 32; ++i) {
    const int code = Nibble(block.qs, i) | (Bit(block.qh, i) << 4);
    out[i] = d * static_cast<float>(code - 16);
  }
}

void DecodeBlock(const BlockQ5_1& block, float* out) {
  const float d = ToFloat(block.d);
  const float m = ToFloat(block.m);
  for (int i = 0; i < 32; ++i) {
    const int code = Nibble(block.qs, i) | (Bit(block.qh, i) << 4);
    out[i] = d * static_cast<float>(code) + m;
  }
}

void DecodeBlock(const BlockQ8_0& block, float* out) {
  const float d = ToFloat(block.d);
  for (int i = 0; i < 32; ++i) out[i] = d * static_cast<float>(block.qs[i]);
}

void DecodeBlock(const BlockQ4_K& block, float* out) {
  const Scales6 scales = UnpackScales6(block.scales);
  for (int run = 0; run < 8; ++run) {
    const float scale = ToFloat(block.d) * static_cast<float>(scales.scale[run]);
    const float minimum = ToFloat(block.dmin) * static_cast<float>(scales.minimum[run]);
    for (int j = 0; j < 32; ++j) {
      const int code = (block.qs[32 * (run / 2) + j] >> (4 * (run % 2))) & 15;
      out[32 * run + j] = scale * static_cast<float>(code) - minimum;
    }
  }
}

void DecodeBlock(const BlockQ5_K& block, float* out) {
  const Scales6 scales = UnpackScales6(block.scales);
  for (int run = 0; run < 8; ++run) {
    const float scale = ToFloat(block.d) * static_cast<float>(scales.scale[run]);
    const float minimum = ToFloat(block.dmin) * static_cast<float>(scales.minimum[run]);
    for (int j = 0; j < 32; ++j) {
      const int low = (block.qs[32 * (run / 2) + j] >> (4 * (run % 2))) & 15;
      const int code = low | (((block.qh[j] >> run) & 1) << 4);
      out[32 * run + j] = scale * static_cast<float>(code) - minimum;
    }
  }
}

void DecodeBlock(const BlockQ6_K& block, float* out) {
  for (int i = 0; i < 256; ++i) {
    const int half = i / 128;
    const int quarter = i % 128 / 32;
    const int j = i % 32;
    const int low = (block.ql[64 * half + 32 * (quarter % 2) + j] >> (4 * (quarter / 2))) & 15;
    const int high = (block.qh[32 * half + j] >> (2 * quarter)) & 3;
    const float scale = ToFloat(block.d) * static_cast<float>(block.scales[i / 16]);
    out[i] = scale * static_cast<float>((low | (high << 4)) - 32);
  }
}

template <typename Block, int kElements>
void DecodeBlocks(const std::byte* row, int64_t columns, float* out) {
  ORIEL_CHECK(columns % kElements == 0);
  for (int64_t column = 0; column < columns; column += kElements) {
    Block block;
    std::memcpy(&block, row, sizeof(Block));
    DecodeBlock(block, out + column);
    row += sizeof(Block);
  }
}

template <typename Number>
void DecodeNumbers(const std::byte* row, int64_t columns, float* out) {
  for (int64_t column = 0; column < columns; ++column) {
    Number number;
    std::memcpy(&number, row + column * static_cast<int64_t>(sizeof(Number)), sizeof(Number));
    out[column] = ToFloat(number);
  }
}

}  // namespace

void DecodeRow(DType dtype, const std::byte* row, int64_t columns, float* out) {
  switch (dtype) {
    case DType::kF32:
      std::memcpy(out, row, static_cast<size_t>(columns) * sizeof(float));
      return;
    case DType::kF16:
      return DecodeNumbers<Half>(row, columns, out);
    case DType::kBF16:
      return DecodeNumbers<BFloat16>(row, columns, out);
    case DType::kQ4_0:
      return DecodeBlocks<BlockQ4_0, 32>(row, columns, out);
    case DType::kQ4_1:
      return DecodeBlocks<BlockQ4_1, 32>(row, columns, out);
    case DType::kQ5_0:
      return DecodeBlocks<BlockQ5_0, 32>(row, columns, out);
    case DType::kQ5_1:
      return DecodeBlocks<BlockQ5_1, 32>(row, columns, out);
    case DType::kQ8_0:
      return DecodeBlocks<BlockQ8_0, 32>(row, columns, out);
    case DType::kQ4_K:
      return DecodeBlocks<BlockQ4_K, 256>(row, columns, out);
    case DType::kQ5_K:
      return DecodeBlocks<BlockQ5_K, 256>(row, columns, out);
    case DType::kQ6_K:
      return DecodeBlocks<BlockQ6_K, 256>(row, columns, out);
  }
}

}  // namespace oriel
