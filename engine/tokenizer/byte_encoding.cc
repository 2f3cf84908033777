#include "engine/tokenizer/byte_encoding.h"

#include <array>
#include <cstddef>

#include "engine/tokenizer/utf8.h"

namespace oriel {
namespace {

constexpr char32_t kFirstSubstitute = 0x100;
constexpr size_t kCodePoints = 0x144;  // one past the last substitute

constexpr bool IsPrintable(unsigned byte) {
  return (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
}

constexpr std::array<char32_t, 256> CodePointOfByte() {
  std::array<char32_t, 256> code_points{};
  char32_t next_substitute = kFirstSubstitute;
  for (unsigned byte = 0; byte < 256; ++byte) {
    code_points[byte] = IsPrintable(byte) ? byte : next_substitute++;
  }
  return code_points;
}

constexpr std::array<char32_t, 256> kCodePointOfByte = CodePointOfByte();
static_assert(kCodePointOfByte[' '] == 0x120 && kCodePointOfByte[0xAD] == kCodePoints - 1);

constexpr std::array<int16_t, kCodePoints> ByteOfCodePoint() {
  std::array<int16_t, kCodePoints> bytes{};
  bytes.fill(-1);
  for (unsigned byte = 0; byte < 256; ++byte) {
    bytes[kCodePointOfByte[byte]] = static_cast<int16_t>(byte);
  }
  return bytes;
}

constexpr std::array<int16_t, kCodePoints> kByteOfCodePoint = ByteOfCodePoint();

}  // namespace

std::string EncodeByte(uint8_t byte) {
  std::string text;
  AppendUtf8(kCodePointOfByte[byte], text);
  return text;
}

std::string DecodeByteText(std::string_view text) {
  std::string bytes;
  while (!text.empty()) {
    const Utf8Sequence sequence = NextUtf8Sequence(text);
    const std::string_view character = text.substr(0, sequence.size_bytes);
    text.remove_prefix(sequence.size_bytes);
    const char32_t code_point =
        sequence.kind == Utf8Kind::kValid ? DecodeUtf8(character) : char32_t{kCodePoints};
    if (code_point < kCodePoints && kByteOfCodePoint[code_point] >= 0) {
      bytes.push_back(static_cast<char>(kByteOfCodePoint[code_point]));
    } else {
      bytes += character;
    }
  }
  return bytes;
}

}  // namespace oriel
