#ifndef ORIEL_KERNELS_CORE_INSTRUCTION_SET_H_
#define ORIEL_KERNELS_CORE_INSTRUCTION_SET_H_

#include <cstdint>

namespace oriel {

// The instruction sets of x86 that the CPU back end may be held to, the least first.
enum class InstructionSet : uint8_t {
  kAuto,    // the best of this processor
  kAvx2,    // AVX2 with FMA and F16C, and nothing above
  kAvx512,  // AVX-512, with VNNI where the processor has it
};

}  // namespace oriel

#endif  // ORIEL_KERNELS_CORE_INSTRUCTION_SET_H_
