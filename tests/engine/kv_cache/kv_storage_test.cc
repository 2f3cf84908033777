#include "engine/kv_cache/kv_storage.h"

#include <utility>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "kernels/reference/reference_backend.h"

namespace oriel {
namespace {

constexpr KvStorageShape kShape = {.num_pages = 7,
                                   .num_window_pages = 5,
                                   .num_sequence_slots = 3,
                                   .sink_tokens = 4,
                                   .scratch_rows = 32};

std::vector<KvLayerFormat> TwoLayers() {
  return {MakeUniformKvLayerFormat(64, 3, Codec::kInt2, Codec::kE8_1p5),
          MakeUniformKvLayerFormat(64, 3, Codec::kInt8, Codec::kFp16)};
}

TEST(KvStorageTest, ViewsHaveTheShapesOfTheContract) {
  const auto backend = MakeReferenceBackend();
  auto made = KvStorage::Make(*backend, TwoLayers(), kShape);
  ASSERT_TRUE(made.ok()) << made.status();
  const KvStorage storage = std::move(*made);
  EXPECT_EQ(storage.layers(), 2);
  for (int32_t i = 0; i < 2; ++i) {
    const KvLayerStorage layer = storage.layer(i);
    EXPECT_EQ(layer.format, &storage.format(i));
    EXPECT_EQ(layer.packed_pool.shape, (std::array<int64_t, 2>{7, layer.format->layer_page_bytes}));
    EXPECT_EQ(layer.window_keys.shape, (std::array<int64_t, 4>{5, 3, 64, 64}));
    EXPECT_EQ(layer.window_values.data, layer.window_keys.data + layer.window_keys.num_elements());
    EXPECT_EQ(layer.sink_keys.shape, (std::array<int64_t, 4>{3, 3, 4, 64}));
    EXPECT_EQ(layer.sink_values.data, layer.sink_keys.data + layer.sink_keys.num_elements());
    EXPECT_EQ(layer.scratch_keys.shape, (std::array<int64_t, 3>{3, 32, 64}));
    EXPECT_EQ(layer.scratch_values.data,
              layer.scratch_keys.data + layer.scratch_keys.num_elements());
  }
  EXPECT_EQ(storage.layer(0).scratch_keys.data, storage.layer(1).scratch_keys.data);
  EXPECT_NE(storage.layer(0).window_keys.data, storage.layer(1).window_keys.data);
}

TEST(KvStorageTest, BytesAreSumsOverTheLayers) {
  const auto backend = MakeReferenceBackend();
  const auto storage = KvStorage::Make(*backend, TwoLayers(), kShape);
  ASSERT_TRUE(storage.ok()) << storage.status();
  // A token has 2 halves of 3 heads of 64 channels of 2 bytes a layer: 768 bytes.
  EXPECT_EQ(storage->page_bytes(),
            storage->format(0).layer_page_bytes + storage->format(1).layer_page_bytes);
  EXPECT_EQ(storage->window_page_bytes(), 2 * 64 * 768);
  EXPECT_EQ(storage->sink_slot_bytes(), 2 * 4 * 768);
  EXPECT_EQ(storage->scratch_bytes(), 32 * 768);
}

TEST(KvStorageTest, PoolsMayBeEmpty) {
  const auto backend = MakeReferenceBackend();
  const auto storage =
      KvStorage::Make(*backend, TwoLayers(), {.num_window_pages = 1, .num_sequence_slots = 1});
  ASSERT_TRUE(storage.ok()) << storage.status();
  EXPECT_EQ(storage->layer(0).packed_pool.dim(0), 0);
  EXPECT_EQ(storage->layer(0).sink_keys.dim(2), 0);
}

TEST(KvStorageTest, RefusesWhatDoesNotFitTogether) {
  const auto backend = MakeReferenceBackend();
  EXPECT_EQ(KvStorage::Make(*backend, {}, kShape).status().code(),
            absl::StatusCode::kInvalidArgument);
  auto formats = TwoLayers();
  formats[1] = MakeUniformKvLayerFormat(128, 3, Codec::kInt2, Codec::kInt2);
  EXPECT_THAT(std::string(KvStorage::Make(*backend, formats, kShape).status().message()),
              testing::HasSubstr("layer 1"));
  KvStorageShape shape = kShape;
  shape.sink_tokens = 65;
  EXPECT_THAT(std::string(KvStorage::Make(*backend, TwoLayers(), shape).status().message()),
              testing::HasSubstr("sink_tokens is 65"));
}

TEST(KvStorageTest, TooMuchMemoryIsRefusedWithTheArithmetic) {
  const auto backend = MakeReferenceBackend();
  KvStorageShape shape = kShape;
  shape.num_window_pages = INT32_MAX;  // 105 TB a layer
  const absl::Status status = KvStorage::Make(*backend, TwoLayers(), shape).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(status.message()),
              testing::HasSubstr("window pages of layer 0: 2147483647 times 49152 bytes"));
}

}  // namespace
}  // namespace oriel
