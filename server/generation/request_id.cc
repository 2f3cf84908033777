#include "server/generation/request_id.h"

#include <algorithm>
#include <cstdint>
#include <random>

#include "absl/strings/str_cat.h"

namespace oriel {
namespace {

constexpr size_t kOfferedBytesMax = 128;

}  // namespace

std::string MakeRequestId() {
  thread_local std::mt19937_64 generator{std::random_device{}()};
  return absl::StrCat(absl::Hex(generator(), absl::kZeroPad16),
                      absl::Hex(generator(), absl::kZeroPad16));
}

std::string AcceptRequestId(std::string_view offered) {
  const bool printable =
      std::all_of(offered.begin(), offered.end(), [](char c) { return c > ' ' && c <= '~'; });
  if (offered.empty() || offered.size() > kOfferedBytesMax || !printable) return MakeRequestId();
  return std::string(offered);
}

}  // namespace oriel
