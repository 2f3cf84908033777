#include "engine/runtime/resolve_engine_config.h"

#include <string>

#include "engine/engine.h"
#include "engine/kv_cache/kv_cache_plan.h"
#include "engine/runtime/available_memory.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace oriel {
namespace {

ModelConfig SmallModel() {
  ModelConfig model;
  model.layers = 2;
  model.kv_heads = 1;
  model.head_dim = 64;
  model.context_tokens = 2048;
  model.vocab = 100;
  return model;
}

TEST(AvailableMemoryTest, IsPlausible) {
  const auto bytes = AvailableMemoryBytes();
  ASSERT_TRUE(bytes.ok()) << bytes.status();
  EXPECT_GT(*bytes, int64_t{1} << 20);
  EXPECT_LT(*bytes, int64_t{1} << 50);
}

TEST(ResolveEngineConfigTest, TakesTheModelsContextAndWhatIsUseful) {
  const auto resolved = ResolveEngineConfig(EngineConfig(), SmallModel());
  ASSERT_TRUE(resolved.ok()) << resolved.status();
  EXPECT_EQ(resolved->max_model_len, 2048);
  const auto formats = MakeUniformFormats(EngineConfig(), SmallModel());
  ASSERT_TRUE(formats.ok());
  EXPECT_EQ(resolved->kv_cache_memory_bytes,
            CacheBytes(UnitBytesOf(*formats, 5), LargestUsefulShape(*resolved)));
}

TEST(ResolveEngineConfigTest, TakesNoMoreThanAQuarterOfTheMemory) {
  ModelConfig model = SmallModel();
  model.context_tokens = 1 << 20;
  model.layers = 40;
  EngineConfig config;
  config.max_num_seqs = 4096;
  const auto resolved = ResolveEngineConfig(config, model);
  ASSERT_TRUE(resolved.ok()) << resolved.status();
  // Other processes move the figure between the two calls.
  EXPECT_LT(static_cast<double>(resolved->kv_cache_memory_bytes),
            0.3 * static_cast<double>(*AvailableMemoryBytes()));
}

TEST(ResolveEngineConfigTest, ShortensAnOpenContextToWhatTheMemoryHolds) {
  EngineConfig config;
  const auto formats = MakeUniformFormats(config, SmallModel());
  ASSERT_TRUE(formats.ok());
  config.max_model_len = 1000;
  config.max_num_seqs = 1;
  config.kv_cache_memory_bytes =
      CacheBytes(UnitBytesOf(*formats, config.sink_tokens), LargestUsefulShape(config));
  config.max_model_len = 0;
  const auto resolved = ResolveEngineConfig(config, SmallModel());
  ASSERT_TRUE(resolved.ok()) << resolved.status();
  // 1000 tokens end in page 15 as 1024 do: position 1023 is the last that sees no more packed.
  EXPECT_EQ(resolved->max_model_len, 1024);
}

TEST(ResolveEngineConfigTest, RefusesAContextThatTheMemoryDoesNotHold) {
  EngineConfig config;
  config.max_model_len = 2000;
  config.kv_cache_memory_bytes = 300'000;
  const absl::Status status = ResolveEngineConfig(config, SmallModel()).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(status.message()), testing::HasSubstr("max_model_len 2000"));
  config.max_model_len = 0;
  config.kv_cache_memory_bytes = 1000;
  EXPECT_EQ(ResolveEngineConfig(config, SmallModel()).status().code(),
            absl::StatusCode::kResourceExhausted);
}

TEST(ResolveEngineConfigTest, RefusesWhatTheModelCannotDo) {
  EngineConfig config;
  config.max_model_len = 4096;
  EXPECT_THAT(std::string(ResolveEngineConfig(config, SmallModel()).status().message()),
              testing::HasSubstr("trained for 2048"));
  ModelConfig model = SmallModel();
  model.head_dim = 80;
  EXPECT_THAT(std::string(ResolveEngineConfig(EngineConfig(), model).status().message()),
              testing::HasSubstr("head_dim is 80"));
}

}  // namespace
}  // namespace oriel
