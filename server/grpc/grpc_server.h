#ifndef ORIEL_SERVER_GRPC_GRPC_SERVER_H_
#define ORIEL_SERVER_GRPC_GRPC_SERVER_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/serving_context.h"

namespace oriel {

// One answered call, for logs and metrics.
struct GrpcRecord {
  std::string method;  // of oriel.v1.Generation: a bounded set
  std::string request_id;
  std::string code;  // "OK", "INVALID_ARGUMENT" …
  absl::Duration duration;
};

struct GrpcServerOptions {
  std::string host = "127.0.0.1";
  int32_t port = 0;  // 0: any free one
  int32_t threads = 1;
  int32_t calls_max = 1024;
  std::function<void(const GrpcRecord&)> on_answer;  // from any thread; may be empty
};

// oriel.v1.Generation, grpc.health.v1.Health and reflection over HTTP/2 without TLS.
//
// Lifecycle   Listen serves at once → BeginDrain → Drain → destructor, which cancels what still
//             runs and joins.
// Threads     its own and gRPC's; the other calls come from one thread.
// Limits      `calls_max` generations at once; sizes and times of HttpLimits: a message has
//             body_bytes_max, a call's metadata header_bytes_max. Errors of a client never reach
//             the caller.
class GrpcServer {
 public:
  // Unavailable, as from Listen, if the address is not to be had now: a server that loads its model
  // for minutes should not say so only then.
  static absl::Status CheckAddress(const std::string& host, int32_t port);

  // `context` outlives the server. Unavailable says that the address is not to be had.
  static absl::StatusOr<std::unique_ptr<GrpcServer>> Listen(GrpcServerOptions options,
                                                            ServingContext& context);
  virtual ~GrpcServer() = default;

  // The port that it listens on.
  virtual uint16_t port() const = 0;

  // Reports NOT_SERVING, to those who watch too. `context.draining` is already set: new generations
  // are refused.
  virtual void BeginDrain() = 0;

  // Waits until no generation runs or `deadline` has passed. Returns whether all are answered.
  virtual bool Drain(absl::Time deadline) = 0;
};

}  // namespace oriel

#endif  // ORIEL_SERVER_GRPC_GRPC_SERVER_H_
