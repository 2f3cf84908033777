#include "engine/runtime/available_memory.h"

#include <algorithm>
#include <fstream>
#include <optional>
#include <string>

#include "absl/status/status.h"

namespace oriel {
namespace {

constexpr const char* kMeminfo = "/proc/meminfo";
constexpr const char* kGroupLimit = "/sys/fs/cgroup/memory.max";
constexpr const char* kGroupUse = "/sys/fs/cgroup/memory.current";

std::optional<int64_t> ReadMemAvailable() {
  std::ifstream file(kMeminfo);
  for (std::string field; file >> field;) {
    int64_t kibibytes = 0;
    if (field == "MemAvailable:" && file >> kibibytes) return kibibytes * 1024;
  }
  return std::nullopt;
}

// None if the file is missing, or holds the word "max".
std::optional<int64_t> ReadNumber(const char* path) {
  std::ifstream file(path);
  int64_t number = 0;
  if (file >> number) return number;
  return std::nullopt;
}

}  // namespace

absl::StatusOr<int64_t> AvailableMemoryBytes() {
  const std::optional<int64_t> available = ReadMemAvailable();
  if (!available.has_value()) {
    return absl::UnavailableError(std::string("no MemAvailable in ") + kMeminfo);
  }
  const std::optional<int64_t> limit = ReadNumber(kGroupLimit);
  const std::optional<int64_t> use = ReadNumber(kGroupUse);
  if (!limit.has_value() || !use.has_value()) return *available;
  return std::min(*available, std::max<int64_t>(*limit - *use, 0));
}

}  // namespace oriel
