#include "engine/tokenizer/jinja/budget.h"

#include "absl/strings/str_cat.h"

namespace oriel::jinja {
namespace {

constexpr uint64_t kBytesPerStep = 128;

// Adds `amount` to `used`; false where that passes `limit`. Never overflows.
bool Spend(uint64_t amount, int64_t limit, int64_t& used) {
  if (amount > static_cast<uint64_t>(limit - used)) {
    used = limit;
    return false;
  }
  used += static_cast<int64_t>(amount);
  return true;
}

}  // namespace

absl::Status Budget::Steps(int64_t steps) {
  if (!Spend(static_cast<uint64_t>(steps), limits_.steps_max, steps_)) {
    return absl::ResourceExhaustedError(
        absl::StrCat("the template took more than ", limits_.steps_max, " steps"));
  }
  return absl::OkStatus();
}

absl::Status Budget::Scan(uint64_t bytes) {
  return Steps(static_cast<int64_t>(bytes / kBytesPerStep));
}

absl::Status Budget::Build(uint64_t bytes) {
  if (!Spend(bytes, limits_.built_bytes_max, built_bytes_)) {
    return absl::ResourceExhaustedError(
        absl::StrCat("the template built values of more than ", limits_.built_bytes_max, " bytes"));
  }
  return Scan(bytes);
}

absl::Status Budget::Output(uint64_t bytes) {
  if (!Spend(bytes, limits_.output_bytes_max, output_bytes_)) {
    return absl::ResourceExhaustedError(
        absl::StrCat("the rendered text is longer than ", limits_.output_bytes_max, " bytes"));
  }
  return Scan(bytes);
}

}  // namespace oriel::jinja
