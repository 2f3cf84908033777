#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <thread>

#include "grpc/health/v1/health.grpc.pb.h"
#include "tests/server/support/grpc_test_server.h"

namespace oriel {
namespace {

using ::grpc::health::v1::Health;
using ::grpc::health::v1::HealthCheckRequest;
using ::grpc::health::v1::HealthCheckResponse;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(GenerationServiceTest, AbortEndsEveryCallOfTheNameAndNoOther) {
  GrpcTestServer server;
  server.engine.Hold();
  const auto run = [&](const char* message, RpcResult& result) {
    return std::thread(
        [&server, message, &result] { result = server.Generate(GenerateMessage(message)); });
  };
  RpcResult results[3];
  std::thread first = run("text: \"a\" request_id: \"r1\"", results[0]);
  std::thread second = run("text: \"b\" request_id: \"r1\"", results[1]);
  std::thread other = run("text: \"c\" request_id: \"r2\"", results[2]);
  const auto ids = server.engine.WaitForRequests(3);
  v1::AbortRequest request;
  request.set_request_id("r1");
  v1::AbortResponse response;
  ASSERT_TRUE(server.stub->Abort(server.MakeContext().get(), request, &response).ok());
  EXPECT_EQ(response.num_aborted(), 2);
  first.join();
  second.join();
  for (int i : {0, 1}) {
    EXPECT_EQ(results[i].status.error_code(), grpc::StatusCode::ABORTED);
    EXPECT_EQ(results[i].trailers.at("x-oriel-error-code"), "aborted");
  }
  for (RequestId id : ids) {
    if (server.engine.request(id).prompt[0] == 'c') {
      server.engine.Finish(id, FinishReason::kStop);
    } else {
      EXPECT_TRUE(server.engine.WaitForCancel(id));
    }
  }
  other.join();
  EXPECT_TRUE(results[2].status.ok());
  ASSERT_TRUE(server.stub->Abort(server.MakeContext().get(), request, &response).ok());
  EXPECT_EQ(response.num_aborted(), 0);
}

TEST(GenerationServiceTest, AnAbortWithoutANameIsRefused) {
  GrpcTestServer server;
  v1::AbortResponse response;
  const grpc::Status status = server.stub->Abort(server.MakeContext().get(), {}, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST(GenerationServiceTest, TokenizeTakesTextsAndChatsAndRefusesWhatHttpRefuses) {
  GrpcTestServer server;
  v1::TokenizeRequest request;
  v1::TokenizeResponse response;
  request.set_text("Hi");
  ASSERT_TRUE(server.stub->Tokenize(server.MakeContext().get(), request, &response).ok());
  EXPECT_THAT(response.token_ids(), ElementsAre('H', 'i'));
  EXPECT_EQ(response.max_model_len(), 256);
  auto& message = *request.mutable_chat()->add_messages();
  message.set_role("user");
  message.set_content("Hi");
  ASSERT_TRUE(server.stub->Tokenize(server.MakeContext().get(), request, &response).ok());
  EXPECT_EQ(response.token_ids_size(), 8);
  message.set_role("king");
  grpc::Status status = server.stub->Tokenize(server.MakeContext().get(), request, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), HasSubstr("messages[0] must have a role"));
  status = server.stub->Tokenize(server.MakeContext().get(), {}, &response);
  EXPECT_THAT(status.error_message(), HasSubstr("prompt is missing"));
  request.set_model("other");
  request.set_text("Hi");
  status = server.stub->Tokenize(server.MakeContext().get(), request, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
}

TEST(GenerationServiceTest, ServerInfoHasTheGeometryOfTheCache) {
  GrpcTestServer server;
  v1::GetServerInfoResponse info;
  ASSERT_TRUE(server.stub->GetServerInfo(server.MakeContext().get(), {}, &info).ok());
  EXPECT_EQ(info.model(), kTestModelName);
  EXPECT_EQ(info.max_model_len(), 256);
  EXPECT_EQ(info.vocab_size(), kFakeVocab);
  EXPECT_EQ(info.requests_waiting(), 3);
  const v1::KvCacheInfo& cache = info.kv_cache();
  EXPECT_EQ(cache.page_tokens(), 64);
  EXPECT_EQ(cache.pages_total(), 100);
  EXPECT_EQ(cache.pages_free(), 100);
  EXPECT_EQ(cache.window_pages_total(), 10);
  EXPECT_EQ(cache.key_codec(), "int2");
  ASSERT_EQ(cache.layers_size(), 2);
  ASSERT_EQ(cache.layers(0).key_bits_size(), 2);
  // Both halves of all heads make up a page; keys carry the centre beside their codes.
  const double values_a_half = 64.0 * 64 * 2 * 2;
  EXPECT_NEAR((cache.key_bits_mean() + cache.value_bits_mean()) * values_a_half / 8, 8000, 1e-6);
  EXPECT_GT(cache.key_bits_mean(), 2.0);
  EXPECT_GT(cache.value_bits_mean(), 1.5);
  EXPECT_NEAR(cache.layers(1).value_bits(1), cache.value_bits_mean(), 1e-6);
  EXPECT_EQ(cache.bytes_per_token(), 125.0);
  EXPECT_EQ(cache.fp16_bytes_per_token(), 2 * 2 * 64 * 2 * 2);
}

TEST(GenerationServiceTest, AMessageThatIsTooLargeIsRefusedAndTheNextOneServed) {
  ServerConfig config;
  config.http.body_bytes_max = 10'000;
  GrpcTestServer server(config);
  v1::GenerateRequest request;
  request.set_text(std::string(20'000, 'x'));
  EXPECT_EQ(server.Generate(request).status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  request.set_text("Hi");
  EXPECT_TRUE(server.Generate(request).status.ok());
}

// A message that a call keeps whole, though nothing of it is a prompt.
v1::GenerateRequest MessageOfBytes(size_t bytes) {
  v1::GenerateRequest request = GenerateMessage("text: \"Hi\"");
  request.GetReflection()->MutableUnknownFields(&request)->AddLengthDelimited(
      1000, std::string(bytes, 'x'));
  return request;
}

TEST(GenerationServiceTest, MessagesThatAreTooLargeTogetherAreRefusedAndSmallOnesAreServed) {
  ServerConfig config;
  config.http.body_bytes_max = config.http.request_memory_bytes = 1 << 20;
  GrpcTestServer server(config);
  server.engine.Hold();
  const v1::GenerateRequest large = MessageOfBytes(700 << 10);
  const auto rpc = server.MakeContext();
  const auto running = server.stub->GenerateStream(rpc.get(), large);
  const RequestId id = server.engine.WaitForRequests(1)[0];
  const RpcResult refused = server.Generate(large);
  EXPECT_EQ(refused.status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(refused.trailers.at("x-oriel-error-code"), "request_memory_full");
  v1::TokenizeRequest text;
  text.set_text(std::string(700 << 10, 'x'));
  v1::TokenizeResponse tokens;
  EXPECT_EQ(server.stub->Tokenize(server.MakeContext().get(), text, &tokens).error_code(),
            grpc::StatusCode::RESOURCE_EXHAUSTED);
  text.set_text("Hi");
  EXPECT_TRUE(server.stub->Tokenize(server.MakeContext().get(), text, &tokens).ok());
  server.engine.Finish(id, FinishReason::kStop);
  v1::GenerateStreamResponse message;
  while (running->Read(&message)) continue;
  EXPECT_TRUE(running->Finish().ok());
  EXPECT_TRUE(WaitUntil([&] { return server.context.request_memory->bytes_held() == 0; }));
  server.engine.AnswerWith("x");
  EXPECT_TRUE(server.Generate(large).status.ok());
  EXPECT_TRUE(WaitUntil([&] { return server.context.request_memory->bytes_held() == 0; }));
}

TEST(GenerationServiceTest, WhileDrainingNewWorkIsRefusedAndRunningWorkEnds) {
  GrpcTestServer server;
  server.engine.Hold();
  std::vector<v1::GenerateStreamResponse> messages;
  RpcResult running;
  std::thread client(
      [&] { running = server.ReadStream(GenerateMessage("text: \"Hi\""), &messages); });
  const RequestId id = server.engine.WaitForRequests(1)[0];
  server.engine.Emit(id, "a");
  server.context.draining = true;
  server.grpc->BeginDrain();
  const RpcResult refused = server.Generate(GenerateMessage("text: \"Hi\""));
  EXPECT_EQ(refused.status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(refused.trailers.at("x-oriel-error-code"), "shutting_down");
  EXPECT_FALSE(server.grpc->Drain(absl::Now() + absl::Milliseconds(50)));
  server.engine.Emit(id, "b");
  server.engine.Finish(id, FinishReason::kStop);
  EXPECT_TRUE(server.grpc->Drain(absl::Now() + absl::Seconds(10)));
  client.join();
  EXPECT_TRUE(running.status.ok());
  ASSERT_FALSE(messages.empty());
  EXPECT_EQ(messages.back().finish_reason(), v1::FINISH_REASON_STOP);
  EXPECT_EQ(server.engine.num_requests(), 1u);
}

TEST(GenerationServiceTest, AServerThatGoesAwayCancelsWhatStillRuns) {
  GrpcTestServer server;
  server.engine.Hold();
  RpcResult result;
  std::thread client([&] { result = server.ReadStream(GenerateMessage("text: \"Hi\"")); });
  const RequestId id = server.engine.WaitForRequests(1)[0];
  server.grpc.reset();
  client.join();
  EXPECT_FALSE(result.status.ok());
  EXPECT_TRUE(server.engine.WaitForCancel(id));
}

grpc::Status CheckHealth(GrpcTestServer& server, const std::string& service,
                         HealthCheckResponse& response) {
  HealthCheckRequest request;
  request.set_service(service);
  return Health::NewStub(server.channel)->Check(server.MakeContext().get(), request, &response);
}

TEST(GrpcServerTest, HealthKnowsTheServerAndItsServiceAndNoOther) {
  GrpcTestServer server;
  HealthCheckResponse response;
  for (const char* service : {"", "oriel.v1.Generation"}) {
    ASSERT_TRUE(CheckHealth(server, service, response).ok()) << service;
    EXPECT_EQ(response.status(), HealthCheckResponse::SERVING) << service;
  }
  EXPECT_EQ(CheckHealth(server, "other", response).error_code(), grpc::StatusCode::NOT_FOUND);
}

TEST(GrpcServerTest, WatchersHearOnceOfADrainOrAFailedEngine) {
  for (const bool engine_fails : {true, false}) {
    GrpcTestServer server;
    const auto rpc = server.MakeContext();
    const auto stub = Health::NewStub(server.channel);
    const auto reader = stub->Watch(rpc.get(), HealthCheckRequest());
    HealthCheckResponse response;
    ASSERT_TRUE(reader->Read(&response));
    EXPECT_EQ(response.status(), HealthCheckResponse::SERVING);
    if (engine_fails) {
      server.engine.SetHealth(absl::InternalError("device lost"));
    } else {
      server.context.draining = true;
      server.grpc->BeginDrain();
    }
    ASSERT_TRUE(reader->Read(&response));
    EXPECT_EQ(response.status(), HealthCheckResponse::NOT_SERVING);
    server.grpc.reset();
    EXPECT_FALSE(reader->Read(&response));
    EXPECT_FALSE(reader->Finish().ok());
  }
}

TEST(GrpcServerTest, APortThatIsTakenIsNoSecondServersPort) {
  GrpcTestServer server;
  TestParts parts;
  const auto second =
      GrpcServer::Listen({.port = server.grpc->port(), .on_answer = {}}, parts.context);
  ASSERT_FALSE(second.ok());
  EXPECT_THAT(std::string(second.status().message()), HasSubstr("--grpc-port"));
}

}  // namespace
}  // namespace oriel
