#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "server/error_mapping.h"
#include "server/http/openai_api.h"
#include "tests/server/support/grpc_test_server.h"

namespace oriel {
namespace {

using ::testing::HasSubstr;

// One bad request in both spellings: both fronts must refuse it in the same words.
struct BadPair {
  const char* name;
  ApiKind kind;
  std::string body;
  std::string message;
  const char* fragment;
  grpc::StatusCode code = grpc::StatusCode::INVALID_ARGUMENT;
};

BadPair Text(const char* name, const std::string& fields, const std::string& message_fields,
             const char* fragment) {
  return {name, ApiKind::kCompletion, absl::StrCat("{\"prompt\":\"Hi\",", fields, "}"),
          absl::StrCat("text: \"Hi\" ", message_fields), fragment};
}

BadPair Sampling(const char* name, const std::string& field, const std::string& value,
                 const char* fragment) {
  return Text(name, absl::StrCat("\"", field, "\":", value),
              absl::StrCat("sampling { ", field, ": ", value, " }"), fragment);
}

BadPair Chat(const char* name, const std::string& fields, const std::string& message_fields,
             const char* fragment) {
  return {name, ApiKind::kChat,
          absl::StrCat(R"({"messages":[{"role":"user","content":"Hi"}],)", fields, "}"),
          absl::StrCat("chat { messages { role: \"user\" content: \"Hi\" } } ", message_fields),
          fragment};
}

std::vector<BadPair> BadPrompts() {
  const ApiKind kind = ApiKind::kCompletion;
  const std::string long_text(300, 'x');
  return {
      {"no prompt", kind, R"({"max_tokens":1})", "max_tokens: 1", "prompt is missing"},
      {"empty text", kind, R"({"prompt":""})", R"(text: "")", "0 tokens"},
      {"no ids", kind, R"({"prompt":[]})", "token_ids {}", "empty list"},
      {"negative id", kind, R"({"prompt":[-1]})", "token_ids { ids: -1 }", "is -1"},
      {"unknown id", kind, R"({"prompt":[7,300]})", "token_ids { ids: [7, 300] }", "is 300"},
      {"too long", kind, absl::StrCat("{\"prompt\":\"", long_text, "\"}"),
       absl::StrCat("text: \"", long_text, "\""), "maximum context length is 256"},
      {"unknown model", kind, R"({"prompt":"Hi","model":"gpt-17"})",
       R"(text: "Hi" model: "gpt-17")", "gpt-17", grpc::StatusCode::NOT_FOUND},
      {"no message", ApiKind::kChat, R"({"messages":[]})", "chat {}", "one message at least"},
      {"unknown role", ApiKind::kChat, R"({"messages":[{"role":"king","content":"Hi"}]})",
       R"(chat { messages { role: "king" content: "Hi" } })", "a role"},
      {"no content", ApiKind::kChat, R"({"messages":[{"role":"user"}]})",
       R"(chat { messages { role: "user" } })", "is missing"},
  };
}

std::vector<BadPair> BadFields() {
  std::string stops = "\"stop\":[\"a\"", stop_fields = "stop: \"a\"";
  for (int i = 0; i < 16; ++i) {
    stops += ",\"a\"";
    stop_fields += " stop: \"a\"";
  }
  const std::string long_stop(513, 's');
  return {
      Text("too long with answer", R"("max_tokens":255)", "max_tokens: 255", "257 tokens"),
      Text("max_tokens 0", R"("max_tokens":0)", "max_tokens: 0", "needs echo"),
      Text("negative max_tokens", R"("max_tokens":-1)", "max_tokens: -1", "is -1"),
      Text("min above max", R"("max_tokens":2,"min_tokens":3)", "max_tokens: 2 min_tokens: 3",
           "min_tokens is 3"),
      Text("logprobs 21", R"("logprobs":21)", "logprobs: 21", "0 to 20"),
      Text("logprobs -1", R"("logprobs":-1)", "logprobs: -1", "0 to 20"),
      Text("stop empty", R"("stop":"")", "stop: \"\"", "empty string"),
      Text("stop many", stops + "]", stop_fields, "at most 16"),
      Text("stop long", absl::StrCat("\"stop\":\"", long_stop, "\""),
           absl::StrCat("stop: \"", long_stop, "\""), "at most 512"),
      Text("stop token", R"("stop_token_ids":[999])", "stop_token_ids: 999", "999"),
      Text("bias too strong", R"("logit_bias":{"1":101})",
           "sampling { logit_bias { key: 1 value: 101 } }", "[-100, 100]"),
      Text("bias of unknown", R"("logit_bias":{"9999":1})",
           "sampling { logit_bias { key: 9999 value: 1 } }", "9999"),
      Sampling("temperature", "temperature", "-1", "-1"),
      Sampling("top_p 0", "top_p", "0", "top_p is 0"),
      Sampling("top_p 1.5", "top_p", "1.5", "1.5"),
      Sampling("top_k", "top_k", "-2", "-2"),
      Sampling("min_p", "min_p", "2", "min_p is 2"),
      Sampling("presence", "presence_penalty", "3", "[-2, 2]"),
      Sampling("frequency", "frequency_penalty", "-3", "[-2, 2]"),
      Sampling("repetition", "repetition_penalty", "0", "(0, 100]"),
      Chat("chat max_tokens 0", R"("max_tokens":0)", "max_tokens: 0", "1 at least"),
      Chat("chat echo", R"("echo":true)", "echo: true", "completions only"),
      Chat("chat too long", R"("max_tokens":256)", "max_tokens: 256", "maximum context length"),
  };
}

class BadMessageTest : public ::testing::Test {
 protected:
  void ExpectRefusedAlike(const BadPair& bad) {
    const auto plan = PlanBody(server_.context, bad.kind, bad.body, absl::Now());
    ASSERT_FALSE(plan.ok()) << bad.name;
    const ApiError http = MapError(plan.status());
    const v1::GenerateRequest message = GenerateMessage(bad.message);
    for (const RpcResult& rpc : {server_.Generate(message), server_.ReadStream(message)}) {
      EXPECT_EQ(rpc.status.error_code(), bad.code) << bad.name;
      EXPECT_EQ(rpc.status.error_message(), http.message) << bad.name;
      EXPECT_THAT(http.message, HasSubstr(bad.fragment)) << bad.name;
      const auto trailer = [&](const char* key) {
        const auto found = rpc.trailers.find(key);
        return found == rpc.trailers.end() ? "" : found->second;
      };
      EXPECT_EQ(trailer("x-oriel-error-type"), http.type) << bad.name;
      EXPECT_EQ(trailer("x-oriel-error-param"), http.param.value_or("")) << bad.name;
      EXPECT_EQ(trailer("x-oriel-error-code"), http.code.value_or("")) << bad.name;
    }
    EXPECT_EQ(server_.engine.num_requests(), num_good_);
    EXPECT_TRUE(server_.Generate(GenerateMessage("text: \"Hi\"")).status.ok()) << bad.name;
    ++num_good_;
  }

