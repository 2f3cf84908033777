// What a client may send, how long it may take, and how many there may be.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
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

TEST(ConnectionLimitsTest, ABodyThatIsTooLargeIs413BeforeItIsRead) {
  ServerConfig config;
  config.http.body_bytes_max = 1000;
  TestServer server(config);
  RawClient announced(server.port());
  announced.Send("POST /v1/completions HTTP/1.1\r\ncontent-length: 1001\r\n\r\n");
  const RawResponse response = announced.Read();
  EXPECT_EQ(response.status, 413);
  EXPECT_EQ(Json::parse(response.body)["error"]["code"], "body_too_large");
  RawClient chunked(server.port());
  chunked.Send("POST /v1/completions HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n7d0\r\n" +
               std::string(2000, 'x') + "\r\n0\r\n\r\n");
  EXPECT_EQ(chunked.Read().status, 413);
}

TEST(ConnectionLimitsTest, AClientThatSendsAWholeTooLargeBodyStillReadsTheAnswer) {
  ServerConfig config;
  config.http.body_bytes_max = 1000;
  TestServer server(config);
  RawClient client(server.port());
  ASSERT_TRUE(client.Post(kPath, std::string(4 << 20, 'x')));
  EXPECT_EQ(client.Read().status, 413);
}

// Room for one body of kLargeBody, not for two.
ServerConfig LittleRequestMemory() {
  ServerConfig config;
  config.http.body_bytes_max = config.http.request_memory_bytes = 1 << 20;
  return config;
}
const std::string kLargeBody =
    absl::StrCat(R"({"prompt":"Hi","max_tokens":2,"x":")", std::string(700 << 10, 'x'), R"("})");

constexpr int64_t CountedBytes(size_t bytes) {
  return static_cast<int64_t>(bytes) - RequestHold::kUncountedBytes;
}

// Waits until requests hold so many bytes, which are then those of the connections under way.
testing::AssertionResult Holds(TestServer& server, int64_t bytes) {
  const RequestMemory& memory = *server.context.request_memory;
  if (WaitUntil([&] { return memory.bytes_held() == bytes; })) return testing::AssertionSuccess();
  return testing::AssertionFailure() << memory.bytes_held() << " bytes are held, not " << bytes;
}

// Sends the head and the first kFirstBytes of kLargeBody, and waits until they have arrived.
constexpr size_t kFirstBytes = 600 << 10;
void SendFirstPart(RawClient& client, TestServer& server) {
  const int64_t held_before = server.context.request_memory->bytes_held();
  client.Send(absl::StrCat("POST /v1/completions HTTP/1.1\r\ncontent-length: ", kLargeBody.size(),
                           "\r\n\r\n", kLargeBody.substr(0, kFirstBytes)));
  EXPECT_TRUE(Holds(server, held_before + CountedBytes(kFirstBytes)));
}

TEST(ConnectionLimitsTest, BodiesThatAreTooLargeTogetherAre429AndSmallOnesAreServed) {
  TestServer server(LittleRequestMemory());
  RawClient slow(server.port());
  SendFirstPart(slow, server);
  RawClient refused(server.port());
  refused.Post(kPath, kLargeBody);
  const RawResponse response = refused.Read();
  EXPECT_EQ(response.status, 429);
  EXPECT_EQ(Json::parse(response.body)["error"]["code"], "request_memory_full");
  EXPECT_THAT(response.headers, HasSubstr("retry-after"));
  EXPECT_TRUE(Holds(server, CountedBytes(kFirstBytes)));
  // To the last byte.
  ASSERT_TRUE(server.context.request_memory->TryTake((1 << 20) - CountedBytes(kFirstBytes)));
  RawClient small(server.port());
  small.Post(kPath, kBody);
  EXPECT_EQ(small.Read().status, 200);
  server.context.request_memory->GiveBack((1 << 20) - CountedBytes(kFirstBytes));
  slow.Send(kLargeBody.substr(kFirstBytes));
  EXPECT_EQ(slow.Read().status, 200);
  EXPECT_TRUE(Holds(server, 0));
}

TEST(ConnectionLimitsTest, ABodyThatNeverComesToItsEndIsForgotten) {
  TestServer server(LittleRequestMemory());
  for (bool reset : {false, true}) {
    RawClient client(server.port());
    SendFirstPart(client, server);
    reset ? client.Reset() : client.Close();
    EXPECT_TRUE(Holds(server, 0));
  }
}

