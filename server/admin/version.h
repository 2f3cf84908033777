#ifndef ORIEL_SERVER_ADMIN_VERSION_H_
#define ORIEL_SERVER_ADMIN_VERSION_H_

namespace oriel {

// As in the project line of CMakeLists.txt.
inline constexpr char kVersion[] = "0.1.0";

}  // namespace oriel

#endif  // ORIEL_SERVER_ADMIN_VERSION_H_
