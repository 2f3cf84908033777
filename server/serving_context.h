#ifndef ORIEL_SERVER_SERVING_CONTEXT_H_
#define ORIEL_SERVER_SERVING_CONTEXT_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "engine/engine.h"
#include "server/admin/server_metrics.h"
#include "server/config/server_config.h"
#include "server/request_memory.h"
#include "server/text_model.h"
#include "server/worker_pool.h"

namespace oriel {

// What every handler works with; it outlives the HTTP server.
struct ServingContext {
  const ServerConfig& config;
  std::string model_name;
  int64_t created_unix_s = 0;  // when serving began
  int64_t weight_bytes = 0;
  const TextModel& text;
  Engine& engine;
  const std::shared_ptr<RequestMemory> request_memory;  // of HTTP and gRPC; not null
  ServerMetrics metrics = {};
  std::atomic<bool> draining{false};  // no new work; readiness is gone
  std::atomic<RequestId> last_request_id{0};
  // Last, so that it is joined first: jobs use all of the above.
  WorkerPool workers{config.workers.threads, config.workers.queue_max};
};

}  // namespace oriel

#endif  // ORIEL_SERVER_SERVING_CONTEXT_H_
