#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdint>
#include <fstream>
#include <memory>
#include <string>

#include "engine/engine.h"
#include "kernels/cpu/cpu_backend.h"
#include "tests/support/engine_harness.h"
#include "tests/support/model_server.h"
#include "tests/support/temporary_file.h"
#include "tests/support/tiny_model.h"

namespace oriel {
namespace {

// Enough heads for the cache to outweigh everything else that a longer prompt could touch.
constexpr TinyModelSpec kModel = {.layers = 4, .q_heads = 8, .kv_heads = 8};
constexpr int64_t kFp16BytesPerToken =
    int64_t{kModel.layers} * kModel.kv_heads * kModel.head_dim * 2 * 2;

int64_t ResidentBytes() {
  int64_t total_pages = 0;
  int64_t resident_pages = 0;
  std::ifstream("/proc/self/statm") >> total_pages >> resident_pages;
  return resident_pages * sysconf(_SC_PAGESIZE);
}

struct Usage {
  int64_t resident;
  int64_t owned;
};

// What is in use once a prompt of this length has been read and its answer has begun.
Usage UsageAfterPrompt(int32_t prompt_tokens, Engine& engine) {
  GenerationRequest request =
      SimpleRequest(static_cast<RequestId>(prompt_tokens), prompt_tokens, 4);
  for (TokenId& token : request.prompt) token %= 256;
  const auto stream = engine.Submit(std::move(request)).value();
  const uint64_t generated_before = engine.stats().generated_tokens;
  while (engine.stats().generated_tokens < generated_before + 2) EXPECT_TRUE(engine.Step().value());
  const Usage usage = {.resident = ResidentBytes(), .owned = engine.stats().kv_cache_bytes_owned()};
  while (engine.Step().value()) continue;
  return usage;
}

// The cache keeps packed bytes and nothing beside them: were there an FP16 copy of what is packed,
// in whatever form, a longer prompt would make seven times as many bytes resident.
TEST(ResidentCacheTest, GrowsByTheBytesOfTheFormula) {
#if defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "ThreadSanitizer's own bytes, several for each of ours, are resident too";
#endif
  const TemporaryFile model(MakeTinyModel(kModel).Bytes());
  EngineConfig config;
  config.max_model_len = 4096;
  config.max_num_seqs = 1;
  config.prefill_chunk_tokens = 256;
  const auto server = ServeModel(model.path(), config, MakeCpuBackend({.threads = 1}).value());
  ASSERT_TRUE(server.ok()) << server.status();

  const Usage begin = UsageAfterPrompt(1024, *server->engine);
  const Usage end = UsageAfterPrompt(4000, *server->engine);
  const int64_t expected = end.owned - begin.owned;
  const int64_t grown = end.resident - begin.resident;
  EXPECT_GT(expected, (4000 - 1024) * kFp16BytesPerToken / 9);
  EXPECT_GT(grown, expected * 9 / 10);
  // Pools grow by pages of the system, one pool a layer; the request itself has its tokens.
  EXPECT_LT(grown, expected * 11 / 10 + (1 << 20));
  EXPECT_LT(grown, (4000 - 1024) * kFp16BytesPerToken / 4);
}

}  // namespace
}  // namespace oriel
