#include "server/admin/cache_geometry.h"

#include <gtest/gtest.h>

#include "engine/kv_cache/kv_cache_plan.h"
#include "tests/server/support/fake_engine.h"

namespace oriel {
namespace {

constexpr int32_t kSlots = 16;

// With pages for two of the longest sequences and `spare_pages` more.
int64_t TokensThatFit(int32_t max_model_len, int32_t spare_pages) {
  EngineConfig config = FakeEngine::DefaultConfig();
  config.window_tokens = 128;
  config.max_model_len = max_model_len;
  config.max_num_seqs = kSlots;
  const FakeEngine engine(config);
  EngineStats stats = engine.stats();
  stats.pages_total = stats.pages_free = 2 * PagesOfLongestSequence(config) + spare_pages;
  return MakeCacheGeometry(stats, config, engine.model_config()).tokens_that_fit;
}

TEST(CacheGeometryTest, SequencesThatStayInTheirWindowNeedNoPackedPages) {
  EXPECT_EQ(TokensThatFit(128, 0), kSlots * 128);
}

TEST(CacheGeometryTest, PagesThatAreLeftHoldAPartOfOneMoreSequence) {
  EXPECT_EQ(TokensThatFit(1024, 3), 2 * 1024 + 3 * 64 + 128);
}

}  // namespace
}  // namespace oriel