  GrpcTestServer server_;
  size_t num_good_ = 0;
};

TEST_F(BadMessageTest, EveryBadPromptIsRefusedAsHttpRefusesIt) {
  for (const BadPair& bad : BadPrompts()) ExpectRefusedAlike(bad);
}

TEST_F(BadMessageTest, EveryBadFieldIsRefusedAsHttpRefusesIt) {
  for (const BadPair& bad : BadFields()) ExpectRefusedAlike(bad);
}

TEST_F(BadMessageTest, WhatJsonCannotSayIsRefusedToo) {
  const struct {
    const char* message;
    const char* fragment;
  } kCases[] = {
      {"text: \"Hi\" sampling { temperature: nan }", "temperature"},
      {"text: \"Hi\" sampling { top_p: nan }", "top_p"},
      {"text: \"Hi\" sampling { repetition_penalty: inf }", "repetition_penalty"},
      {"text: \"Hi\" sampling { logit_bias { key: 1 value: nan } }", "logit_bias"},
      {"text: \"Hi\" request_id: \"two words\"", "request_id"},
  };
  for (const auto& bad : kCases) {
    const RpcResult result = server_.Generate(GenerateMessage(bad.message));
    EXPECT_EQ(result.status.error_code(), grpc::StatusCode::INVALID_ARGUMENT) << bad.message;
    EXPECT_THAT(result.status.error_message(), HasSubstr(bad.fragment));
  }
  EXPECT_EQ(server_.engine.num_requests(), 0u);
}

}  // namespace
}  // namespace oriel
