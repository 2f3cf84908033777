#ifndef ORIEL_TESTS_SUPPORT_MODEL_FILES_H_
#define ORIEL_TESTS_SUPPORT_MODEL_FILES_H_

#include <cstdlib>
#include <string>
#include <string_view>

namespace oriel {

// Where a published model file lies: in ORIEL_MODEL_DIR, or in ~/.cache/oriel/models. A test that
// needs it skips itself with this path if the file is not there.
inline std::string ModelPath(std::string_view file_name) {
  const char* folder = std::getenv("ORIEL_MODEL_DIR");
  const char* home = std::getenv("HOME");
  std::string path = folder != nullptr ? folder : home != nullptr ? home : "";
  if (folder == nullptr) path += "/.cache/oriel/models";
  return path + "/" + std::string(file_name);
}

}  // namespace oriel

#endif  // ORIEL_TESTS_SUPPORT_MODEL_FILES_H_
