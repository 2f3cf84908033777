#ifndef ORIEL_KERNELS_CORE_INSTRUCTION_SET_H_
#define ORIEL_KERNELS_CORE_INSTRUCTION_SET_H_

#include <array>
#include <cstdint>
#include <string_view>

namespace oriel {

// The instruction sets of x86 that the CPU back end may be held to, the least first.
enum class InstructionSet : uint8_t {
  kAuto,    // the best of this processor
  kAvx2,    // AVX2 with FMA and F16C, and nothing above
  kAvx512,  // AVX-512, with VNNI where the processor has it
};

inline constexpr std::array kInstructionSets = {InstructionSet::kAuto, InstructionSet::kAvx2,
                                                InstructionSet::kAvx512};

// As users write it.
constexpr std::string_view NameOf(InstructionSet set) {
  switch (set) {
    case InstructionSet::kAuto:
      return "auto";
    case InstructionSet::kAvx2:
      return "avx2";
    case InstructionSet::kAvx512:
      return "avx512";
  }
  return "?";
}

}  // namespace oriel

#endif  // ORIEL_KERNELS_CORE_INSTRUCTION_SET_H_
