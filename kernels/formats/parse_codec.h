#ifndef ORIEL_KERNELS_FORMATS_PARSE_CODEC_H_
#define ORIEL_KERNELS_FORMATS_PARSE_CODEC_H_

#include <string_view>

#include "absl/status/statusor.h"
#include "kernels/formats/codec.h"

namespace oriel {

// The codec of this name, as flags and configuration files write it. Errors: InvalidArgument lists
// the known names.
absl::StatusOr<Codec> ParseCodec(std::string_view name);

}  // namespace oriel

#endif  // ORIEL_KERNELS_FORMATS_PARSE_CODEC_H_
