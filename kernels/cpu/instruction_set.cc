#include "kernels/cpu/instruction_set.h"

#include <cstdint>
#include <mutex>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "kernels/core/check.h"
#include "kernels/core/status.h"

// The targets of the kernels: VNNI machines run AVX3_DL, which Highway leaves out unless asked.
#define HWY_WANT_AVX3_DL
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/instruction_set.cc"
#include "hwy/foreach_target.h"

#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace oriel {
namespace HWY_NAMESPACE {

int64_t TargetHere() { return HWY_TARGET; }

}  // namespace HWY_NAMESPACE
}  // namespace oriel
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace oriel {
HWY_EXPORT(TargetHere);

namespace {

constexpr int64_t kAvx512Targets = HWY_AVX3 | HWY_AVX3_DL;

struct Held {
  std::mutex mutex;  // guards everything below
  int holds = 0;
  InstructionSet set = InstructionSet::kAuto;
};

Held& ProcessHeld() {
  static Held held;
  return held;
}

// The targets of which the processor must have one; 0: none in particular.
int64_t NeededTargets(InstructionSet set) {
  switch (set) {
    case InstructionSet::kAuto:
      return 0;
    case InstructionSet::kAvx2:
      return HWY_AVX2;
    case InstructionSet::kAvx512:
      return kAvx512Targets;
  }
  return 0;
}

// Highway chooses at the next call of any kernel, and other threads would see every set for a
// moment meanwhile: so that call is made here.
void Disable(int64_t targets) {
  hwy::DisableTargets(targets);
  HWY_DYNAMIC_DISPATCH(TargetHere)();
}

}  // namespace

absl::StatusOr<std::unique_ptr<InstructionSetHold>> InstructionSetHold::Make(InstructionSet set) {
  Held& held = ProcessHeld();
  const std::lock_guard lock(held.mutex);
  if (held.holds > 0 && held.set != set) {
    return absl::FailedPreconditionError(
        absl::StrCat("cpu_isa ", ToAbsl(NameOf(set)), " beside a CPU back end with cpu_isa ",
                     ToAbsl(NameOf(held.set)), ": a process has one instruction set"));
  }
  const int64_t needed = NeededTargets(set);
  if (held.holds == 0 && needed != 0 && (hwy::SupportedTargets() & needed) == 0) {
    return absl::UnimplementedError(absl::StrCat("cpu_isa is ", ToAbsl(NameOf(set)),
                                                 ", the best of this processor is ",
                                                 ToAbsl(DispatchedInstructionSet())));
  }
  if (held.holds == 0 && set == InstructionSet::kAvx2) Disable(kAvx512Targets);
  ++held.holds;
  held.set = set;
  return std::unique_ptr<InstructionSetHold>(new InstructionSetHold());
}

InstructionSetHold::~InstructionSetHold() {
  Held& held = ProcessHeld();
  const std::lock_guard lock(held.mutex);
  ORIEL_CHECK(held.holds > 0);
  --held.holds;
  if (held.holds == 0 && held.set != InstructionSet::kAuto) Disable(0);
}

std::string_view DispatchedInstructionSet() {
  // Asks a kernel: hwy::SupportedTargets() would undo what is disabled until the next choice.
  const int64_t target = HWY_DYNAMIC_DISPATCH(TargetHere)();
  switch (target) {
    case HWY_AVX3_DL:
      return "avx512_vnni";
    case HWY_AVX3:
      return "avx512";
    case HWY_AVX2:
      return "avx2";
    case HWY_SSE4:
      return "sse4";
    case HWY_SSSE3:
      return "ssse3";
  }
  return hwy::TargetName(target);
}

}  // namespace oriel
#endif  // HWY_ONCE
