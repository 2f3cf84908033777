#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <random>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "kernels/core/check.h"
#include "kernels/reference/reference_backend.h"
#include "server/http/http_server.h"
#include "server/http/service_routes.h"
#include "tests/server/support/fake_text_model.h"
#include "tests/server/support/raw_client.h"
#include "tests/support/engine_harness.h"

namespace oriel {
namespace {

constexpr int32_t kStreams = 1000;
constexpr int32_t kLiveMax = 16;
constexpr uint64_t kSeed = 6;
constexpr std::chrono::seconds kPatience{10};

// Passes everything on to an engine, and lets a test wait for what connections ask of it.
class WatchedEngine final : public Engine {
 public:
  explicit WatchedEngine(std::unique_ptr<Engine> engine) : engine_(std::move(engine)) {}

  absl::StatusOr<std::shared_ptr<TokenStream>> Submit(GenerationRequest request) override {
    const RequestId id = request.id;
    auto stream = engine_->Submit(std::move(request));
    const std::lock_guard lock(mutex_);
    submitted_.push_back(id);
    changed_.notify_all();
    return stream;
  }
  void Cancel(RequestId id) override {
    engine_->Cancel(id);
    const std::lock_guard lock(mutex_);
    canceled_.insert(id);
    changed_.notify_all();
  }
  absl::StatusOr<bool> Step() override { return engine_->Step(); }
  void Start() override { engine_->Start(); }
  bool Drain(absl::Time deadline) override { return engine_->Drain(deadline); }
  absl::Status health() const override { return engine_->health(); }
  EngineStats stats() const override { return engine_->stats(); }
  const EngineConfig& config() const override { return engine_->config(); }
  const ModelConfig& model_config() const override { return engine_->model_config(); }
  std::span<const KvLayerFormat> formats() const override { return engine_->formats(); }

  // The id of the `count`th request.
  RequestId WaitForRequest(size_t count) {
    std::unique_lock lock(mutex_);
    ORIEL_CHECK(changed_.wait_for(lock, kPatience, [&] { return submitted_.size() >= count; }));
    return submitted_[count - 1];
  }
  bool WaitForCancel(RequestId id) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kPatience, [&] { return canceled_.contains(id); });
  }

 private:
  const std::unique_ptr<Engine> engine_;
  std::mutex mutex_;  // guards everything below
  std::condition_variable changed_;
  std::vector<RequestId> submitted_;
  std::set<RequestId> canceled_;
};

std::unique_ptr<Engine> MakeEngine(Backend& backend) {
  EngineConfig config;
  config.max_model_len = 4096;
  config.max_num_seqs = kLiveMax;
  config.window_tokens = 64;
  config.prefill_chunk_tokens = 128;
  const TaggedModelOptions model{.vocab = kFakeVocab};
  auto engine = MakeEngineWithAllPages(config, std::make_unique<TaggedModel>(model), backend);
  ORIEL_CHECK(engine.ok());
  return *std::move(engine);
}

// A server whose engine steps only when the test says so: what a step does can be told.
class CancellationTest : public ::testing::Test {
 protected:
  struct Live {
    std::unique_ptr<RawClient> client;
    RequestId id = 0;
  };

  CancellationTest() {
    AddServiceRoutes(context_, router_);
    HttpServerOptions options;
    options.threads = 2;
    options.request_memory = context_.request_memory;
    auto listening = HttpServer::Listen(std::move(options), router_);
    ORIEL_CHECK(listening.ok());
    http_ = *std::move(listening);
    http_->Start();
  }

  int32_t Below(int32_t limit) {
    return static_cast<int32_t>(random_() % static_cast<uint64_t>(limit));
  }

  void Open() {
    Live live{.client = std::make_unique<RawClient>(http_->port())};
    const std::string prompt(static_cast<size_t>(1 + Below(300)), 'x');
    live.client->Post(
        "/v1/completions",
        absl::StrCat(R"({"prompt":")", prompt, R"(","max_tokens":3000,)",
                     R"("ignore_eos":true,"stream":)", Below(4) > 0 ? "true" : "false", "}"));
    live.id = engine_.WaitForRequest(++num_opened_);
    live_.push_back(std::move(live));
  }

  // The client of a random stream goes away, and the server has seen it.
  void CutOne() {
    const auto victim = live_.begin() + Below(static_cast<int32_t>(live_.size()));
    Below(2) == 0 ? victim->client->Close() : victim->client->Reset();
    EXPECT_TRUE(engine_.WaitForCancel(victim->id));
    live_.erase(victim);
  }

  void Step(int32_t count) {
    for (int32_t i = 0; i < count; ++i) ASSERT_TRUE(engine_.Step().ok());
  }

  // Pages belong to the streams that are left, and to nobody if none is.
  void ExpectOnlyLiveOnesHoldPages() {
    const EngineStats stats = engine_.stats();
    EXPECT_EQ(stats.sequences_running, static_cast<int32_t>(live_.size()));
    EXPECT_EQ(stats.requests_waiting, 0);
    EXPECT_EQ(int64_t{stats.pages_owned} * kPageTokens, stats.tokens_packed);
    if (!live_.empty()) return;
    EXPECT_EQ(stats.pages_free, stats.pages_total);
    EXPECT_EQ(stats.window_pages_free, stats.window_pages_total);
  }

  std::mt19937_64 random_{kSeed};
  const ServerConfig config_;
  const std::unique_ptr<Backend> backend_ = MakeReferenceBackend();
  WatchedEngine engine_{MakeEngine(*backend_)};
  FakeTextModel text_;
  ServingContext context_{
      .config = config_,
      .model_name = "m",
      .text = text_,
      .engine = engine_,
      .request_memory = std::make_shared<RequestMemory>(config_.http.request_memory_bytes)};
  Router router_;
  std::unique_ptr<HttpServer> http_;
  size_t num_opened_ = 0;
  std::vector<Live> live_;
};

TEST_F(CancellationTest, AThousandStreamsCutAtRandomMomentsGiveBackTheirPagesWithinTwoSteps) {
  int32_t num_cut = 0;
  while (num_cut < kStreams) {
    while (live_.size() < kLiveMax) Open();
    Step(Below(6));  // none: some have not even begun
    const int32_t num_victims = Below(4) == 0 ? kLiveMax : 1 + Below(kLiveMax);
    for (int32_t i = 0; i < num_victims; ++i) CutOne();
    num_cut += num_victims;
    Step(2);
    ExpectOnlyLiveOnesHoldPages();
    if (HasFailure()) FAIL() << "after " << num_cut << " cut streams, seed " << kSeed;
  }
  while (!live_.empty()) CutOne();
  Step(2);
  ExpectOnlyLiveOnesHoldPages();
}

}  // namespace
}  // namespace oriel
