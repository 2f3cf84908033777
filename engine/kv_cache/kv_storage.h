#ifndef ORIEL_ENGINE_KV_CACHE_KV_STORAGE_H_
#define ORIEL_ENGINE_KV_CACHE_KV_STORAGE_H_

#include <cstdint>
#include <span>
#include <vector>

#include "absl/status/statusor.h"
#include "kernels/core/buffer.h"
#include "kernels/formats/kv_layer_format.h"
#include "kernels/ops/backend.h"
#include "kernels/ops/kv_view.h"

namespace oriel {

// How much of everything the storage holds.
struct KvStorageShape {
  int32_t num_pages = 0;           // packed pages
  int32_t num_window_pages = 0;    // FP16 pages
  int32_t num_sequence_slots = 0;  // sink rows are kept a slot
  int32_t sink_tokens = 0;         // 0 … 64
  int32_t scratch_rows = 0;        // prompt tokens of one step
};

// Bytes of one unit of each kind. Pages, window pages and sink slots exist in every layer, so
// theirs are sums over the layers; the scratch is one for all layers.
struct KvUnitBytes {
  int64_t page = 0;
  int64_t window_page = 0;
  int64_t sink_slot = 0;
  int64_t scratch_row = 0;
};

// `formats`: one a layer, not empty, all of one head_dim and kv_heads.
KvUnitBytes UnitBytesOf(std::span<const KvLayerFormat> formats, int32_t sink_tokens);

// The bytes of the cache: one packed pool, one window pool and one sink pool a layer, and a chunk
// scratch that all layers reuse.
//
// Lifecycle   made once before serving; a pool's pages are the same indices in every layer.
// Threads     immutable but for the bytes, which ops write on the engine's stream.
class KvStorage {
 public:
  // `formats`: one a layer, all of one head_dim and kv_heads. InvalidArgument names the layer or
  // the field of `shape` that is wrong; ResourceExhausted says what did not fit, with the
  // arithmetic.
  static absl::StatusOr<KvStorage> Make(Backend& backend, std::vector<KvLayerFormat> formats,
                                        const KvStorageShape& shape);

  const KvStorageShape& shape() const { return shape_; }
  int32_t layers() const { return static_cast<int32_t>(formats_.size()); }
  std::span<const KvLayerFormat> formats() const { return formats_; }
  const KvLayerFormat& format(int32_t layer) const { return formats_[static_cast<size_t>(layer)]; }

  // Views of one layer's memory; the format it points to lives as long as this storage, also when
  // the storage is moved.
  KvLayerStorage layer(int32_t layer) const;

  // Bytes of all layers: one packed page, one window page, one sink slot, and the scratch.
  int64_t page_bytes() const { return unit_bytes_.page; }
  int64_t window_page_bytes() const { return unit_bytes_.window_page; }
  int64_t sink_slot_bytes() const { return unit_bytes_.sink_slot; }
  int64_t scratch_bytes() const { return unit_bytes_.scratch_row * shape_.scratch_rows; }

 private:
  KvStorage() = default;

  KvStorageShape shape_;
  KvUnitBytes unit_bytes_;
  std::vector<KvLayerFormat> formats_;
  std::vector<Buffer> packed_;   // a layer
  std::vector<Buffer> windows_;  // a layer: keys, then values
  std::vector<Buffer> sinks_;    // a layer: keys, then values
  Buffer scratch_;               // keys, then values
};

}  // namespace oriel

#endif  // ORIEL_ENGINE_KV_CACHE_KV_STORAGE_H_
