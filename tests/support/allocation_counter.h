#ifndef ORIEL_TESTS_SUPPORT_ALLOCATION_COUNTER_H_
#define ORIEL_TESTS_SUPPORT_ALLOCATION_COUNTER_H_

#include <cstdint>

namespace oriel {

// Calls of operator new by any thread since the program began. A program that links this library
// has a global operator new that counts.
int64_t NumAllocations();

}  // namespace oriel

#endif  // ORIEL_TESTS_SUPPORT_ALLOCATION_COUNTER_H_
