#include "server/config/byte_size.h"

#include <array>
#include <cstddef>
#include <cstdio>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "kernels/core/status.h"

namespace oriel {
namespace {

struct Unit {
  std::string_view name;  // lower case
  int64_t bytes;
};

constexpr int64_t kKibi = 1024;
constexpr std::array<Unit, 14> kUnits = {{
    {"", 1},
    {"b", 1},
    {"k", 1000},
    {"kb", 1000},
    {"m", 1000 * 1000},
    {"mb", 1000 * 1000},
    {"g", int64_t{1000} * 1000 * 1000},
    {"gb", int64_t{1000} * 1000 * 1000},
    {"t", int64_t{1000} * 1000 * 1000 * 1000},
    {"tb", int64_t{1000} * 1000 * 1000 * 1000},
    {"kib", kKibi},
    {"mib", kKibi* kKibi},
    {"gib", kKibi* kKibi* kKibi},
    {"tib", kKibi* kKibi* kKibi* kKibi},
}};

// Far above any machine, and far below what a double counts exactly.
constexpr double kBytesMax = 1e15;

absl::Status NotASize(std::string_view text) {
  return absl::InvalidArgumentError(
      absl::StrCat("\"", ToAbsl(text), "\" is not a number of bytes; write it as 800M or 1.5GiB"));
}

}  // namespace

absl::StatusOr<int64_t> ParseByteSize(std::string_view text) {
  const size_t digits_end = text.find_first_not_of("0123456789.");
  const std::string_view digits = text.substr(0, digits_end);
  std::string_view unit_text = digits_end == text.npos ? "" : text.substr(digits_end);
  while (unit_text.starts_with(' ')) unit_text.remove_prefix(1);
  double number = 0;
  if (digits.empty() || !absl::SimpleAtod(ToAbsl(digits), &number)) return NotASize(text);
  const std::string unit_name = absl::AsciiStrToLower(ToAbsl(unit_text));
  for (const Unit& unit : kUnits) {
    if (unit.name != unit_name) continue;
    const double bytes = number * static_cast<double>(unit.bytes);
    if (bytes > kBytesMax) return NotASize(text);
    return static_cast<int64_t>(bytes);
  }
  return NotASize(text);
}

std::string ExactByteSize(int64_t bytes) {
  constexpr std::array<const char*, 5> kSuffixes = {"", "KiB", "MiB", "GiB", "TiB"};
  size_t suffix = 0;
  while (bytes != 0 && bytes % kKibi == 0 && suffix + 1 < kSuffixes.size()) {
    bytes /= kKibi;
    ++suffix;
  }
  return absl::StrCat(bytes, kSuffixes[suffix]);
}

std::string ReadableByteSize(int64_t bytes) {
  constexpr std::array<const char*, 5> kSuffixes = {"B", "KiB", "MiB", "GiB", "TiB"};
  double number = static_cast<double>(bytes);
  size_t suffix = 0;
  while (number >= 1000.0 && suffix + 1 < kSuffixes.size()) {
    number /= static_cast<double>(kKibi);
    ++suffix;
  }
  std::array<char, 32> buffer{};
  const int decimals = suffix == 0 || number >= 100.0 ? 0 : (number >= 10.0 ? 1 : 2);
  std::snprintf(buffer.data(), buffer.size(), "%.*f %s", decimals, number, kSuffixes[suffix]);
  return buffer.data();
}

}  // namespace oriel
