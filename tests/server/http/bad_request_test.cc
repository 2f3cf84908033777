#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "server/error_mapping.h"
#include "server/http/openai_api.h"
#include "server/http/tokenize_api.h"
#include "tests/server/support/test_server.h"

namespace oriel {
namespace {

using ::testing::HasSubstr;

// A request that must be refused, and how.
struct BadRequest {
  const char* name;
  std::string body;
  const char* param;     // empty: none
  const char* fragment;  // of the message
  int status = 400;
};

std::string With(std::string_view fields) {
  return absl::StrCat(R"({"prompt":"Hi",)", std::string(fields), "}");
}

std::string ChatWith(std::string_view fields) {
  return absl::StrCat(R"({"messages":[{"role":"user","content":"Hi"}],)", std::string(fields), "}");
}

std::string Messages(std::string_view messages) {
  return absl::StrCat(R"({"messages":)", std::string(messages), "}");
}

constexpr char kArgumentsName[] = "messages[0].tool_calls[0].function.arguments";

std::string MessagesWithArguments(std::string_view arguments) {
  return Messages(
      absl::StrCat(R"([{"role":"assistant","tool_calls":[{"function":{"name":"f","arguments":)",
                   std::string(arguments), "}}]}]"));
}

std::string Repeated(std::string_view text, int count, std::string_view separator) {
  std::string all(text);
  for (int i = 1; i < count; ++i) absl::StrAppend(&all, std::string(separator), std::string(text));
  return all;
}

std::vector<BadRequest> BadCompletions() {
  return {
      {"no body", "", "", "no body"},
      {"not JSON", "{prompt:1}", "", "not valid JSON"},
      {"cut off", R"({"prompt":"Hi")", "", "not valid JSON"},
      {"more than one object", R"({"prompt":"Hi"}{})", "", "not valid JSON"},
      {"an array", "[1]", "", "must be a JSON object"},
      {"not UTF-8", "{\"prompt\":\"\xc3\x28\"}", "", "not valid JSON"},
      {"a lone surrogate", R"({"prompt":"\ud800"})", "", "not valid JSON"},
      {"NaN", With(R"("temperature":NaN)"), "", "not valid JSON"},
      {"infinite number", With(R"("temperature":1e999)"), "", "not valid JSON"},
      {"nested too deep", "{\"prompt\":" + std::string(500, '['), "", "nested more than"},
      {"no prompt", R"({"max_tokens":1})", "prompt", "prompt is missing"},
      {"null prompt", R"({"prompt":null})", "prompt", "prompt is missing"},
      {"number as prompt", R"({"prompt":1})", "prompt", "must be a string"},
      {"object as prompt", R"({"prompt":{}})", "prompt", "must be a string"},
      {"empty text", R"({"prompt":""})", "prompt", "0 tokens"},
      {"empty list", R"({"prompt":[]})", "prompt", "empty list"},
      {"empty inner list", R"({"prompt":[[]]})", "prompt", "prompt[0]"},
      {"mixed list", R"({"prompt":["a",1]})", "prompt", "prompt[1]"},
      {"fractional id", R"({"prompt":[1,1.5]})", "prompt", "entry 1"},
      {"huge id", R"({"prompt":[99999999999]})", "prompt", "entry 0"},
      {"negative id", R"({"prompt":[-1]})", "prompt", "is -1"},
      {"unknown id", R"({"prompt":[300]})", "prompt", "is 300"},
      {"string id", R"({"prompt":[1,"a"]})", "prompt", "entry 1"},
      {"too many prompts", "{\"prompt\":[" + Repeated("\"a\"", 129, ",") + "]}", "prompt",
       "at most 128"},
      {"too long", "{\"prompt\":\"" + std::string(300, 'x') + "\"}", "prompt",
       "maximum context length is 256 tokens"},
      {"too long with answer", With(R"("max_tokens":255)"), "prompt", "257 tokens"},
      {"huge max_tokens", With(R"("max_tokens":2147483647)"), "prompt", "maximum context length"},
      {"max_tokens beyond 32 bits", With(R"("max_tokens":4294967297)"), "max_tokens", "32 bits"},
      {"max_tokens 0", With(R"("max_tokens":0)"), "max_tokens", "needs echo"},
      {"negative max_tokens", With(R"("max_tokens":-1)"), "max_tokens", "is -1"},
      {"text as max_tokens", With(R"("max_tokens":"5")"), "max_tokens", "whole number"},
      {"true as max_tokens", With(R"("max_tokens":true)"), "max_tokens", "whole number"},
      {"min above max", With(R"("max_tokens":2,"min_tokens":3)"), "min_tokens", "min_tokens is 3"},
      {"negative temperature", With(R"("temperature":-1)"), "temperature", "-1"},
      {"text as temperature", With(R"("temperature":"hot")"), "temperature", "a number"},
      {"temperature beyond float", With(R"("temperature":1e200)"), "temperature", "float"},
      {"top_p 0", With(R"("top_p":0)"), "top_p", "top_p is 0"},
      {"top_p 1.5", With(R"("top_p":1.5)"), "top_p", "1.5"},
      {"top_k -2", With(R"("top_k":-2)"), "top_k", "-2"},
      {"min_p 2", With(R"("min_p":2)"), "min_p", "min_p is 2"},
      {"presence 3", With(R"("presence_penalty":3)"), "presence_penalty", "[-2, 2]"},
      {"frequency -3", With(R"("frequency_penalty":-3)"), "frequency_penalty", "[-2, 2]"},
      {"repetition 0", With(R"("repetition_penalty":0)"), "repetition_penalty", "(0, 100]"},
      {"n 0", With(R"("n":0)"), "n", "1 to 128"},
      {"n huge", With(R"("n":1000000)"), "n", "1 to 128"},
      {"n times prompts", R"({"prompt":["a","b"],"n":100})", "n", "2 prompts"},
      {"more answers than may wait", With(R"("n":100)"), "n", "at most 64 may wait"},
      {"best_of", With(R"("best_of":2)"), "best_of", "only the value of n"},
      {"logprobs true", With(R"("logprobs":true)"), "logprobs", "whole number"},
      {"logprobs 21", With(R"("logprobs":21)"), "logprobs", "0 to 20"},
      {"logprobs -1", With(R"("logprobs":-1)"), "logprobs", "0 to 20"},
      {"stop empty", With(R"("stop":"")"), "stop", "empty string"},
      {"stop number", With(R"("stop":[1])"), "stop", "list of strings"},
      {"stop many", With("\"stop\":[" + Repeated("\"a\"", 17, ",") + "]"), "stop", "at most 16"},
      {"stop long", With("\"stop\":\"" + std::string(513, 's') + "\""), "stop", "at most 512"},
      {"stop_token_ids text", With(R"("stop_token_ids":"1")"), "stop_token_ids", "list"},
      {"stop_token_ids unknown", With(R"("stop_token_ids":[999])"), "stop_token_ids", "999"},
      {"logit_bias list", With(R"("logit_bias":[1])"), "logit_bias", "an object"},
      {"logit_bias of a word", With(R"("logit_bias":{"a":1})"), "logit_bias", "\"a\""},
      {"logit_bias too strong", With(R"("logit_bias":{"1":101})"), "logit_bias", "[-100, 100]"},
      {"logit_bias of unknown", With(R"("logit_bias":{"9999":1})"), "logit_bias", "9999"},
      {"seed text", With(R"("seed":"x")"), "seed", "64 bits"},
      {"seed fraction", With(R"("seed":1.5)"), "seed", "64 bits"},
      {"stream text", With(R"("stream":"yes")"), "stream", "true or false"},
      {"stream_options alone", With(R"("stream_options":{})"), "stream_options", "needs stream"},
      {"stream_options list", With(R"("stream":true,"stream_options":[])"), "stream_options",
       "an object"},
      {"include_usage text", With(R"("stream":true,"stream_options":{"include_usage":1})"),
       "stream_options.include_usage", "true or false"},
      {"echo number", With(R"("echo":1)"), "echo", "true or false"},
      {"priority text", With(R"("priority":"high")"), "priority", "whole number"},
      {"suffix", With(R"("suffix":"end")"), "suffix", "not supported"},
      {"beam search", With(R"("use_beam_search":true)"), "use_beam_search", "not supported"},
      {"guided", With(R"("guided_json":{})"), "guided_json", "not supported"},
      {"model number", With(R"("model":1)"), "model", "a string"},
      {"unknown model", With(R"("model":"gpt-17")"), "model", "gpt-17", 404},
  };
}

std::vector<BadRequest> BadChats() {
  return {
      {"no messages", "{}", "messages", "messages is missing"},
      {"no message", Messages("[]"), "messages", "one message at least"},
      {"text as messages", Messages("\"Hi\""), "messages", "a list"},
      {"text as message", Messages("[\"Hi\"]"), "messages[0]", "an object"},
      {"no role", Messages(R"([{"content":"Hi"}])"), "messages[0]", "a role"},
      {"unknown role", Messages(R"([{"role":"king","content":"Hi"}])"), "messages[0]", "a role"},
      {"no content", Messages(R"([{"role":"user"}])"), "messages[0].content", "is missing"},
      {"number as content", Messages(R"([{"role":"user","content":1}])"), "messages[0].content",
       "a string"},
      {"an image", Messages(R"([{"role":"user","content":[{"type":"image_url","image_url":{}}]}])"),
       "messages[0].content", "image_url"},
      {"a part without text", Messages(R"([{"role":"user","content":[{"type":"text"}]}])"),
       "messages[0].content", "text"},
      {"a part that is text", Messages(R"([{"role":"user","content":["Hi"]}])"),
       "messages[0].content", "text"},
      {"tool calls of text", Messages(R"([{"role":"assistant","tool_calls":"f"}])"),
       "messages[0].tool_calls", "a list"},
      {"a call of text", Messages(R"([{"role":"assistant","tool_calls":["f"]}])"),
       "messages[0].tool_calls[0].function", "an object"},
      {"a call without function", Messages(R"([{"role":"assistant","tool_calls":[{"id":"1"}]}])"),
       "messages[0].tool_calls[0].function", "an object"},
      {"a function without name",
       Messages(R"([{"role":"assistant","tool_calls":[{"function":{"arguments":"{}"}}]}])"),
       "messages[0].tool_calls[0].function.name", "a string"},
      {"arguments that are no JSON", MessagesWithArguments(R"("{city: Rome}")"), kArgumentsName,
       "is not valid JSON"},
      {"arguments cut off", MessagesWithArguments(R"("{\"city\":")"), kArgumentsName,
       "is not valid JSON"},
      {"arguments that are a list", MessagesWithArguments(R"("[1]")"), kArgumentsName,
       "must be a JSON object, it is array"},
      {"arguments of a number", MessagesWithArguments("5"), kArgumentsName, "it is number"},
      {"arguments nested too deep",
       MessagesWithArguments("\"{\\\"a\\\":" + std::string(500, '[') + "\""), kArgumentsName,
       "nested more than 64"},
      {"arguments too long",
       MessagesWithArguments(absl::StrCat("\"", std::string((1 << 20) + 1, ' '), "\"")),
       kArgumentsName, "beyond 1048576 bytes"},
      {"top_logprobs alone", ChatWith(R"("top_logprobs":2)"), "top_logprobs", "needs logprobs"},
      {"top_logprobs 50", ChatWith(R"("logprobs":true,"top_logprobs":50)"), "top_logprobs",
       "0 to 20"},
      {"logprobs number", ChatWith(R"("logprobs":3)"), "logprobs", "true or false"},
      {"max_tokens 0", ChatWith(R"("max_tokens":0)"), "max_tokens", "1 at least"},
      {"two limits", ChatWith(R"("max_tokens":3,"max_completion_tokens":4)"),
       "max_completion_tokens", "give one"},
      {"echo", ChatWith(R"("echo":true)"), "echo", "completions only"},
      {"JSON mode", ChatWith(R"("response_format":{"type":"json_object"})"), "response_format",
       "not supported"},
      {"no tool", ChatWith(R"("tools":[])"), "tools", "one tool at least"},
      {"tool text", ChatWith(R"("tools":["f"])"), "tools", "objects"},
      {"forced tool", ChatWith(R"("tools":[{}],"tool_choice":"required")"), "tool_choice",
       "not supported"},
      {"tool_choice alone", ChatWith(R"("tool_choice":"auto")"), "tool_choice", "needs tools"},
      {"kwargs list", ChatWith(R"("chat_template_kwargs":[])"), "chat_template_kwargs",
       "an object"},
      {"own template", ChatWith(R"("chat_template":"x")"), "chat_template", "not supported"},
      {"audio", ChatWith(R"("modalities":["text","audio"])"), "modalities", "not supported"},
      {"too long chat", ChatWith("\"user\":\"u\",\"max_tokens\":256"), "messages",
       "maximum context length"},
  };
}

class BadRequestTest : public ::testing::Test {
 protected:
  void ExpectRefused(ApiKind kind, const BadRequest& bad) {
    const auto plan = PlanBody(parts_.context, kind, bad.body, absl::Now());
    ASSERT_FALSE(plan.ok()) << bad.name;
    const ApiError error = MapError(plan.status());
    EXPECT_EQ(error.http_status, bad.status) << bad.name;
    EXPECT_EQ(error.param.value_or(""), bad.param) << bad.name << ": " << error.message;
    EXPECT_THAT(error.message, HasSubstr(bad.fragment)) << bad.name;
    EXPECT_TRUE(PlanBody(parts_.context, kind,
                         kind == ApiKind::kChat ? ChatWith("\"n\":1") : With("\"n\":1"),
                         absl::Now())
                    .ok());
  }

  TestParts parts_;
};

TEST_F(BadRequestTest, EveryBadCompletionIsRefusedWithItsFieldAndReason) {
  for (const BadRequest& bad : BadCompletions()) ExpectRefused(ApiKind::kCompletion, bad);
}

TEST_F(BadRequestTest, EveryBadChatIsRefusedWithItsFieldAndReason) {
  for (const BadRequest& bad : BadChats()) ExpectRefused(ApiKind::kChat, bad);
}

TEST_F(BadRequestTest, CodesForProgramsTellTheKindsOfFaultApart) {
  const auto code = [&](const std::string& body) {
    const auto plan = PlanBody(parts_.context, ApiKind::kCompletion, body, absl::Now());
    return MapError(plan.status()).code.value_or("");
  };
  EXPECT_EQ(code(With(R"("max_tokens":255)")), "context_length_exceeded");
  EXPECT_EQ(code(With(R"("model":"x")")), "model_not_found");
  EXPECT_EQ(code(With(R"("suffix":"x")")), "unsupported_parameter");
  EXPECT_EQ(code(With(R"("best_of":3)")), "unsupported_parameter");
  EXPECT_EQ(code(With(R"("top_p":7)")), "");
}

TEST_F(BadRequestTest, DetokenizeAnswersNoMoreThanARequestMayHold) {
  ServerConfig config;
  config.http.body_bytes_max = 1000;
  TestParts parts(config);
  const auto body = [](int count) {
    std::string list;
    for (int i = 0; i < count; ++i) absl::StrAppend(&list, i == 0 ? "" : ",", kFakeBeginToken);
    return absl::StrCat("{\"tokens\":[", list, "]}");
  };
  EXPECT_TRUE(Detokenize(parts.context, body(142)).ok());  // of 7 bytes each
  const auto answer = Detokenize(parts.context, body(143));
  ASSERT_FALSE(answer.ok());
  EXPECT_THAT(std::string(answer.status().message()), HasSubstr("more than 1000 bytes"));
}

TEST_F(BadRequestTest, TokenizeAndDetokenizeRefuseTheirOwn) {
  const struct {
    bool tokenize;
    const char* body;
    const char* fragment;
  } kCases[] = {
      {true, "{}", "prompt is missing"},
      {true, R"({"prompt":5})", "must be a string"},
      {true, R"({"content":[1]})", "content must be a string"},
      {true, R"({"messages":[]})", "one message at least"},
      {true, R"({"prompt":"a","model":"b"})", "does not exist"},
      {false, "{}", "tokens is missing"},
      {false, R"({"tokens":"abc"})", "a list of whole numbers"},
      {false, R"({"tokens":[300]})", "tokens[0] is 300"},
      {false, R"({"tokens":[-1]})", "tokens[0] is -1"},
      {false, R"({"tokens":[1,"a"]})", "tokens[1]"},
  };
  for (const auto& test_case : kCases) {
    const auto answer = test_case.tokenize ? Tokenize(parts_.context, test_case.body)
                                           : Detokenize(parts_.context, test_case.body);
    ASSERT_FALSE(answer.ok()) << test_case.body;
    EXPECT_THAT(std::string(answer.status().message()), HasSubstr(test_case.fragment));
  }
}

}  // namespace
}  // namespace oriel
