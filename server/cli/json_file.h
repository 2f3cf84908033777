#ifndef ORIEL_SERVER_CLI_JSON_FILE_H_
#define ORIEL_SERVER_CLI_JSON_FILE_H_

#include <string>

#include "absl/status/status.h"
#include "server/json.h"

namespace oriel {

// Writes a command's results, indented, in the place of what the file held. PermissionDenied: the
// file cannot be written.
absl::Status WriteJsonFile(const std::string& path, const Json& json);

}  // namespace oriel

#endif  // ORIEL_SERVER_CLI_JSON_FILE_H_
