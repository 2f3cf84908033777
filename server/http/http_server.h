#ifndef ORIEL_SERVER_HTTP_HTTP_SERVER_H_
#define ORIEL_SERVER_HTTP_HTTP_SERVER_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/config/server_config.h"
#include "server/http/router.h"
#include "server/request_memory.h"

namespace oriel {

// One answered request, for logs and metrics.
struct HttpRecord {
  std::string method;
  std::string route;  // as the router knows it: a bounded set
  std::string request_id;
  int32_t status = 0;  // 499: the client was gone before the answer was complete
  absl::Duration duration;
};

struct HttpServerOptions {
  std::string host = "127.0.0.1";
  int32_t port = 0;  // 0: any free one
  int32_t threads = 1;
  HttpLimits limits;
  // What bodies take their bytes from; not null.
  std::shared_ptr<RequestMemory> request_memory =
      std::make_shared<RequestMemory>(HttpLimits().request_memory_bytes);
  std::function<void(const HttpRecord&)> on_answer;  // from any thread; may be empty
};

// HTTP/1.1 over TCP: keep-alive, pipelining (one answer at a time), chunked streams.
//
// Lifecycle   Listen → Start → Drain → destructor, which closes what is still open and joins.
// Threads     its own; the other calls come from one thread.
// Limits      HttpLimits. Errors of a client never reach the caller.
class HttpServer {
 public:
  // `router` takes the requests until SetRoutes, and outlives the server. Unavailable or
  // InvalidArgument says why the address is not to be had.
  static absl::StatusOr<std::unique_ptr<HttpServer>> Listen(HttpServerOptions options,
                                                            const Router& router);
  virtual ~HttpServer() = default;

  // The port that it listens on.
  virtual uint16_t port() const = 0;

  virtual void Start() = 0;

  // From now on requests go to `router`, which outlives the server; those under way stay where they
  // are.
  virtual void SetRoutes(const Router& router) = 0;

  // Ends each connection after its current answer, and waits until no answer is under way or
  // `deadline` has passed. Requests are still answered meanwhile. Returns whether all are answered.
  virtual bool Drain(absl::Time deadline) = 0;

  // All that are open, those of refused clients too.
  virtual int32_t num_connections() const = 0;
};

}  // namespace oriel

#endif  // ORIEL_SERVER_HTTP_HTTP_SERVER_H_
