#include "server/admin/cache_geometry.h"

#include <gtest/gtest.h>

#include "engine/kv_cache/kv_cache_plan.h"
#include "tests/server/support/fake_engine.h"

namespace oriel {
namespace {

TEST(CacheGeometryTest, SequencesThatStayInTheirWindowNeedNoPackedPages) {
  EngineConfig config = FakeEngine::DefaultConfig();
  config.window_tokens = 128;
  config.max_model_len = 128;
  config.max_num_seqs = 16;
  const FakeEngine engine(config);
  EngineStats stats = engine.stats();
  stats.pages_total = stats.pages_free = 0;
  const CacheGeometry geometry = MakeCacheGeometry(stats, config, engine.model_config());
  EXPECT_EQ(geometry.tokens_that_fit, 16 * 128);
}

TEST(CacheGeometryTest, PagesThatAreLeftHoldAPartOfOneMoreSequence) {
  EngineConfig config = FakeEngine::DefaultConfig();
  config.window_tokens = 128;
  config.max_model_len = 1024;
  config.max_num_seqs = 16;
  const FakeEngine engine(config);
  EngineStats stats = engine.stats();
  stats.pages_total = stats.pages_free = 2 * PagesOfLongestSequence(config) + 3;
  const CacheGeometry geometry = MakeCacheGeometry(stats, config, engine.model_config());
  EXPECT_EQ(geometry.tokens_that_fit, 2 * 1024 + 3 * 64 + 128);
}

}  // namespace
}  // namespace oriel
