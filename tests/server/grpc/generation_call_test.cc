#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "tests/server/support/grpc_test_server.h"

namespace oriel {
namespace {

using ::testing::AnyOf;
using ::testing::ElementsAre;

std::string TextOf(const std::vector<v1::GenerateStreamResponse>& messages) {
  std::string text;
  for (const auto& message : messages) text += message.text();
  return text;
}

TEST(GenerationCallTest, AWholeAnswerHasTextTokensReasonAndUsage) {
  GrpcTestServer server;
  server.engine.AnswerWith("hello");
  v1::GenerateResponse answer;
  const auto request = GenerateMessage("text: \"Hi\" max_tokens: 3 request_id: \"mine\"");
  ASSERT_TRUE(server.Generate(request, &answer).status.ok());
  EXPECT_EQ(answer.request_id(), "mine");
  EXPECT_EQ(answer.model(), kTestModelName);
  EXPECT_EQ(answer.text(), "hel");
  EXPECT_THAT(answer.token_ids(), ElementsAre('h', 'e', 'l'));
  EXPECT_EQ(answer.finish_reason(), v1::FINISH_REASON_LENGTH);
  EXPECT_FALSE(answer.has_stop_reason());
  EXPECT_EQ(answer.usage().prompt_tokens(), 2);
  EXPECT_EQ(answer.usage().generated_tokens(), 3);
  EXPECT_THAT(server.WaitForRecords(1), ElementsAre("Generate OK"));
}

TEST(GenerationCallTest, AStreamSpellsTheAnswerAndEndsWithReasonAndUsage) {
  GrpcTestServer server;
  server.engine.AnswerWith("hello");
  std::vector<v1::GenerateStreamResponse> messages;
  ASSERT_TRUE(server.ReadStream(GenerateMessage("token_ids { ids: 72 }"), &messages).status.ok());
  ASSERT_FALSE(messages.empty());
  EXPECT_EQ(TextOf(messages), "hello");
  EXPECT_EQ(messages.back().finish_reason(), v1::FINISH_REASON_STOP);
  EXPECT_EQ(messages.back().usage().generated_tokens(), 5);
  for (size_t i = 0; i + 1 < messages.size(); ++i) {
    EXPECT_EQ(messages[i].finish_reason(), v1::FINISH_REASON_UNSPECIFIED);
    EXPECT_FALSE(messages[i].has_usage());
    EXPECT_EQ(messages[i].request_id(), messages.back().request_id());
  }
}

TEST(GenerationCallTest, ATokenIsSentWhenItComes) {
  GrpcTestServer server;
  server.engine.Hold();
  const auto rpc = server.MakeContext();
  const auto reader = server.stub->GenerateStream(rpc.get(), GenerateMessage("text: \"Hi\""));
  const RequestId id = server.engine.WaitForRequests(1)[0];
  v1::GenerateStreamResponse message;
  for (const char* token : {"a", "b", "c"}) {
    server.engine.Emit(id, token);
    ASSERT_TRUE(reader->Read(&message));
    EXPECT_EQ(message.text(), token);
  }
  server.engine.Finish(id, FinishReason::kStop);
  ASSERT_TRUE(reader->Read(&message));
  EXPECT_EQ(message.finish_reason(), v1::FINISH_REASON_STOP);
  EXPECT_FALSE(reader->Read(&message));
  EXPECT_TRUE(reader->Finish().ok());
}

TEST(GenerationCallTest, EveryFieldReachesTheEngine) {
  GrpcTestServer server;
  const auto request = GenerateMessage(R"(
    text: "Hi" max_tokens: 9 min_tokens: 2 ignore_eos: true priority: -4 logprobs: 3 echo: true
    stop_token_ids: 7 sampling { temperature: 0.5 top_p: 0.9 top_k: -1 min_p: 0.1
    presence_penalty: 1 frequency_penalty: -1 repetition_penalty: 1.5 seed: 18446744073709551615
    logit_bias { key: 5 value: -100 } })");
  v1::GenerateResponse answer;
  ASSERT_TRUE(server.Generate(request, &answer).status.ok());
  const GenerationRequest got = server.engine.request(server.engine.WaitForRequests(1)[0]);
  EXPECT_EQ(got.max_tokens, 9);
  EXPECT_EQ(got.min_tokens, 2);
  EXPECT_TRUE(got.ignore_eos);
  EXPECT_EQ(got.priority, -4);
  EXPECT_EQ(got.sampling.temperature, 0.5f);
  EXPECT_EQ(got.sampling.top_p, 0.9f);
  EXPECT_EQ(got.sampling.top_k, 0);
  EXPECT_EQ(got.sampling.min_p, 0.1f);
  EXPECT_EQ(got.sampling.presence_penalty, 1.0f);
  EXPECT_EQ(got.sampling.frequency_penalty, -1.0f);
  EXPECT_EQ(got.sampling.repetition_penalty, 1.5f);
  EXPECT_EQ(got.sampling.seed, ~uint64_t{0});
  EXPECT_EQ(got.sampling.logit_bias.at(0), (std::pair<TokenId, float>(5, -100.0f)));
  EXPECT_EQ(got.sampling.num_top_logprobs, 3);
  EXPECT_EQ(got.sampling.num_top_prompt_logprobs, 3);
  EXPECT_THAT(got.stop_token_ids, ElementsAre(7));
  // The prompt is in front of the text and its tokens are listed, the first without a number.
  EXPECT_EQ(answer.text(), "Hihello");
  ASSERT_EQ(answer.logprobs_size(), 7);
  EXPECT_FALSE(answer.logprobs(0).has_logprob());
  EXPECT_EQ(answer.logprobs(2).token(), "h");
  EXPECT_EQ(answer.logprobs(2).logprob(), -0.5f);
  EXPECT_EQ(answer.logprobs(2).text_offset(), 2);
  EXPECT_EQ(answer.logprobs(2).top_size(), 3);
}

TEST(GenerationCallTest, AChatIsWrittenOutByTheTemplate) {
  GrpcTestServer server;
  // clang-format off
  const auto request = GenerateMessage(
      R"(chat { messages { role: "system" content: "a" } messages { role: "user" content: "b" } })");
  // clang-format on
  ASSERT_TRUE(server.Generate(request).status.ok());
  const auto prompt = server.engine.request(server.engine.WaitForRequests(1)[0]).prompt;
  EXPECT_EQ(std::string(prompt.begin(), prompt.end()), "system:a\nuser:b\n");
}

TEST(GenerationCallTest, AStopTextCancelsTheRestOfTheWorkAndIsNamed) {
  GrpcTestServer server;
  server.engine.Hold();
  const auto request = GenerateMessage("text: \"Hi\" max_tokens: 100 stop: \"END\"");
  v1::GenerateResponse answer;
  std::thread client([&] { EXPECT_TRUE(server.Generate(request, &answer).status.ok()); });
  const RequestId id = server.engine.WaitForRequests(1)[0];
  server.engine.Emit(id, "good END bad");
  client.join();
  EXPECT_EQ(answer.text(), "good ");
  EXPECT_EQ(answer.finish_reason(), v1::FINISH_REASON_STOP);
  EXPECT_EQ(answer.stop_reason().stop(), "END");
  EXPECT_TRUE(server.engine.WaitForCancel(id));
}

TEST(GenerationCallTest, AClientThatPingsDuringALongSilenceIsNotCutOff) {
  GrpcTestServer server;
  server.engine.Hold();
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 1200);
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  const auto stub = v1::Generation::NewStub(
      grpc::CreateCustomChannel(absl::StrCat("127.0.0.1:", server.grpc->port()),
                                grpc::InsecureChannelCredentials(), arguments));
  v1::GenerateResponse answer;
  std::thread client([&] {
    const auto rpc = server.MakeContext();
    const grpc::Status status = stub->Generate(rpc.get(), GenerateMessage("text: \"Hi\""), &answer);
    EXPECT_TRUE(status.ok()) << status.error_message();
  });
  const RequestId id = server.engine.WaitForRequests(1)[0];
  absl::SleepFor(absl::Seconds(7));  // gRPC's own limit is two pings in five minutes
  server.engine.Emit(id, "a");
  server.engine.Finish(id, FinishReason::kStop);
  client.join();
}

TEST(GenerationCallTest, ADeadlineIsTheRequestsDeadlineAndCancelsItsWork) {
  GrpcTestServer server;
  server.engine.Hold();
  grpc::ClientContext rpc;
  const auto deadline = std::chrono::system_clock::now() + std::chrono::milliseconds(300);
  rpc.set_deadline(deadline);
  v1::GenerateResponse answer;
  const grpc::Status status = server.stub->Generate(&rpc, GenerateMessage("text: \"Hi\""), &answer);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
  const RequestId id = server.engine.WaitForRequests(1)[0];
  EXPECT_TRUE(server.engine.WaitForCancel(id));
  // On its way it is counted from now in milliseconds.
  EXPECT_NEAR(
      absl::ToDoubleSeconds(server.engine.request(id).deadline - absl::FromChrono(deadline)), 0.0,
      0.25);
  // The client's clock may be the first to run out, and its hanging up then overtakes ours.
  EXPECT_THAT(server.WaitForRecords(1),
              ElementsAre(AnyOf("Generate DEADLINE_EXCEEDED", "Generate CANCELLED")));
}

TEST(GenerationCallTest, TheNearerOfBothDeadlinesHolds) {
  ServerConfig config;
  config.api.request_timeout = absl::Seconds(5);
  GrpcTestServer server(config);
  const absl::Time before = absl::Now();
  ASSERT_TRUE(server.Generate(GenerateMessage("text: \"Hi\"")).status.ok());
  const auto request = server.engine.request(server.engine.WaitForRequests(1)[0]);
  EXPECT_GE(request.deadline, before + absl::Seconds(5));
  EXPECT_LE(request.deadline, absl::Now() + absl::Seconds(5));
}

TEST(GenerationCallTest, AClientThatGoesAwayCancelsItsWork) {
  GrpcTestServer server;
  server.engine.Hold();
  const auto rpc = server.MakeContext();
  const auto reader = server.stub->GenerateStream(rpc.get(), GenerateMessage("text: \"Hi\""));
  const RequestId id = server.engine.WaitForRequests(1)[0];
  server.engine.Emit(id, "a");
  v1::GenerateStreamResponse message;
  ASSERT_TRUE(reader->Read(&message));
  rpc->TryCancel();
  EXPECT_TRUE(server.engine.WaitForCancel(id));
  EXPECT_EQ(reader->Finish().error_code(), grpc::StatusCode::CANCELLED);
  EXPECT_THAT(server.WaitForRecords(1), ElementsAre("GenerateStream CANCELLED"));
}

TEST(GenerationCallTest, EndsThatAreFaultsHaveTheirStatuses) {
  const struct {
    FinishReason reason;
    grpc::StatusCode code;
  } kCases[] = {{FinishReason::kError, grpc::StatusCode::INTERNAL},
                {FinishReason::kDeadline, grpc::StatusCode::DEADLINE_EXCEEDED},
                {FinishReason::kCanceled, grpc::StatusCode::UNAVAILABLE}};
  GrpcTestServer server;
  server.engine.Hold();
  size_t count = 0;
  for (const auto& test_case : kCases) {
    RpcResult result;
    std::thread client([&] { result = server.ReadStream(GenerateMessage("text: \"Hi\"")); });
    server.engine.Finish(server.engine.WaitForRequests(++count).back(), test_case.reason);
    client.join();
    EXPECT_EQ(result.status.error_code(), test_case.code);
  }
}

TEST(GenerationCallTest, AFullQueueIsResourceExhaustedWithAPushback) {
  GrpcTestServer server;
  server.engine.RefuseWith(absl::ResourceExhaustedError("queue is full: 64 requests wait"));
  const RpcResult result = server.ReadStream(GenerateMessage("text: \"Hi\""));
  EXPECT_EQ(result.status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(result.status.error_message(), "queue is full: 64 requests wait");
  EXPECT_EQ(result.trailers.at("grpc-retry-pushback-ms"), "1000");
  EXPECT_EQ(result.trailers.at("x-oriel-error-code"), "queue_full");
}

TEST(GenerationCallTest, MoreCallsThanMayRunAreRefusedUntilOneEnds) {
  ServerConfig config;
  config.grpc.calls_max = 2;
  GrpcTestServer server(config);
  server.engine.Hold();
  const auto first_rpc = server.MakeContext(), second_rpc = server.MakeContext();
  const auto first = server.stub->GenerateStream(first_rpc.get(), GenerateMessage("text: \"a\""));
  server.engine.WaitForRequests(1);
  const auto second = server.stub->GenerateStream(second_rpc.get(), GenerateMessage("text: \"b\""));
  const auto ids = server.engine.WaitForRequests(2);
  const RpcResult refused = server.Generate(GenerateMessage("text: \"Hi\""));
  EXPECT_EQ(refused.status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_THAT(refused.status.error_message(), ::testing::HasSubstr("2 calls already run"));
  server.engine.Finish(ids[0], FinishReason::kStop);
  v1::GenerateStreamResponse message;
  while (first->Read(&message)) continue;
  EXPECT_TRUE(first->Finish().ok());
  server.engine.AnswerWith("x");
  // The place is free once gRPC has told the server that the call is over.
  grpc::StatusCode code = grpc::StatusCode::RESOURCE_EXHAUSTED;
  for (int i = 0; i < 1000 && code == grpc::StatusCode::RESOURCE_EXHAUSTED; ++i) {
    code = server.Generate(GenerateMessage("text: \"Hi\"")).status.error_code();
  }
  EXPECT_EQ(code, grpc::StatusCode::OK);
  second_rpc->TryCancel();
  EXPECT_EQ(second->Finish().error_code(), grpc::StatusCode::CANCELLED);
}

TEST(GenerationCallTest, ASlowReaderGetsSeveralTokensAMessageAndMissesNone) {
  GrpcTestServer server;
  server.engine.Hold();
  const auto rpc = server.MakeContext();
  const auto reader = server.stub->GenerateStream(
      rpc.get(), GenerateMessage("text: \"Hi\" max_tokens: 200 logprobs: 20"));
  const RequestId id = server.engine.WaitForRequests(1)[0];
  std::string expected;
  for (int i = 0; i < 200; ++i) expected.push_back(static_cast<char>('a' + i % 26));
  server.engine.Emit(id, expected);
  server.engine.Finish(id, FinishReason::kLength);
  std::string text;
  int64_t num_messages = 0, num_logprobs = 0;
  v1::GenerateStreamResponse message;
  while (reader->Read(&message)) {
    text += message.text();
    EXPECT_LE(message.token_ids_size(), 64);
    num_logprobs += message.logprobs_size();
    ++num_messages;
  }
  EXPECT_TRUE(reader->Finish().ok());
  EXPECT_EQ(text, expected);
  EXPECT_EQ(num_logprobs, 200);
  EXPECT_LT(num_messages, 200);
}

TEST(GenerationCallTest, AClientThatNeverReadsIsGoneAfterTheWriteTimeout) {
  ServerConfig config;
  config.http.write_timeout = absl::Milliseconds(200);
  GrpcTestServer server(config);
  server.engine.Hold();
  const auto rpc = server.MakeContext();
  const auto reader = server.stub->GenerateStream(rpc.get(), GenerateMessage("text: \"Hi\""));
  const RequestId id = server.engine.WaitForRequests(1)[0];
  // Ten times what the client grants before it reads.
  server.engine.Emit(id, std::string(300'000, 'x'));
  EXPECT_TRUE(server.engine.WaitForCancel(id));
  EXPECT_THAT(server.WaitForRecords(1), ElementsAre("GenerateStream CANCELLED"));
}

}  // namespace
}  // namespace oriel
