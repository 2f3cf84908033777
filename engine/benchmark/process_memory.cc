#include "engine/benchmark/process_memory.h"

#include <fstream>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace oriel {
namespace {

constexpr const char* kStatusFile = "/proc/self/status";

}  // namespace

absl::StatusOr<ProcessMemory> ReadProcessMemory() {
  ProcessMemory memory;
  std::ifstream file(kStatusFile);
  // Lines are "Name: 123 kB"; those of other shapes are read word by word and match no name.
  for (std::string word; file >> word;) {
    int64_t* field = nullptr;
    if (word == "VmRSS:") field = &memory.resident_bytes;
    if (word == "VmHWM:") field = &memory.peak_resident_bytes;
    if (word == "RssAnon:") field = &memory.anonymous_bytes;
    if (word == "RssFile:") field = &memory.file_bytes;
    int64_t kibibytes = 0;
    if (field != nullptr && file >> kibibytes) *field = kibibytes * 1024;
  }
  if (memory.resident_bytes > 0) return memory;
  return absl::UnavailableError(absl::StrCat("no VmRSS in ", kStatusFile));
}

}  // namespace oriel
