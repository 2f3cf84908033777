#ifndef ORIEL_KERNELS_CPU_INSTRUCTION_SET_H_
#define ORIEL_KERNELS_CPU_INSTRUCTION_SET_H_

#include <memory>
#include <string_view>

#include "absl/status/statusor.h"
#include "kernels/core/instruction_set.h"

namespace oriel {

// Holds the kernels of this process to an instruction set while it lives. Run-time dispatch has one
// setting a process, and packed weights have the width of the set that they were packed for: so all
// that live at a time ask for the same set.
//
// Threads     any.
class InstructionSetHold {
 public:
  // Unimplemented: this processor does not have the set. FailedPrecondition: another set is held.
  static absl::StatusOr<std::unique_ptr<InstructionSetHold>> Make(InstructionSet set);

  ~InstructionSetHold();
  InstructionSetHold(const InstructionSetHold&) = delete;
  InstructionSetHold& operator=(const InstructionSetHold&) = delete;

 private:
  InstructionSetHold() = default;
};

// What the kernels are dispatched to now: avx512_vnni, avx512, avx2, sse4, …
std::string_view DispatchedInstructionSet();

}  // namespace oriel

#endif  // ORIEL_KERNELS_CPU_INSTRUCTION_SET_H_
