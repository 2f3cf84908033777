#ifndef ORIEL_SERVER_CONFIG_SERVER_CONFIG_H_
#define ORIEL_SERVER_CONFIG_SERVER_CONFIG_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/time/time.h"
#include "engine/base/engine_config.h"
#include "kernels/backend_factory.h"

namespace oriel {

// What one connection, and all together, may take of the process.
struct HttpLimits {
  int32_t connections_max = 1024;     // open at once; one more is answered 503 and closed
  int64_t body_bytes_max = 16 << 20;  // of a request; above: 413
  // Of all bodies that arrive or wait to be read, and of the messages of gRPC calls; above: 429. No
  // less than body_bytes_max. What gRPC itself holds of messages that arrive has as much again.
  int64_t request_memory_bytes = 256 << 20;
  int32_t header_bytes_max = 32 << 10;     // of a request's line and headers; above: 431
  int32_t pipelined_bytes_max = 64 << 10;  // read ahead while an answer is being made
  int32_t chunk_bytes_max = 16 << 10;      // events put into one write while a client keeps up
  absl::Duration idle_timeout = absl::Seconds(75);  // between two requests of a connection
  // From a request's first byte to its last; above: 408.
  absl::Duration read_timeout = absl::Seconds(30);
  absl::Duration write_timeout = absl::Seconds(30);  // for each write; then the client is gone
  absl::Duration ping_interval = absl::Seconds(10);  // between comments of a stream that is silent
};

// What one request may ask for, beyond the engine's own limits.
struct ApiLimits {
  int32_t json_depth_max = 64;                            // nested arrays and objects
  int32_t choices_max = 128;                              // n times prompts
  int32_t stop_strings_max = 16;                          // entries of `stop`
  int32_t stop_string_bytes_max = 512;                    // of each entry
  int32_t messages_max = 4096;                            // of a chat
  int32_t tool_arguments_bytes_max = 1 << 20;             // JSON text of earlier tool calls
  absl::Duration request_timeout = absl::ZeroDuration();  // from arrival; zero: none
};

// The jobs that turn text into tokens, off the threads that serve sockets.
struct WorkerLimits {
  int32_t threads = 2;
  int32_t queue_max = 256;  // jobs that wait; above: 429
};

// What all gRPC clients together may take; sizes and times are those of HttpLimits.
struct GrpcLimits {
  int32_t calls_max = 1024;  // generations that run at once; one more is RESOURCE_EXHAUSTED
};

// Everything `oriel serve` can be told. Names, texts and ranges: config_field.h.
struct ServerConfig {
  std::string host = "127.0.0.1";
  int32_t http_port = 8000;  // 0: any free port, which the log names
  int32_t http_threads = 2;
  std::optional<int32_t> grpc_port = 8001;  // 0: any free port, which the log names; none: no gRPC
  int32_t grpc_threads = 2;
  std::string served_model_name;  // empty: the model file's name without its ending
  absl::Duration drain_timeout = absl::Seconds(30);
  std::string log_level = "info";
  BackendKind backend = BackendKind::kCpu;
  InstructionSet cpu_isa = InstructionSet::kAuto;
  bool pin_threads = false;  // of the CPU back end
  bool vllm_metric_names = true;
  EngineConfig engine;
  HttpLimits http;
  GrpcLimits grpc;
  ApiLimits api;
  WorkerLimits workers;
};

// What the back end is made with.
inline BackendOptions BackendOptionsOf(const ServerConfig& config) {
  return {.kind = config.backend,
          .threads = config.engine.threads,
          .instruction_set = config.cpu_isa,
          .pin_threads = config.pin_threads};
}

}  // namespace oriel

#endif  // ORIEL_SERVER_CONFIG_SERVER_CONFIG_H_
