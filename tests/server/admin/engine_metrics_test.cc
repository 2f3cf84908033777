#include "server/admin/engine_metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/server/support/fake_engine.h"

namespace oriel {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(EngineMetricsTest, ExposesTheEnginesNumbersUnderOwnNames) {
  const FakeEngine engine;
  const ServerMetrics server;
  const std::string text = ExposeMetrics(engine, server, "m", VllmNames::kNo);
  EXPECT_THAT(text, HasSubstr("\noriel_requests_waiting 3\n"));
  EXPECT_THAT(text, HasSubstr("\noriel_prompt_tokens_total 7\n"));
  EXPECT_THAT(text, HasSubstr("oriel_pages{pool=\"packed\",state=\"free\"} 100\n"));
  EXPECT_THAT(text, HasSubstr("oriel_cache_bytes{part=\"packed\"} 800000\n"));
  // 2 layers of 2 heads: 8 000 bytes for 2 * 2 * 2 * 64 * 64 values.
  EXPECT_THAT(text, HasSubstr("\noriel_stored_value_bytes 0.244140625\n"));
  EXPECT_THAT(text, Not(HasSubstr("vllm:")));
}

TEST(EngineMetricsTest, TheVllmNamesCarryTheSameNumbersAndItsLabels) {
  const FakeEngine engine;
  ServerMetrics server;
  server.ObserveFinished(FinishReason::kLength, 5, absl::Seconds(1));
  const std::string text = ExposeMetrics(engine, server, "my-model", VllmNames::kYes);
  EXPECT_THAT(text,
              HasSubstr("vllm:num_requests_waiting{engine=\"0\",model_name=\"my-model\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("vllm:request_success_total{finished_reason=\"length\",engine=\"0\","
                              "model_name=\"my-model\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("vllm:time_to_first_token_seconds_bucket{"));
}

TEST(EngineMetricsTest, CountsAnswersByRouteAndStatus) {
  const FakeEngine engine;
  ServerMetrics server;
  server.CountResponse("/v1/completions", 429);
  server.CountResponse("/v1/completions", 429);
  EXPECT_THAT(
      ExposeMetrics(engine, server, "m", VllmNames::kNo),
      HasSubstr("oriel_http_responses_total{route=\"/v1/completions\",status=\"429\"} 2\n"));
}

}  // namespace
}  // namespace oriel
