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

bool IsRequestId(std::string_view offered) {
  if (offered.empty() || offered.size() > kOfferedBytesMax) return false;
  return std::all_of(offered.begin(), offered.end(), [](char c) { return c > ' ' && c <= '~'; });
}

std::string AcceptRequestId(std::string_view offered) {
  return IsRequestId(offered) ? std::string(offered) : MakeRequestId();
}

}  // namespace oriel
