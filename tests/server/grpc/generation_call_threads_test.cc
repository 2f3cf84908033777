// A call among its threads, without gRPC's library in between: that is not built with a thread
// sanitizer here, which would take each of its own hand-overs for a race.

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "absl/time/clock.h"
#include "server/grpc/generation_call.h"
#include "tests/server/support/test_server.h"

namespace oriel {
namespace {

// Runs what gRPC's threads would: one job after the other, in a thread of its own.
class Transport {
 public:
  ~Transport() {
    Post({});
    thread_.join();
  }
  void Post(std::function<void()> job) {
    {
      const std::lock_guard lock(mutex_);
      jobs_.push_back(std::move(job));
    }
    has_jobs_.notify_one();
  }

 private:
  // An empty job is the last.
  void Run() {
    std::unique_lock lock(mutex_);
    while (true) {
      has_jobs_.wait(lock, [this] { return !jobs_.empty(); });
      const std::function<void()> job = std::move(jobs_.front());
      jobs_.pop_front();
      if (!job) return;
      lock.unlock();
      job();
      lock.lock();
    }
  }

  std::mutex mutex_;
  std::condition_variable has_jobs_;
  std::deque<std::function<void()>> jobs_;
  std::thread thread_{[this] { Run(); }};
};

// A stream whose messages take their time on a transport.
class TestCall final : public GenerationCall {
 public:
  TestCall(CallContext& context, Transport& transport, const v1::GenerateRequest& request)
      : TestCall(context, transport, request, std::make_unique<grpc::CallbackServerContext>()) {}

  void Start() { Wake(); }
  void HangUp() { OnClientGone(); }

  bool WaitForEnd() {
    std::unique_lock lock(mutex_);
    return ended_.wait_for(lock, std::chrono::seconds(30), [this] { return done_; });
  }
  // To be called after the end.
  int num_ends() const { return num_ends_; }
  const std::string& text() const { return text_; }
  grpc::StatusCode code() const { return code_; }

 private:
  TestCall(CallContext& context, Transport& transport, const v1::GenerateRequest& request,
           std::unique_ptr<grpc::CallbackServerContext> rpc)
      : GenerationCall(context, *rpc, request, "Test"),
        transport_(transport),
        rpc_(std::move(rpc)) {}

  std::shared_ptr<TestCall> self() {
    return std::static_pointer_cast<TestCall>(shared_from_this());
  }

  void Deliver(ChoiceDelta delta, const Usage&) override {
    EXPECT_FALSE(sending_.exchange(true)) << "two messages at once";
    text_ += delta.text;
    BeginSending();
    transport_.Post([self = self()] {
      self->sending_ = false;
      self->EndSending();
      self->Wake();
    });
  }
  void FinishCall(const grpc::Status& status) override {
    EXPECT_FALSE(sending_) << "the end while a message is on its way";
    ++num_ends_;
    code_ = status.error_code();
    transport_.Post([self = self()] {
      self->OnLastCallback();
      const std::lock_guard lock(self->mutex_);
      self->done_ = true;
      self->ended_.notify_all();
    });
  }

  Transport& transport_;
  const std::unique_ptr<grpc::CallbackServerContext> rpc_;
  std::atomic<bool> sending_{false};
  std::string text_;
  int num_ends_ = 0;
  grpc::StatusCode code_ = grpc::StatusCode::UNKNOWN;

  std::mutex mutex_;
  std::condition_variable ended_;
  bool done_ = false;  // guarded by mutex_
};

class GenerationCallThreadsTest : public ::testing::Test {
 protected:
  GenerationCallThreadsTest() { parts_.engine.Hold(); }

  std::shared_ptr<TestCall> StartCall(const v1::GenerateRequest& request) {
    auto call = std::make_shared<TestCall>(context_, transport_, request);
    call->Start();
    return call;
  }
  static v1::GenerateRequest Request(const std::string& prompt) {
    v1::GenerateRequest request;
    request.set_text(prompt);
    request.set_max_tokens(200);
    return request;
  }

