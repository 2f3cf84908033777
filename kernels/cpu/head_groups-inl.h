// How the query heads of a KV head share registers. Compiled once for every instruction set.

#if defined(ORIEL_KERNELS_CPU_HEAD_GROUPS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ORIEL_KERNELS_CPU_HEAD_GROUPS_INL_H_
#undef ORIEL_KERNELS_CPU_HEAD_GROUPS_INL_H_
#else
#define ORIEL_KERNELS_CPU_HEAD_GROUPS_INL_H_
#endif

#include <type_traits>

#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace oriel {
namespace HWY_NAMESPACE {

// As many vectors side by side as their sums, their operands and two weights fit in the registers.
constexpr int VectorsAtOnce(int heads) {
  if (HWY_MAX_BYTES == 64) return heads <= 4 ? 4 : 2;
  return heads == 1 ? 4 : heads <= 4 ? 2 : 1;
}

// Calls body(std::integral_constant<int, count>, first head) for groups of at most eight heads.
template <typename Body>
HWY_INLINE void ForHeadGroups(int heads, Body body) {
  for (int first = 0; first < heads; first += 8) {
    switch (heads - first) {
      case 1:
        body(std::integral_constant<int, 1>(), first);
        break;
      case 2:
        body(std::integral_constant<int, 2>(), first);
        break;
      case 3:
        body(std::integral_constant<int, 3>(), first);
        break;
      case 4:
        body(std::integral_constant<int, 4>(), first);
        break;
      case 5:
        body(std::integral_constant<int, 5>(), first);
        break;
      case 6:
        body(std::integral_constant<int, 6>(), first);
        break;
      case 7:
        body(std::integral_constant<int, 7>(), first);
        break;
      default:
        body(std::integral_constant<int, 8>(), first);
        break;
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace oriel
HWY_AFTER_NAMESPACE();

#endif  // ORIEL_KERNELS_CPU_HEAD_GROUPS_INL_H_