TEST(ConnectionLimitsTest, ABodyCountsWhileItWaitsForAWorkerAndNoLonger) {
  TestServer server(LittleRequestMemory());
  for (const char* path : {"/v1/completions", "/tokenize"}) {
    std::promise<void> gate;
    const std::shared_future<void> opened = gate.get_future().share();
    for (int i = 0; i < server.config.workers.threads; ++i) {
      ASSERT_TRUE(server.context.workers.Submit([opened] { opened.wait(); }).ok());
    }
    server.engine.Hold();
    RawClient client(server.port());
    client.Post(path, kLargeBody);
    EXPECT_TRUE(Holds(server, CountedBytes(kLargeBody.size()))) << path;
    EXPECT_TRUE(WaitUntil([&] { return server.context.workers.num_waiting() == 1; })) << path;
    EXPECT_TRUE(Holds(server, CountedBytes(kLargeBody.size()))) << path;
    gate.set_value();
    // The completion's answer is held back; its body has been read.
    EXPECT_TRUE(Holds(server, 0)) << path;
  }
}

TEST(ConnectionLimitsTest, HeadersThatAreTooLargeAre431) {
  TestServer server;
  RawClient client(server.port());
  client.Send("GET /health HTTP/1.1\r\nx: " + std::string(64 << 10, 'y') + "\r\n\r\n");
  EXPECT_EQ(client.Read().status, 431);
}

TEST(ConnectionLimitsTest, WhatIsNoHttpIs400AndTheConnectionEnds) {
  TestServer server;
  for (const char* bytes :
       {"hello\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "\x16\x03\x01\x02\x00\x01\x00\r\n\r\n",
        "POST / HTTP/1.1\r\ncontent-length: -5\r\n\r\n",
        "POST / HTTP/1.1\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{}",
        "POST / HTTP/1.1\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n{}"}) {
    RawClient client(server.port());
    client.Send(bytes);
    EXPECT_EQ(client.Read().status, 400) << bytes;
    EXPECT_TRUE(client.IsClosedByServer());
  }
  RawClient good(server.port());
  good.Post(kPath, kBody);
  EXPECT_EQ(good.Read().status, 200);
}

TEST(ConnectionLimitsTest, ABodyWhoseEndIsDoubtfulIsRefusedAndNothingAfterItIsRead) {
  TestServer server;
  for (const char* head :
       {"HTTP/1.1\r\ntransfer-encoding: gzip", "HTTP/1.1\r\ntransfer-encoding: xchunked",
        "HTTP/1.1\r\ntransfer-encoding: chunked, chunked",
        "HTTP/1.1\r\ntransfer-encoding: identity\r\ncontent-length: 2",
        "HTTP/1.0\r\ntransfer-encoding: chunked"}) {
    RawClient client(server.port());
    client.Send(
        absl::StrCat("POST ", kPath, " ", head, "\r\n\r\n0\r\n\r\nGET /livez HTTP/1.1\r\n\r\n"));
    const std::string all = client.ReadUntil("never sent");
    EXPECT_THAT(all, HasSubstr("HTTP/1.1 400 Bad Request")) << head;
    EXPECT_THAT(all, ::testing::Not(HasSubstr(" 200 OK"))) << head;
  }
}

TEST(ConnectionLimitsTest, AWholeAddressInTheRequestLineMeansItsPath) {
  TestServer server;
  RawClient client(server.port());
  client.Send("GET http://example.org/livez?x=1 HTTP/1.1\r\n\r\n");
  EXPECT_EQ(client.Read().status, 200);
  client.Send("GET http://example.org HTTP/1.1\r\n\r\n");
  EXPECT_EQ(client.Read().status, 404);
}

TEST(ConnectionLimitsTest, ASlowSenderIsTold408AndClosed) {
  ServerConfig config;
  config.http.read_timeout = absl::Milliseconds(100);
  TestServer server(config);
  for (const char* begun :
       {"POST /v1/comp", "POST /v1/completions HTTP/1.1\r\ncontent-le",
        "POST /v1/completions HTTP/1.1\r\ncontent-length: 10\r\n\r\n{\"pro",
        "POST /v1/completions HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n5\r\n{"}) {
    RawClient slow(server.port());
    slow.Send(begun);
    const RawResponse response = slow.Read();
    EXPECT_EQ(response.status, 408) << begun;
    EXPECT_EQ(Json::parse(response.body)["error"]["code"], "request_timeout");
    EXPECT_THAT(response.headers, HasSubstr("connection: close\r\n"));
    EXPECT_TRUE(slow.IsClosedByServer());
  }
}

TEST(ConnectionLimitsTest, BytesThatTrickleInDoNotPutTheDeadlineOff) {
  ServerConfig config;
  config.http.read_timeout = absl::Milliseconds(200);
  TestServer server(config);
  RawClient slow(server.port());
  std::thread trickle([&] {
    for (int i = 0; i < 50; ++i) {
      if (!slow.Send("P")) return;
      absl::SleepFor(absl::Milliseconds(20));
    }
  });
  EXPECT_EQ(slow.Read().status, 408);
  trickle.join();
}

