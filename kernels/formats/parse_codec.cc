#include "kernels/formats/parse_codec.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "kernels/core/status.h"

namespace oriel {

absl::StatusOr<Codec> ParseCodec(std::string_view name) {
  if (const std::optional<Codec> codec = CodecFromName(name)) return *codec;
  std::string known;
  for (Codec codec : kAllCodecs) {
    absl::StrAppend(&known, known.empty() ? "" : ", ", ToAbsl(CodecName(codec)));
  }
  return absl::InvalidArgumentError(
      absl::StrCat("unknown codec \"", ToAbsl(name), "\", known are ", known));
}

}  // namespace oriel
