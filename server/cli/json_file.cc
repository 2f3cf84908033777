#include "server/cli/json_file.h"

#include <fstream>

#include "absl/strings/str_cat.h"

namespace oriel {

absl::Status WriteJsonFile(const std::string& path, const Json& json) {
  std::ofstream file(path, std::ios::trunc);
  file << json.dump(2) << "\n";
  file.close();
  if (file.good()) return absl::OkStatus();
  return absl::PermissionDeniedError(absl::StrCat(path, " cannot be written"));
}

}  // namespace oriel
