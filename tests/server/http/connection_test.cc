#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <malloc.h>

#include <functional>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "server/http/http_server.h"
#include "server/json.h"
#include "tests/server/support/raw_client.h"
#include "tests/server/support/test_server.h"

namespace oriel {
namespace {

using ::testing::HasSubstr;

constexpr char kPath[] = "/v1/completions";
constexpr char kBody[] = R"({"prompt":"Hi","max_tokens":2})";
constexpr char kStream[] = R"({"prompt":"Hi","max_tokens":100,"stream":true})";

// A pause that is too short for a sleep.
void SpinFor(absl::Duration duration) {
  const absl::Time end = absl::Now() + duration;
  while (absl::Now() < end) {
  }
}

TEST(ConnectionTest, OneConnectionServesRequestAfterRequest) {
  TestServer server;
  RawClient client(server.port());
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(client.Post(kPath, kBody));
    const RawResponse response = client.Read();
    EXPECT_EQ(response.status, 200);
    EXPECT_THAT(response.headers, HasSubstr("connection: keep-alive\r\n"));
  }
  EXPECT_EQ(server.http->num_connections(), 1);
}

TEST(ConnectionTest, AClientThatAsksToCloseIsClosed) {
  TestServer server;
  RawClient client(server.port());
  client.Post(kPath, kBody, "connection: close\r\n");
  EXPECT_THAT(client.Read().headers, HasSubstr("connection: close\r\n"));
  EXPECT_TRUE(client.IsClosedByServer());
}

TEST(ConnectionTest, PipelinedRequestsAreAnsweredInOrder) {
  TestServer server;
  RawClient client(server.port());
  std::string all;
  for (int i = 1; i <= 5; ++i) {
    const std::string body = absl::StrCat(R"({"prompt":"Hi","max_tokens":)", i, "}");
    absl::StrAppend(&all, "POST ", kPath, " HTTP/1.1\r\ncontent-length: ", body.size(), "\r\n\r\n",
                    body);
  }
  ASSERT_TRUE(client.Send(all));
  for (int i = 1; i <= 5; ++i) {
    EXPECT_EQ(Json::parse(client.Read().body)["usage"]["completion_tokens"], i);
  }
}

TEST(ConnectionTest, ARequestThatComesDuringAnAnswerIsNotLost) {
  TestServer server;
  server.engine.Hold();
  RawClient client(server.port());
  client.Post(kPath, kStream);
  const RequestId first = server.engine.WaitForRequests(1)[0];
  client.Post(kPath, kBody);
  server.engine.Emit(first, "x");
  client.ReadUntil("\"text\":\"x\"");
  server.engine.AnswerWith("hello");
  server.engine.Finish(first, FinishReason::kStop);
  EXPECT_TRUE(client.Read().complete);
  EXPECT_EQ(Json::parse(client.Read().body)["choices"][0]["text"], "he");
}

// Answers at once, and holds the connection until the client has sent its next request.
class HeldAfterAnswer final : public Exchange {
 public:
  explicit HeldAfterAnswer(std::shared_future<void> next_is_sent)
      : next_is_sent_(std::move(next_is_sent)) {}
  ~HeldAfterAnswer() override {
    next_is_sent_.wait_for(std::chrono::seconds(5));
    // The server's other thread completes the read meanwhile.
    absl::SleepFor(absl::Milliseconds(50));
  }
  void Start(std::function<void()>) override {}
  ExchangeOutput Poll() override {
    return {.kind = ExchangeOutput::Kind::kResponse, .response = {.body = "1"}, .chunk = {}};
  }

