#include "kernels/formats/kv_layer_format.h"

#include <bit>
#include <cstdlib>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "kernels/core/check.h"
#include "kernels/core/status.h"

namespace oriel {
namespace {

absl::Status CheckHalf(size_t head, std::string_view half, Codec codec, int pre_scale_log2,
                       int groups) {
  const std::string where = absl::StrCat("head ", head, ", ", ToAbsl(half), ": ");
  if (std::abs(pre_scale_log2) > kPreScaleLog2Max) {
    return absl::InvalidArgumentError(absl::StrCat(where, "pre_scale_log2 is ", pre_scale_log2,
                                                   ", limits are +-", kPreScaleLog2Max));
  }
  if (codec == Codec::kFp16 && pre_scale_log2 != 0) {
    return absl::InvalidArgumentError(
        absl::StrCat(where, "pre_scale_log2 is ", pre_scale_log2, ", fp16 rows take only 0"));
  }
  if (IsE8(codec) && groups != 1) {
    return absl::InvalidArgumentError(absl::StrCat(where, ToAbsl(CodecName(codec)), " with groups ",
                                                   groups, ", its blocks span the head: only 1"));
  }
  return absl::OkStatus();
}

absl::Status CheckShape(int head_dim, size_t num_heads, int groups) {
  if (!IsSupportedHeadDim(head_dim)) {
    return absl::InvalidArgumentError(
        absl::StrCat("head_dim is ", head_dim, ", supported are 64 and 128"));
  }
  if (num_heads < 1 || num_heads > kMaxKvHeads) {
    return absl::InvalidArgumentError(
        absl::StrCat("kv_heads is ", num_heads, ", limits are 1 and ", kMaxKvHeads));
  }
  const int groups_max = head_dim / kMinGroupChannels;
  if (groups < 1 || groups > groups_max || !std::has_single_bit(static_cast<unsigned>(groups))) {
    return absl::InvalidArgumentError(absl::StrCat("groups is ", groups,
                                                   ", allowed are powers of two from 1 to ",
                                                   groups_max, " at head_dim ", head_dim));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<KvLayerFormat> MakeKvLayerFormat(int head_dim, std::span<const KvHeadFormat> heads,
                                                int groups, bool asymmetric) {
  ORIEL_RETURN_IF_ERROR(CheckShape(head_dim, heads.size(), groups));
  KvLayerFormat format;
  format.head_dim = head_dim;
  format.kv_heads = static_cast<int32_t>(heads.size());
  format.groups = groups;
  format.asymmetric = asymmetric;
  for (size_t h = 0; h < heads.size(); ++h) {
    const KvHeadFormat& head = heads[h];
    ORIEL_RETURN_IF_ERROR(CheckHalf(h, "keys", head.key, head.key_pre_scale_log2, groups));
    ORIEL_RETURN_IF_ERROR(CheckHalf(h, "values", head.value, head.value_pre_scale_log2, groups));
    format.heads[h] = head;
    format.head_offset[h] = static_cast<int32_t>(format.layer_page_bytes);
    format.layer_page_bytes += format.Layout(static_cast<int>(h)).bytes;
  }
  return format;
}

KvLayerFormat MakeUniformKvLayerFormat(int head_dim, int kv_heads, Codec key, Codec value) {
  ORIEL_CHECK(kv_heads >= 1 && kv_heads <= kMaxKvHeads);
  const std::vector<KvHeadFormat> heads(static_cast<size_t>(kv_heads),
                                        DefaultHeadFormat(key, value));
  absl::StatusOr<KvLayerFormat> format = MakeKvLayerFormat(head_dim, heads);
  ORIEL_CHECK(format.ok());
  return *std::move(format);
}

}  // namespace oriel
