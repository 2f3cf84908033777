#ifndef ORIEL_SERVER_CONFIG_BYTE_SIZE_H_
#define ORIEL_SERVER_CONFIG_BYTE_SIZE_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace oriel {

// Reads a number of bytes as people write it: digits, at most one decimal point, and a unit out of
// B, K, M, G, T (powers of 1000) or KiB, MiB, GiB, TiB (powers of 1024), in either case; "KB" is
// "K". "1.5GiB" is 1610612736. Errors: InvalidArgument quotes the text.
absl::StatusOr<int64_t> ParseByteSize(std::string_view text);

// The number with the largest binary unit that divides it, so that ParseByteSize gives it back.
std::string ExactByteSize(int64_t bytes);

// For people: three significant digits and a binary unit, "1.46 GiB".
std::string ReadableByteSize(int64_t bytes);

}  // namespace oriel

#endif  // ORIEL_SERVER_CONFIG_BYTE_SIZE_H_
