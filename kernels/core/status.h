#ifndef ORIEL_KERNELS_CORE_STATUS_H_
#define ORIEL_KERNELS_CORE_STATUS_H_

#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace oriel {

// Debian's Abseil is built without std::string_view, so the two views do not convert into each
// other.
inline absl::string_view ToAbsl(std::string_view text) { return {text.data(), text.size()}; }
inline std::string_view ToStd(absl::string_view text) { return {text.data(), text.size()}; }

}  // namespace oriel

#define ORIEL_STATUS_CONCAT_INNER(a, b) a##b
#define ORIEL_STATUS_CONCAT(a, b) ORIEL_STATUS_CONCAT_INNER(a, b)

// Returns the status to the caller if it is an error.
#define ORIEL_RETURN_IF_ERROR(expression)                               \
  do {                                                                  \
    if (absl::Status oriel_status = (expression); !oriel_status.ok()) { \
      return oriel_status;                                              \
    }                                                                   \
  } while (false)

// ORIEL_ASSIGN_OR_RETURN(auto page, pool.Allocate()): binds the value or returns the error.
#define ORIEL_ASSIGN_OR_RETURN(left, expression) \
  ORIEL_ASSIGN_OR_RETURN_INNER(ORIEL_STATUS_CONCAT(oriel_status_or_, __LINE__), left, expression)
#define ORIEL_ASSIGN_OR_RETURN_INNER(holder, left, expression) \
  auto holder = (expression);                                  \
  if (!holder.ok()) {                                          \
    return std::move(holder).status();                         \
  }                                                            \
  left = std::move(holder).value()

#endif  // ORIEL_KERNELS_CORE_STATUS_H_
