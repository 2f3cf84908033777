#include "server/admin/server_metrics.h"

#include <map>

#include "engine/runtime/engine_times.h"

namespace oriel {
namespace {

using Bounds = prometheus::Histogram::BucketBoundaries;

// vLLM's bounds, so that its dashboards and alerts mean the same here.
const Bounds kTokens = {1,    2,    5,    10,    20,    50,    100,    200,    500,
                        1000, 2000, 5000, 10000, 20000, 50000, 100000, 200000, 500000};
const Bounds kChoices = {1, 2, 5, 10, 20, 50, 100};

const char* FinishLabel(FinishReason reason) {
  switch (reason) {
    case FinishReason::kStop:
      return "stop";
    case FinishReason::kLength:
      return "length";
    case FinishReason::kNone:
    case FinishReason::kCanceled:
      return "abort";
    case FinishReason::kDeadline:
      return "timeout";
    case FinishReason::kError:
      return "error";
  }
  return "error";
}

}  // namespace

ServerMetrics::ServerMetrics()
    : responses_(prometheus::BuildCounter()
                     .Name("oriel_http_responses_total")
                     .Help("HTTP answers by route and status; 499: the client had gone")
                     .Register(registry_)),
      grpc_responses_(prometheus::BuildCounter()
                          .Name("oriel_grpc_responses_total")
                          .Help("gRPC answers by method and status code")
                          .Register(registry_)),
      finished_(prometheus::BuildCounter()
                    .Name("oriel_requests_finished_total")
                    .Help("Generations by the reason of their end")
                    .Register(registry_)),
      ignored_fields_(prometheus::BuildCounter()
                          .Name("oriel_ignored_fields_total")
                          .Help("Unknown fields of requests, which were ignored")
                          .Register(registry_)
                          .Add({})),
      whole_(AddHistogram("oriel_request_seconds", "From a request's arrival to its last token",
                          {kRequestSecondsBounds.begin(), kRequestSecondsBounds.end()})),
      prompt_tokens_(AddHistogram("oriel_request_prompt_tokens", "Tokens of a prompt", kTokens)),
      max_tokens_(
          AddHistogram("oriel_request_max_tokens", "Tokens that an answer may have", kTokens)),
      generated_tokens_(
          AddHistogram("oriel_request_generated_tokens", "Tokens of an answer", kTokens)),
      choices_(AddHistogram("oriel_request_choices", "Answers that a request asks for", kChoices)) {
  // A series that exists from the start can be alerted on.
  for (const char* reason : {"stop", "length", "abort", "timeout", "error"}) {
    finished_.Add({{"reason", reason}});
  }
}

prometheus::Histogram& ServerMetrics::AddHistogram(const char* name, const char* help,
                                                   const Buckets& buckets) {
  return prometheus::BuildHistogram().Name(name).Help(help).Register(registry_).Add({}, buckets);
}

void ServerMetrics::CountResponse(std::string_view route, int32_t status) {
  responses_.Add({{"route", std::string(route)}, {"status", std::to_string(status)}}).Increment();
}

void ServerMetrics::CountGrpcResponse(std::string_view method, std::string_view code) {
  grpc_responses_.Add({{"method", std::string(method)}, {"code", std::string(code)}}).Increment();
}

void ServerMetrics::CountIgnoredFields(size_t num_fields) {
  ignored_fields_.Increment(static_cast<double>(num_fields));
}

void ServerMetrics::ObserveSubmitted(int64_t prompt_tokens, int64_t max_tokens,
                                     int32_t num_choices) {
  prompt_tokens_.Observe(static_cast<double>(prompt_tokens));
  max_tokens_.Observe(static_cast<double>(max_tokens));
  choices_.Observe(num_choices);
}

void ServerMetrics::ObserveFinished(FinishReason reason, int64_t generated_tokens,
                                    absl::Duration since_arrival) {
  finished_.Add({{"reason", FinishLabel(reason)}}).Increment();
  generated_tokens_.Observe(static_cast<double>(generated_tokens));
  whole_.Observe(absl::ToDoubleSeconds(since_arrival));
}

}  // namespace oriel
