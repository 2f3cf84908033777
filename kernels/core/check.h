#ifndef ORIEL_KERNELS_CORE_CHECK_H_
#define ORIEL_KERNELS_CORE_CHECK_H_

namespace oriel {

// Prints the condition and its place, then aborts.
[[noreturn]] void CheckFailed(const char* condition, const char* file, int line);

}  // namespace oriel

// An invariant of ours that does not hold is a bug: the process ends at once, in every build.
// What comes from outside is answered with absl::Status and never reaches a check.
#define ORIEL_CHECK(condition)                              \
  do {                                                      \
    if (!(condition)) [[unlikely]] {                        \
      ::oriel::CheckFailed(#condition, __FILE__, __LINE__); \
    }                                                       \
  } while (false)

#endif  // ORIEL_KERNELS_CORE_CHECK_H_
