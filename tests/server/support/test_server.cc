#include "tests/server/support/test_server.h"

#include "absl/time/clock.h"
#include "kernels/core/check.h"
#include "server/http/service_routes.h"

namespace oriel {

TestParts::TestParts(ServerConfig server_config)
    : config(std::move(server_config)),
      context{.config = config,
              .model_name =
                  config.served_model_name.empty() ? kTestModelName : config.served_model_name,
              .created_unix_s = 1,
              .weight_bytes = 2,
              .text = text,
              .engine = engine,
              .request_memory = std::make_shared<RequestMemory>(config.http.request_memory_bytes)} {
}

TestServer::TestServer(ServerConfig server_config) : TestParts(std::move(server_config)) {
  AddServiceRoutes(context, router);
  auto listening = HttpServer::Listen({.host = "127.0.0.1",
                                       .port = 0,
                                       .threads = 2,
                                       .limits = config.http,
                                       .request_memory = context.request_memory,
                                       .on_answer = {}},
                                      router);
  ORIEL_CHECK(listening.ok());
  http = *std::move(listening);
  http->Start();
}

bool WaitUntil(const std::function<bool()>& condition, absl::Duration patience) {
  const absl::Time deadline = absl::Now() + patience;
  while (!condition()) {
    if (absl::Now() >= deadline) return false;
    absl::SleepFor(absl::Milliseconds(2));
  }
  return true;
}

}  // namespace oriel