 private:
  const std::shared_future<void> next_is_sent_;
};

TEST(ConnectionTest, ARequestThatComesBetweenAnAnswerAndItsEndIsNotLost) {
  std::promise<void> next_is_sent;
  Router router;
  router.Add("POST", "/held",
             [next = next_is_sent.get_future().share()](HttpRequest) -> HttpAnswer {
               return std::make_unique<HeldAfterAnswer>(next);
             });
  HttpServerOptions options;
  options.threads = 2;
  const auto server = HttpServer::Listen(options, router);
  ASSERT_TRUE(server.ok()) << server.status();
  (*server)->Start();
  RawClient client((*server)->port());
  client.Post("/held", "{}");
  ASSERT_EQ(client.Read().body, "1");
  client.Post("/held", "{}");
  next_is_sent.set_value();
  EXPECT_EQ(client.Read().body, "1");
}

TEST(ConnectionTest, AClientThatGoesAwayCancelsAllItsWork) {
  for (const char* body : {R"({"prompt":"Hi","n":3,"stream":true})", R"({"prompt":"Hi","n":3})"}) {
    for (bool reset : {false, true}) {
      TestServer server;
      server.engine.Hold();
      RawClient client(server.port());
      client.Post(kPath, body);
      const auto ids = server.engine.WaitForRequests(3);
      reset ? client.Reset() : client.Close();
      for (RequestId id : ids) EXPECT_TRUE(server.engine.WaitForCancel(id)) << body;
      EXPECT_TRUE(WaitUntil([&] { return server.http->num_connections() == 0; }));
    }
  }
}

TEST(ConnectionTest, AReaderThatStopsReadingIsGivenUpAndItsWorkCancelled) {
  ServerConfig config;
  config.http.write_timeout = absl::Milliseconds(200);
  TestServer server(config);
  server.engine.Hold();
  RawClient client(server.port(), 4096);
  // Log-probabilities make events large enough to fill the buffers between the two soon.
  client.Post(kPath, R"({"prompt":"Hi","max_tokens":200,"stream":true,"logprobs":0})");
  const RequestId id = server.engine.WaitForRequests(1)[0];
  for (int i = 0; i < 200 && server.http->num_connections() > 0; ++i) {
    server.engine.Emit(id, std::string(1000, 'x'));
    absl::SleepFor(absl::Milliseconds(1));
  }
  EXPECT_TRUE(server.engine.WaitForCancel(id));
  EXPECT_TRUE(WaitUntil([&] { return server.http->num_connections() == 0; }));
}

// Never answers.
class EndlessExchange final : public Exchange {
 public:
  void Start(std::function<void()>) override {}
  ExchangeOutput Poll() override { return {}; }
};

TEST(ConnectionTest, ABodyThatIsReadIsNotKeptUntilTheAnswer) {
  // More than malloc would keep for itself.
  constexpr size_t kBodyBytes = 64 << 20;
  std::promise<void> is_dispatched;
  Router router;
  router.Add("POST", "/endless", [&](HttpRequest request) -> HttpAnswer {
    EXPECT_EQ(request.body.size(), kBodyBytes);
    is_dispatched.set_value();
    return std::make_unique<EndlessExchange>();
  });
  HttpServerOptions options;
  options.limits.body_bytes_max = 2 * kBodyBytes;
  const auto server = HttpServer::Listen(options, router);
  ASSERT_TRUE(server.ok()) << server.status();
  (*server)->Start();
  const size_t mapped = mallinfo2().hblkhd;
  RawClient client((*server)->port());
  client.Post("/endless", std::string(kBodyBytes, 'x'));
  ASSERT_EQ(is_dispatched.get_future().wait_for(std::chrono::seconds(10)),
            std::future_status::ready);
  // A sanitizer's allocator counts nothing here.
  EXPECT_TRUE(WaitUntil([&] { return mallinfo2().hblkhd < mapped + kBodyBytes; }));
}

TEST(ConnectionTest, RequestIdsGoInAndOutUnlessTheyAreUnfitForAHeader) {
  TestServer server;
  RawClient client(server.port());
  client.Post(kPath, kBody, "x-request-id: evening-7\r\n");
  EXPECT_THAT(client.Read().headers, HasSubstr("x-request-id: evening-7\r\n"));
  client.Post(kPath, kBody, "x-request-id: two words\r\n");
  EXPECT_THAT(client.Read().headers, ::testing::Not(HasSubstr("two words")));
}

TEST(ConnectionTest, HeadHasTheHeadersOfGetAndNoBody) {
  TestServer server;
  RawClient client(server.port());
  client.Send("HEAD /livez HTTP/1.1\r\n\r\nGET /livez HTTP/1.1\r\n\r\n");
  const std::string both = client.ReadUntil("{\"status\":\"ok\"}");
  EXPECT_EQ(both.find("{\"status\""), both.rfind("{\"status\""));
  EXPECT_THAT(both, HasSubstr("content-length: 15"));
}

TEST(ConnectionTest, AnOldClientGetsAStreamWithoutChunks) {
  TestServer server;
  server.engine.AnswerWith("hi");
  RawClient client(server.port());
  client.Send(absl::StrCat("POST ", kPath, " HTTP/1.0\r\ncontent-length: ", sizeof(kStream) - 1,
                           "\r\n\r\n", kStream));
  const std::string all = client.ReadUntil("[DONE]\n\n");
  EXPECT_THAT(all, HasSubstr("\r\n\r\ndata: {"));
  EXPECT_THAT(all, ::testing::Not(HasSubstr("chunked")));
  EXPECT_THAT(client.ReadUntil("never sent"), ::testing::EndsWith("[DONE]\n\n"));
}

TEST(ConnectionTest, AStreamWithoutChunksEndsTheConnectionThoughItsClientWouldKeepIt) {
  TestServer server;
  server.engine.AnswerWith("hi");
  RawClient client(server.port());
  client.Send(absl::StrCat("POST ", kPath,
                           " HTTP/1.0\r\nConnection: keep-alive\r\ncontent-length: ",
                           sizeof(kStream) - 1, "\r\n\r\n", kStream));
  const absl::Time start = absl::Now();
  const std::string all = client.ReadUntil("[DONE]\n\n");
  EXPECT_THAT(all, HasSubstr("[DONE]\n\n"));
  EXPECT_THAT(all, HasSubstr("connection: close\r\n"));
  EXPECT_TRUE(client.IsClosedByServer());
  EXPECT_LT(absl::Now() - start, absl::Seconds(5));
}

TEST(ConnectionTest, AClientThatWaitsForContinueIsTold) {
  TestServer server;
  RawClient client(server.port());
  client.Send(absl::StrCat("POST ", kPath, " HTTP/1.1\r\nexpect: 100-continue\r\ncontent-length: ",
                           sizeof(kBody) - 1, "\r\n\r\n"));
  EXPECT_EQ(client.Read().status, 100);
  client.Send(kBody);
  EXPECT_EQ(client.Read().status, 200);
}

TEST(ConnectionTest, AClientThatIsGoneBeforeItsContinueLeavesNothingBehind) {
  TestServer server;
  // It is gone between the read of its head and the write of the answer to it: many headers make
  // that time longer, and one of the pauses meets it.
  std::string head = absl::StrCat("POST ", kPath, " HTTP/1.1\r\nexpect: 100-continue\r\n");
  for (int i = 0; i < 1000; ++i) head += "a: b\r\n";
  for (int i = 0; i < 200; ++i) {
    RawClient client(server.port());
    client.Send(head);
    absl::SleepFor(absl::Milliseconds(1));
    client.Send("content-length: 9\r\n\r\n");
    SpinFor(absl::Microseconds(i));
    client.Reset();
  }
  EXPECT_TRUE(WaitUntil([&] { return server.http->num_connections() == 0; }, absl::Seconds(1)));
}

TEST(ConnectionTest, ABodyAfterContinueHasTheReadsTimeAndNotTheWrites) {
  ServerConfig config;
  config.http.write_timeout = absl::Milliseconds(100);
  config.http.read_timeout = absl::Seconds(5);
  TestServer server(config);
  RawClient client(server.port());
  client.Send(absl::StrCat("POST ", kPath, " HTTP/1.1\r\nexpect: 100-continue\r\ncontent-length: ",
                           sizeof(kBody) - 1, "\r\n\r\n"));
  EXPECT_EQ(client.Read().status, 100);
  absl::SleepFor(absl::Milliseconds(300));
  client.Send(kBody);
  EXPECT_EQ(client.Read().status, 200);
}

TEST(ConnectionTest, DrainWaitsForRunningAnswersAndClosesAfterThem) {
  TestServer server;
  server.engine.Hold();
  RawClient client(server.port());
  client.Post(kPath, kStream);
  const RequestId id = server.engine.WaitForRequests(1)[0];
  EXPECT_FALSE(server.http->Drain(absl::Now() + absl::Milliseconds(50)));
  std::thread finisher([&] {
    server.engine.Emit(id, "end");
    server.engine.Finish(id, FinishReason::kStop);
  });
  EXPECT_TRUE(server.http->Drain(absl::Now() + absl::Seconds(10)));
  finisher.join();
  EXPECT_TRUE(client.Read().complete);
  EXPECT_TRUE(client.IsClosedByServer());
}

TEST(ConnectionTest, EndingTheServerCancelsWhatStillRuns) {
  auto server = std::make_unique<TestServer>();
  server->engine.Hold();
  RawClient client(server->port());
  client.Post(kPath, kStream);
  const RequestId id = server->engine.WaitForRequests(1)[0];
  server->http.reset();
  EXPECT_TRUE(server->engine.WaitForCancel(id));
}

TEST(ConnectionTest, EndingTheServerEndsAConnectionThatHasJustCome) {
  const Router router;
  for (int i = 0; i < 200; ++i) {
    auto server = HttpServer::Listen({}, router);
    ASSERT_TRUE(server.ok()) << server.status();
    (*server)->Start();
    RawClient client((*server)->port());
    SpinFor(absl::Microseconds(i));
    server->reset();
    ASSERT_TRUE(client.IsEndedByServer()) << i;
  }
}

}  // namespace
}  // namespace oriel
