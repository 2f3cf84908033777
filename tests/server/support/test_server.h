#ifndef ORIEL_TESTS_SERVER_SUPPORT_TEST_SERVER_H_
#define ORIEL_TESTS_SERVER_SUPPORT_TEST_SERVER_H_

#include <functional>
#include <memory>

#include "absl/time/time.h"
#include "server/http/http_server.h"
#include "server/http/router.h"
#include "server/serving_context.h"
#include "tests/server/support/fake_engine.h"
#include "tests/server/support/fake_text_model.h"

namespace oriel {

inline constexpr char kTestModelName[] = "fake-model";

// All that a handler needs, around a fake engine.
struct TestParts {
  explicit TestParts(ServerConfig server_config = {});

  const ServerConfig config;
  FakeEngine engine;
  FakeTextModel text;
  ServingContext context;
};

// A listening server around a fake engine, on a free port of the loopback address.
struct TestServer : TestParts {
  explicit TestServer(ServerConfig server_config = {});

  uint16_t port() const { return http->port(); }

  Router router;
  std::unique_ptr<HttpServer> http;
};

// Whether the condition holds before the patience ends.
bool WaitUntil(const std::function<bool()>& condition, absl::Duration patience = absl::Seconds(10));

}  // namespace oriel

#endif  // ORIEL_TESTS_SERVER_SUPPORT_TEST_SERVER_H_
