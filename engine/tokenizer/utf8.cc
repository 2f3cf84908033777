#include "engine/tokenizer/utf8.h"

#include <cstdint>

#include "kernels/core/check.h"

namespace oriel {
namespace {

uint8_t ByteAt(std::string_view text, size_t index) { return static_cast<uint8_t>(text[index]); }

// What a lead byte asks for. The second byte has its own range: it is what rules out overlong
// forms, surrogates and code points above U+10FFFF.
struct Lead {
  size_t size_bytes = 0;  // 0: cannot start a character
  uint8_t second_min = 0x80;
  uint8_t second_max = 0xBF;
};

Lead LeadOf(uint8_t byte) {
  if (byte < 0x80) return {1};
  if (byte < 0xC2) return {0};
  if (byte < 0xE0) return {2};
  if (byte == 0xE0) return {3, 0xA0, 0xBF};
  if (byte == 0xED) return {3, 0x80, 0x9F};
  if (byte < 0xF0) return {3};
  if (byte == 0xF0) return {4, 0x90, 0xBF};
  if (byte < 0xF4) return {4};
  if (byte == 0xF4) return {4, 0x80, 0x8F};
  return {0};
}

}  // namespace

Utf8Sequence NextUtf8Sequence(std::string_view text) {
  ORIEL_CHECK(!text.empty());
  const Lead lead = LeadOf(ByteAt(text, 0));
  if (lead.size_bytes == 0) return {Utf8Kind::kInvalid, 1};
  for (size_t i = 1; i < lead.size_bytes; ++i) {
    if (i == text.size()) return {Utf8Kind::kIncomplete, i};
    const uint8_t low = i == 1 ? lead.second_min : 0x80;
    const uint8_t high = i == 1 ? lead.second_max : 0xBF;
    if (ByteAt(text, i) < low || ByteAt(text, i) > high) return {Utf8Kind::kInvalid, i};
  }
  return {Utf8Kind::kValid, lead.size_bytes};
}

char32_t DecodeUtf8(std::string_view sequence) {
  ORIEL_CHECK(!sequence.empty() && sequence.size() <= 4);
  if (sequence.size() == 1) return ByteAt(sequence, 0);
  // A lead byte of n bytes starts with n ones and a zero.
  char32_t code_point = ByteAt(sequence, 0) & (0x7Fu >> sequence.size());
  for (size_t i = 1; i < sequence.size(); ++i) {
    code_point = (code_point << 6) | (ByteAt(sequence, i) & 0x3Fu);
  }
  return code_point;
}

void AppendUtf8(char32_t code_point, std::string& out) {
  const auto continuation = [&](unsigned shift) {
    out.push_back(static_cast<char>(0x80 | ((code_point >> shift) & 0x3F)));
  };
  if (code_point < 0x80) {
    out.push_back(static_cast<char>(code_point));
  } else if (code_point < 0x800) {
    out.push_back(static_cast<char>(0xC0 | (code_point >> 6)));
    continuation(0);
  } else if (code_point < 0x10000) {
    out.push_back(static_cast<char>(0xE0 | (code_point >> 12)));
    continuation(6);
    continuation(0);
  } else {
    out.push_back(static_cast<char>(0xF0 | (code_point >> 18)));
    continuation(12);
    continuation(6);
    continuation(0);
  }
}

std::string ReplaceInvalidUtf8(std::string_view text) {
  std::string valid;
  valid.reserve(text.size());
  while (!text.empty()) {
    const Utf8Sequence sequence = NextUtf8Sequence(text);
    valid += sequence.kind == Utf8Kind::kValid ? text.substr(0, sequence.size_bytes)
                                               : kReplacementCharacter;
    text.remove_prefix(sequence.size_bytes);
  }
  return valid;
}

}  // namespace oriel
