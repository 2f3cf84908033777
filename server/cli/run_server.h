#ifndef ORIEL_SERVER_CLI_RUN_SERVER_H_
#define ORIEL_SERVER_CLI_RUN_SERVER_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/config/server_config.h"
#include "server/model_bundle.h"

namespace oriel {

// Gives the model to serve, loaded and not started; may take minutes.
using ModelLoader = std::function<absl::StatusOr<std::unique_ptr<ServedModel>>()>;

// Serves a model until SIGTERM or SIGINT.
//
//   Loading   the HTTP port is open first: /livez answers, everything else says 503 until the model
//             is there. The gRPC port opens with it. A signal ends the process at once.
//   Serving   the first signal drains: not ready at once, no new work, running answers finish
//             within the drain timeout. The second one ends the process as it is.
//
// Errors: the address is not to be had, or what the loader returns.
absl::Status RunServer(const ServerConfig& config, const std::string& model_name,
                       const ModelLoader& load);

}  // namespace oriel

#endif  // ORIEL_SERVER_CLI_RUN_SERVER_H_
