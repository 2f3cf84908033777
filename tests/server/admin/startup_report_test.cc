#include "server/admin/startup_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kernels/backend_factory.h"
#include "server/admin/cache_geometry.h"
#include "tests/server/support/fake_engine.h"

namespace oriel {
namespace {

using ::testing::HasSubstr;

TEST(StartupReportTest, SaysWeightsCacheAndBytesAToken) {
  const FakeEngine engine;
  const std::string report = StartupReport(engine, 3 << 20);
  EXPECT_THAT(report, HasSubstr("weights 3.00 MiB"));
  EXPECT_THAT(report, HasSubstr("(100 pages)"));
  EXPECT_THAT(report, HasSubstr("1.953 bits a value"));
  EXPECT_THAT(report, HasSubstr("bytes per token at    4096"));
}

TEST(StartupReportTest, ASequenceCostsItsPagesWindowAndSinks) {
  const FakeEngine engine;
  const EngineStats stats = engine.stats();
  const int64_t fixed = SequenceBytes(1, stats, engine.config());
  EXPECT_GE(fixed, stats.sink_slot_bytes + 2 * stats.window_page_bytes);
  // Ten more pages of tokens are ten more packed pages, whatever the window holds.
  EXPECT_EQ(SequenceBytes(1024 + 640, stats, engine.config()) -
                SequenceBytes(1024, stats, engine.config()),
            10 * stats.page_bytes);
}

TEST(StartupReportTest, ProgramsGetTheSameNumbers) {
  const FakeEngine engine;
  const Json info = ServerInfo(engine, 5);
  EXPECT_EQ(info["weight_bytes"], 5);
  EXPECT_EQ(info["pages_total"], 100);
  EXPECT_EQ(info["cache_bytes"]["packed"], 800000);
  EXPECT_EQ(info["key_codec"], "int2");
}

TEST(StartupReportTest, TheBackEndSaysWhatItComputesWith) {
  const auto reference = MakeBackend({.kind = BackendKind::kReference});
  EXPECT_EQ(BackendLine(**reference), "compute  reference back end, threads 1\n");
  const auto cpu = MakeBackend({.kind = BackendKind::kCpu, .threads = 2});
  EXPECT_THAT(BackendLine(**cpu), HasSubstr("compute  cpu back end, instructions "));
  EXPECT_THAT(BackendLine(**cpu), HasSubstr(", threads 2\n"));
  const auto pinned = MakeBackend({.kind = BackendKind::kCpu, .threads = 1, .pin_threads = true});
  EXPECT_THAT(BackendLine(**pinned), HasSubstr(", threads 1 pinned to cores "));
}

}  // namespace
}  // namespace oriel
