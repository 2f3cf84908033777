#include "engine/kv_cache/kv_storage.h"

#include <array>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "kernels/core/check.h"
#include "kernels/core/half.h"
#include "kernels/core/status.h"

namespace oriel {
namespace {

// A key row and a value row of every KV head of one layer.
int64_t TokenRowBytes(const KvLayerFormat& format) {
  const int64_t half_bytes = sizeof(Half);
  return 2 * half_bytes * format.kv_heads * format.head_dim;
}

absl::Status CheckFormats(std::span<const KvLayerFormat> formats) {
  if (formats.empty()) return absl::InvalidArgumentError("KV storage without layers");
  for (size_t i = 0; i < formats.size(); ++i) {
    const KvLayerFormat& format = formats[i];
    if (format.head_dim == formats[0].head_dim && format.kv_heads == formats[0].kv_heads) continue;
    return absl::InvalidArgumentError(absl::StrCat(
        "KV format of layer ", i, " has ", format.kv_heads, " heads of ", format.head_dim,
        " channels, layer 0 has ", formats[0].kv_heads, " of ", formats[0].head_dim));
  }
  return absl::OkStatus();
}

absl::Status CheckShape(const KvStorageShape& shape) {
  const std::array<std::pair<const char*, int32_t>, 4> counts = {
      {{"num_pages", shape.num_pages},
       {"num_window_pages", shape.num_window_pages},
       {"num_sequence_slots", shape.num_sequence_slots},
       {"scratch_rows", shape.scratch_rows}}};
  for (const auto& [field, count] : counts) {
    if (count >= 0) continue;
    return absl::InvalidArgumentError(absl::StrCat(field, " is ", count, ", the least is 0"));
  }
  if (shape.sink_tokens >= 0 && shape.sink_tokens <= kPageTokens) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("sink_tokens is ", shape.sink_tokens, ", it must be 0 to 64"));
}

absl::StatusOr<Buffer> MakePool(Backend& backend, const std::string& what, int64_t count,
                                int64_t unit_bytes) {
  absl::StatusOr<Buffer> buffer = backend.MakeBuffer(static_cast<size_t>(count * unit_bytes));
  if (buffer.ok()) return buffer;
  return absl::ResourceExhaustedError(absl::StrCat(what, ": ", count, " times ", unit_bytes,
                                                   " bytes: ", buffer.status().message()));
}

// The value half of a buffer whose first half are keys.
Half* ValuesOf(const Buffer& buffer) {
  return reinterpret_cast<Half*>(buffer.data() + buffer.size_bytes() / 2);
}

}  // namespace

KvUnitBytes UnitBytesOf(std::span<const KvLayerFormat> formats, int32_t sink_tokens) {
  ORIEL_CHECK(!formats.empty());
  KvUnitBytes bytes;
  for (const KvLayerFormat& format : formats) {
    bytes.page += format.layer_page_bytes;
    bytes.window_page += kPageTokens * TokenRowBytes(format);
    bytes.sink_slot += sink_tokens * TokenRowBytes(format);
  }
  bytes.scratch_row = TokenRowBytes(formats[0]);
  return bytes;
}

absl::StatusOr<KvStorage> KvStorage::Make(Backend& backend, std::vector<KvLayerFormat> formats,
                                          const KvStorageShape& shape) {
  ORIEL_RETURN_IF_ERROR(CheckFormats(formats));
  ORIEL_RETURN_IF_ERROR(CheckShape(shape));
  KvStorage storage;
  storage.shape_ = shape;
  storage.unit_bytes_ = UnitBytesOf(formats, shape.sink_tokens);
  for (size_t i = 0; i < formats.size(); ++i) {
    const int64_t row_bytes = TokenRowBytes(formats[i]);
    const auto make = [&](const char* what, int64_t count, int64_t unit_bytes) {
      return MakePool(backend, absl::StrCat(what, " of layer ", i), count, unit_bytes);
    };
    ORIEL_ASSIGN_OR_RETURN(Buffer packed,
                           make("packed pages", shape.num_pages, formats[i].layer_page_bytes));
    ORIEL_ASSIGN_OR_RETURN(Buffer window,
                           make("window pages", shape.num_window_pages, kPageTokens * row_bytes));
    ORIEL_ASSIGN_OR_RETURN(
        Buffer sinks, make("sink slots", shape.num_sequence_slots, shape.sink_tokens * row_bytes));
    storage.packed_.push_back(std::move(packed));
    storage.windows_.push_back(std::move(window));
    storage.sinks_.push_back(std::move(sinks));
  }
  ORIEL_ASSIGN_OR_RETURN(storage.scratch_, MakePool(backend, "chunk scratch", shape.scratch_rows,
                                                    storage.unit_bytes_.scratch_row));
  storage.formats_ = std::move(formats);
  return storage;
}

KvLayerStorage KvStorage::layer(int32_t layer) const {
  ORIEL_CHECK(layer >= 0 && layer < layers());
  const size_t i = static_cast<size_t>(layer);
  const KvLayerFormat& format = formats_[i];
  const int64_t kv_heads = format.kv_heads;
  const int64_t head_dim = format.head_dim;
  const std::array<int64_t, 4> window_shape = {shape_.num_window_pages, kv_heads, kPageTokens,
                                               head_dim};
  const std::array<int64_t, 4> sink_shape = {shape_.num_sequence_slots, kv_heads,
                                             shape_.sink_tokens, head_dim};
  const std::array<int64_t, 3> scratch_shape = {kv_heads, shape_.scratch_rows, head_dim};
  return {
      .format = &format,
      .packed_pool = {packed_[i].data(), {shape_.num_pages, format.layer_page_bytes}},
      .window_keys = {windows_[i].as<Half>(), window_shape},
      .window_values = {ValuesOf(windows_[i]), window_shape},
      .sink_keys = {sinks_[i].as<Half>(), sink_shape},
      .sink_values = {ValuesOf(sinks_[i]), sink_shape},
      .scratch_keys = {scratch_.as<Half>(), scratch_shape},
      .scratch_values = {ValuesOf(scratch_), scratch_shape},
  };
}

}  // namespace oriel