  TestParts parts_;
  Transport transport_;
  CallContext context_{.serving = parts_.context,
                       .registry = CallRegistry(64),
                       .executor = CallExecutor(3),
                       .on_answer = {}};
};

TEST_F(GenerationCallThreadsTest, EveryCallEndsOnceHoweverItsEndingsMeet) {
  constexpr int kRounds = 20, kCalls = 16, kTokens = 40;
  std::mt19937 dice(7);
  std::vector<v1::GenerateRequest> requests(kCalls, Request("Hi"));
  for (int round = 0; round < kRounds; ++round) {
    const size_t known = parts_.engine.num_requests();
    std::vector<std::shared_ptr<TestCall>> calls;
    for (const v1::GenerateRequest& request : requests) calls.push_back(StartCall(request));
    const std::vector<RequestId> all = parts_.engine.WaitForRequests(known + kCalls);
    const std::vector<RequestId> ids(all.begin() + static_cast<ptrdiff_t>(known), all.end());
    // The engine's part: tokens one by one to all, then the ends.
    std::thread engine([&] {
      for (int i = 0; i < kTokens; ++i) {
        for (RequestId id : ids)
          parts_.engine.Emit(id, std::string(1, static_cast<char>('a' + i % 26)));
      }
      for (RequestId id : ids) parts_.engine.Finish(id, FinishReason::kStop);
    });
    // A third are aborted, a third lose their clients, at the same time.
    const absl::Duration pause = absl::Microseconds(dice() % 2000);
    std::thread aborter([&] {
      absl::SleepFor(pause);
      for (size_t i = 0; i < calls.size(); i += 3) calls[i]->Abort();
    });
    std::thread clients([&] {
      absl::SleepFor(pause);
      for (size_t i = 1; i < calls.size(); i += 3) calls[i]->HangUp();
      for (const auto& call : calls) call->CheckClient();
    });
    engine.join();
    aborter.join();
    clients.join();
    std::string whole;
    for (int i = 0; i < kTokens; ++i) whole.push_back(static_cast<char>('a' + i % 26));
    for (size_t i = 0; i < calls.size(); ++i) {
      ASSERT_TRUE(calls[i]->WaitForEnd());
      EXPECT_EQ(calls[i]->num_ends(), 1);
      const grpc::StatusCode stopped =
          i % 3 == 0 ? grpc::StatusCode::ABORTED : grpc::StatusCode::CANCELLED;
      if (calls[i]->code() == grpc::StatusCode::OK) {
        EXPECT_EQ(calls[i]->text(), whole);
      } else {
        EXPECT_EQ(calls[i]->code(), stopped);
        EXPECT_NE(i % 3, 2u);
        EXPECT_TRUE(whole.starts_with(calls[i]->text()));
      }
    }
    EXPECT_TRUE(context_.registry.WaitUntilEmpty(absl::Now()));
  }
}

TEST_F(GenerationCallThreadsTest, AStopWhileTheRequestIsReadEndsTheCallAndReachesNoEngine) {
  // Both workers are held, so the calls wait to be read.
  std::mutex gate;
  gate.lock();
  for (int i = 0; i < parts_.config.workers.threads; ++i) {
    ASSERT_TRUE(parts_.context.workers.Submit([&] { const std::lock_guard pass(gate); }).ok());
  }
  const v1::GenerateRequest request = Request("Hi");
  const auto aborted = StartCall(request), left = StartCall(request);
  while (context_.registry.calls().size() < 2) absl::SleepFor(absl::Milliseconds(1));
  EXPECT_TRUE(aborted->Abort());
  left->HangUp();
  gate.unlock();
  ASSERT_TRUE(aborted->WaitForEnd());
  ASSERT_TRUE(left->WaitForEnd());
  EXPECT_EQ(aborted->code(), grpc::StatusCode::ABORTED);
  EXPECT_EQ(left->code(), grpc::StatusCode::CANCELLED);
  EXPECT_EQ(parts_.engine.num_requests(), 0u);
  EXPECT_FALSE(aborted->Abort());
}

}  // namespace
}  // namespace oriel