TEST(ConnectionLimitsTest, TheDeadlineEndsAReadThatIsNeverWithoutBytes) {
  ServerConfig config;
  config.http.read_timeout = absl::Milliseconds(20);
  TestServer server(config);
  for (int i = 0; i < 50; ++i) {
    RawClient busy(server.port());
    busy.Send("POST /v1/completions HTTP/1.1\r\ncontent-length: 1000000\r\n\r\n");
    std::atomic<bool> answered = false;
    std::thread sender([&] {
      while (!answered && busy.Send("x")) {
      }
    });
    EXPECT_EQ(busy.Read().status, 408) << i;
    answered = true;
    sender.join();
  }
}

TEST(ConnectionLimitsTest, TheReadDeadlineOfOneRequestDoesNotReachTheNext) {
  ServerConfig config;
  config.http.read_timeout = absl::Milliseconds(100);
  TestServer server(config);
  RawClient client(server.port());
  for (int i = 0; i < 3; ++i) {
    client.Post(kPath, kBody);
    EXPECT_EQ(client.Read().status, 200);
    absl::SleepFor(absl::Milliseconds(70));
  }
}

TEST(ConnectionLimitsTest, AnIdleConnectionIsClosed) {
  ServerConfig config;
  config.http.idle_timeout = absl::Milliseconds(100);
  TestServer server(config);
  RawClient idle(server.port());
  EXPECT_TRUE(idle.IsClosedByServer());
}

TEST(ConnectionLimitsTest, AnswersToWhatCouldNotBeReadAreReportedToo) {
  std::promise<int32_t> status;
  HttpServerOptions options;
  options.on_answer = [&](const HttpRecord& record) {
    EXPECT_EQ(record.route, "unknown");
    status.set_value(record.status);
  };
  const Router router;
  const auto server = HttpServer::Listen(options, router);
  ASSERT_TRUE(server.ok()) << server.status();
  (*server)->Start();
  RawClient client((*server)->port());
  client.Send("hello\r\n\r\n");
  EXPECT_EQ(client.Read().status, 400);
  std::future<int32_t> reported = status.get_future();
  ASSERT_EQ(reported.wait_for(std::chrono::seconds(10)), std::future_status::ready);
  EXPECT_EQ(reported.get(), 400);
}

TEST(ConnectionLimitsTest, OneConnectionTooManyIsToldSo) {
  ServerConfig config;
  config.http.connections_max = 2;
  TestServer server(config);
  RawClient first(server.port()), second(server.port());
  ASSERT_TRUE(WaitUntil([&] { return server.http->num_connections() == 2; }));
  RawClient third(server.port());
  const RawResponse response = third.Read();
  EXPECT_EQ(response.status, 503);
  EXPECT_THAT(response.headers, HasSubstr("retry-after: 1\r\n"));
  first.Get("/livez");
  EXPECT_EQ(first.Read().status, 200);
}

TEST(ConnectionLimitsTest, RefusedClientsThatStayDoNotTakeThePlaceOfServedOnes) {
  ServerConfig config;
  config.http.connections_max = 2;
  TestServer server(config);
  RawClient first(server.port()), second(server.port());
  ASSERT_TRUE(WaitUntil([&] { return server.http->num_connections() == 2; }));
  std::vector<std::unique_ptr<RawClient>> refused;
  for (int i = 0; i < 5; ++i) {
    refused.push_back(std::make_unique<RawClient>(server.port()));
    EXPECT_EQ(refused.back()->Read().status, 503);
  }
  first.Close();
  // The refused ones stay for two seconds at most.
  ASSERT_TRUE(WaitUntil([&] { return server.http->num_connections() <= 6; }));
  RawClient next(server.port());
  next.Get("/livez");
  EXPECT_EQ(next.Read().status, 200);
}

TEST(ConnectionLimitsTest, RefusedClientsAreBoundedToo) {
  ServerConfig config;
  config.http.connections_max = 1;
  TestServer server(config);
  RawClient first(server.port());
  ASSERT_TRUE(WaitUntil([&] { return server.http->num_connections() == 1; }));
  std::vector<std::unique_ptr<RawClient>> refused;
  for (int i = 0; i < 100; ++i) refused.push_back(std::make_unique<RawClient>(server.port()));
  int told = 0, closed = 0;
  for (const auto& client : refused) {
    const int status = client->Read().status;
    told += status == 503;
    closed += status == 0;
    EXPECT_LE(server.http->num_connections(), 65);
  }
  EXPECT_GE(told, 64);
  EXPECT_GE(closed, 1);
  EXPECT_EQ(told + closed, 100);
  first.Get("/livez");
  EXPECT_EQ(first.Read().status, 200);
}

}  // namespace
}  // namespace oriel
