#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_split.h"
#include "server/json.h"
#include "tests/server/support/raw_client.h"
#include "tests/server/support/test_server.h"

namespace oriel {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

RawResponse Complete(TestServer& server, std::string_view body) {
  RawClient client(server.port());
  EXPECT_TRUE(client.Post("/v1/completions", body));
  return client.Read();
}

// The JSON of each event but the last, which must be [DONE].
std::vector<Json> Events(const std::string& body) {
  std::vector<Json> events;
  std::vector<std::string> parts = absl::StrSplit(body, "\n\n", absl::SkipEmpty());
  EXPECT_FALSE(parts.empty());
  if (parts.empty()) return events;
  EXPECT_EQ(parts.back(), "data: [DONE]");
  parts.pop_back();
  for (const std::string& part : parts) {
    if (part.starts_with(":")) continue;
    EXPECT_TRUE(part.starts_with("data: ")) << part;
    events.push_back(Json::parse(part.substr(6)));
  }
  return events;
}

TEST(GenerationTest, AWholeAnswer) {
  TestServer server;
  server.engine.AnswerWith("hello");
  const RawResponse response = Complete(server, R"({"prompt":"Hi","max_tokens":3,"zebra":1})");
  EXPECT_EQ(response.status, 200);
  EXPECT_THAT(response.headers, HasSubstr("x-oriel-ignored-fields: 1: zebra\r\n"));
  const Json answer = Json::parse(response.body);
  EXPECT_EQ(answer["choices"][0]["text"], "hel");
  EXPECT_EQ(answer["choices"][0]["finish_reason"], "length");
  EXPECT_EQ(answer["usage"]["prompt_tokens"], 2);
  EXPECT_EQ(answer["usage"]["completion_tokens"], 3);
  EXPECT_EQ(answer["model"], kTestModelName);
}

TEST(GenerationTest, ChoicesComeInOrderOfPromptsAndHaveSeedsOfTheirOwn) {
  TestServer server;
  const RawResponse response =
      Complete(server, R"({"prompt":["a","b"],"n":2,"max_tokens":2,"seed":10,"echo":true})");
  const Json choices = Json::parse(response.body)["choices"];
  ASSERT_EQ(choices.size(), 4u);
  EXPECT_EQ(choices[1]["text"], "ahe");
  EXPECT_EQ(choices[2]["text"], "bhe");
  EXPECT_EQ(choices[3]["index"], 3);
  const auto ids = server.engine.WaitForRequests(4);
  EXPECT_EQ(server.engine.request(ids[0]).sampling.seed, 10u);
  EXPECT_EQ(server.engine.request(ids[1]).sampling.seed, 11u);
}

TEST(GenerationTest, AStreamSpellsTheAnswerAndEndsWithUsage) {
  TestServer server;
  server.engine.AnswerWith("hello");
  const RawResponse response =
      Complete(server, R"({"prompt":"Hi","stream":true,"stream_options":{"include_usage":true}})");
  EXPECT_TRUE(response.complete);
  EXPECT_THAT(response.headers, HasSubstr("content-type: text/event-stream"));
  const std::vector<Json> events = Events(response.body);
  std::string text;
  for (const Json& event : events) {
    if (!event["choices"].empty()) text += event["choices"][0]["text"].get<std::string>();
  }
  EXPECT_EQ(text, "hello");
  ASSERT_GE(events.size(), 2u);
  EXPECT_EQ(events[events.size() - 2]["choices"][0]["finish_reason"], "stop");
  EXPECT_EQ(events.back()["usage"]["completion_tokens"], 5);
}

TEST(GenerationTest, ContinuousUsageIsInEveryEvent) {
  TestServer server;
  const RawResponse response = Complete(
      server, R"({"prompt":"Hi","stream":true,"stream_options":{"continuous_usage_stats":true}})");
  const std::vector<Json> events = Events(response.body);
  for (size_t i = 0; i + 1 < events.size(); ++i) {
    EXPECT_EQ(events[i]["usage"]["completion_tokens"], i + 1);
  }
}

TEST(GenerationTest, AChatStreamOpensEachChoiceWithItsRole) {
  TestServer server;
  RawClient client(server.port());
  client.Post("/v1/chat/completions",
              R"({"messages":[{"role":"user","content":"Hi"}],"n":2,"stream":true})");
  const std::vector<Json> events = Events(client.Read().body);
  ASSERT_GE(events.size(), 4u);
  for (int i : {0, 1}) {
    const Json& choice = events[static_cast<size_t>(i)]["choices"][0];
    EXPECT_EQ(choice["index"], i);
    EXPECT_EQ(choice["delta"]["role"], "assistant");
  }
}

TEST(GenerationTest, EchoWithLogprobsPutsThePromptInFrontWithNullFirst) {
  TestServer server;
  server.engine.AnswerWith("xy");
  const RawResponse response =
      Complete(server, R"({"prompt":"Hi","echo":true,"logprobs":2,"max_tokens":2})");
  const Json choice = Json::parse(response.body)["choices"][0];
  EXPECT_EQ(choice["text"], "Hixy");
  EXPECT_EQ(choice["logprobs"]["tokens"], Json::array({"H", "i", "x", "y"}));
  EXPECT_EQ(choice["logprobs"]["token_logprobs"], Json::array({nullptr, -0.5, -0.5, -0.5}));
  EXPECT_EQ(choice["logprobs"]["text_offset"], Json::array({0, 1, 2, 3}));
  EXPECT_EQ(choice["logprobs"]["top_logprobs"][1].size(), 2u);
}

TEST(GenerationTest, ABeginTokenThatTheEchoDoesNotShowMovesNoOffset) {
  TestServer server;
  server.text.adds_begin_token = true;
  server.engine.AnswerWith("xy");
  const RawResponse response =
      Complete(server, R"({"prompt":"Hi","echo":true,"logprobs":1,"max_tokens":2})");
  const Json choice = Json::parse(response.body)["choices"][0];
  EXPECT_EQ(choice["text"], "Hixy");
  EXPECT_EQ(choice["logprobs"]["tokens"], Json::array({"<begin>", "H", "i", "x", "y"}));
  EXPECT_EQ(choice["logprobs"]["text_offset"], Json::array({0, 0, 1, 2, 3}));
}

TEST(GenerationTest, AnEchoWithoutAnswerHasThePromptOnly) {
  TestServer server;
  const RawResponse response =
      Complete(server, R"({"prompt":"Hi","echo":true,"max_tokens":0,"logprobs":1})");
  const Json choice = Json::parse(response.body)["choices"][0];
  EXPECT_EQ(choice["text"], "Hi");
  EXPECT_EQ(choice["finish_reason"], "length");
  EXPECT_EQ(choice["logprobs"]["tokens"].size(), 2u);
}

TEST(GenerationTest, AStopStringCancelsTheRestOfTheWork) {
  TestServer server;
  server.engine.Hold();
  RawClient client(server.port());
  client.Post("/v1/completions", R"({"prompt":"Hi","max_tokens":100,"stop":["END"]})");
  const RequestId id = server.engine.WaitForRequests(1)[0];
  server.engine.Emit(id, "good END bad");
  EXPECT_TRUE(server.engine.WaitForCancel(id));
  const Json choice = Json::parse(client.Read().body)["choices"][0];
  EXPECT_EQ(choice["text"], "good ");
  EXPECT_EQ(choice["finish_reason"], "stop");
  EXPECT_EQ(choice["stop_reason"], "END");
}

TEST(GenerationTest, AFullQueueIs429WithRetryAfter) {
  TestServer server;
  server.engine.RefuseWith(absl::ResourceExhaustedError("queue is full: 64 requests wait"));
  const RawResponse response = Complete(server, R"({"prompt":"Hi","stream":true})");
  EXPECT_EQ(response.status, 429);
  EXPECT_THAT(response.headers, HasSubstr("retry-after: 1\r\n"));
  EXPECT_THAT(response.headers, Not(HasSubstr("x-should-retry")));
  EXPECT_EQ(Json::parse(response.body)["error"]["code"], "queue_full");
}

TEST(GenerationTest, ARequestThatIsRefusedByHalfIsNoAnswerThatEnded) {
  TestServer server;
  server.engine.Hold();
  server.engine.RefuseWith(absl::ResourceExhaustedError("queue is full"), 2);
  EXPECT_EQ(Complete(server, R"({"prompt":"Hi","n":4})").status, 429);
  for (RequestId id : server.engine.WaitForRequests(2)) {
    EXPECT_TRUE(server.engine.WaitForCancel(id));
  }
  RawClient client(server.port());
  client.Get("/metrics");
  EXPECT_THAT(client.Read().body, HasSubstr("oriel_requests_finished_total{reason=\"abort\"} 0\n"));
}

TEST(GenerationTest, AFaultInTheMiddleOfAStreamIsAnEventAndTheStreamIsComplete) {
  TestServer server;
  server.engine.Hold();
  RawClient client(server.port());
  client.Post("/v1/completions", R"({"prompt":"Hi","n":2,"max_tokens":9,"stream":true})");
  const auto ids = server.engine.WaitForRequests(2);
  server.engine.Emit(ids[0], "a");
  client.ReadUntil("\"text\":\"a\"");
  server.engine.Finish(ids[0], FinishReason::kError, absl::InternalError("a step failed"));
  const RawResponse response = client.Read();
  EXPECT_TRUE(response.complete);
  EXPECT_EQ(Events(response.body).back()["error"]["message"], "a step failed");
  EXPECT_TRUE(server.engine.WaitForCancel(ids[1]));
}

TEST(GenerationTest, EndsThatAreFaultsHaveTheirStatuses) {
  const struct {
    FinishReason reason;
    int status;
    const char* code;
  } kCases[] = {{FinishReason::kError, 500, "internal_error"},
                {FinishReason::kDeadline, 504, "request_timeout"},
                {FinishReason::kCanceled, 503, "shutting_down"}};
  for (const auto& test_case : kCases) {
    TestServer server;
    server.engine.Hold();
    RawClient client(server.port());
    client.Post("/v1/completions", R"({"prompt":"Hi"})");
    server.engine.Finish(server.engine.WaitForRequests(1)[0], test_case.reason);
    const RawResponse response = client.Read();
    EXPECT_EQ(response.status, test_case.status);
    EXPECT_EQ(Json::parse(response.body)["error"]["code"], test_case.code);
    // Draining alone is worth another try.
    const bool permanent = test_case.status != 503;
    EXPECT_EQ(response.headers.find("x-should-retry: false\r\n") != std::string::npos, permanent);
  }
}

TEST(GenerationTest, ASilentStreamIsKeptAliveByComments) {
  ServerConfig config;
  config.http.ping_interval = absl::Milliseconds(20);
  TestServer server(config);
  server.engine.Hold();
  RawClient client(server.port());
  client.Post("/v1/completions", R"({"prompt":"Hi","stream":true})");
  const RequestId id = server.engine.WaitForRequests(1)[0];
  client.ReadUntil(": ping\n\n");
  server.engine.Emit(id, "x");
  server.engine.Finish(id, FinishReason::kStop);
  const RawResponse response = client.Read();
  EXPECT_THAT(response.body, HasSubstr(": ping\n\n"));
  EXPECT_EQ(Events(response.body)[0]["choices"][0]["text"], "x");
}

TEST(GenerationTest, WhileDrainingNewWorkIsRefusedAndReadinessIsGoneButNotLiveness) {
  TestServer server;
  server.context.draining = true;
  const RawResponse refused = Complete(server, R"({"prompt":"Hi"})");
  EXPECT_EQ(refused.status, 503);
  EXPECT_THAT(refused.headers, HasSubstr("retry-after: "));
  EXPECT_EQ(server.engine.num_requests(), 0u);
  RawClient client(server.port());
  client.Get("/readyz");
  EXPECT_EQ(client.Read().status, 503);
  client.Get("/livez");
  EXPECT_EQ(client.Read().status, 200);
}

TEST(GenerationTest, AStoppedEngineMakesHealthFail) {
  TestServer server;
  server.engine.SetHealth(absl::InternalError("device lost"));
  RawClient client(server.port());
  client.Get("/health");
  const RawResponse response = client.Read();
  EXPECT_EQ(response.status, 503);
  EXPECT_THAT(response.body, HasSubstr("device lost"));
}

TEST(GenerationTest, TheOtherRoutesAnswer) {
  TestServer server;
  RawClient client(server.port());
  for (const char* path : {"/health", "/livez", "/readyz", "/version", "/metrics", "/v1/models",
                           "/v1/models/fake-model", "/server_info"}) {
    client.Get(path);
    const RawResponse response = client.Read();
    EXPECT_EQ(response.status, 200) << path;
    EXPECT_FALSE(response.body.empty()) << path;
  }
  client.Get("/v1/models/other");
  EXPECT_EQ(client.Read().status, 404);
}

TEST(GenerationTest, AModelsNameMayHaveSlashesAndSpaces) {
  ServerConfig config;
  config.served_model_name = "org/my model";
  TestServer server(config);
  RawClient client(server.port());
  for (const char* path : {"/v1/models/org/my%20model", "/v1/models/org%2Fmy%20model"}) {
    client.Get(path);
    const RawResponse response = client.Read();
    EXPECT_EQ(response.status, 200) << path;
    EXPECT_EQ(Json::parse(response.body)["id"], "org/my model");
  }
  for (const char* path : {"/v1/models/org/my%2model", "/v1/models/%", "/v1/models/org"}) {
    client.Get(path);
    EXPECT_EQ(client.Read().status, 404) << path;
  }
}

}  // namespace
}  // namespace oriel
