#ifndef ORIEL_SERVER_ADMIN_SERVER_METRICS_H_
#define ORIEL_SERVER_ADMIN_SERVER_METRICS_H_

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/histogram.h>
#include <prometheus/metric_family.h>
#include <prometheus/registry.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "engine/request/token_stream.h"

namespace oriel {

// What the server counts itself, the same for every interface; what the engine counts and
// measures is in engine_metrics.h.
//
// Threads   all methods, from any.
// Limits    the label values are bounded sets: routes of the router, HTTP statuses, gRPC
//             methods and codes, finish reasons.
class ServerMetrics {
 public:
  ServerMetrics();

  void CountResponse(std::string_view route, int32_t status);
  void CountGrpcResponse(std::string_view method, std::string_view code);
  void CountIgnoredFields(size_t num_fields);

  // A request that the engine took: its prompt, the longest answer that it allows, and how many
  // answers.
  void ObserveSubmitted(int64_t prompt_tokens, int64_t max_tokens, int32_t num_choices);
  void ObserveFinished(FinishReason reason, int64_t generated_tokens, absl::Duration since_arrival);

  std::vector<prometheus::MetricFamily> Collect() const { return registry_.Collect(); }

 private:
  using Buckets = prometheus::Histogram::BucketBoundaries;

  prometheus::Histogram& AddHistogram(const char* name, const char* help, const Buckets& buckets);

  prometheus::Registry registry_;
  prometheus::Family<prometheus::Counter>& responses_;
  prometheus::Family<prometheus::Counter>& grpc_responses_;
  prometheus::Family<prometheus::Counter>& finished_;
  prometheus::Counter& ignored_fields_;
  prometheus::Histogram& whole_;
  prometheus::Histogram& prompt_tokens_;
  prometheus::Histogram& max_tokens_;
  prometheus::Histogram& generated_tokens_;
  prometheus::Histogram& choices_;
};

}  // namespace oriel

#endif  // ORIEL_SERVER_ADMIN_SERVER_METRICS_H_
