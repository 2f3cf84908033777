#ifndef ORIEL_SERVER_JSON_H_
#define ORIEL_SERVER_JSON_H_

#include <nlohmann/json.hpp>
#include <string>

namespace oriel {

// JSON whose objects keep the order of their members: chat templates print tools as JSON, and a
// model was trained on one order.
using Json = nlohmann::ordered_json;

// The text of a value, on one line; what is not UTF-8 becomes U+FFFD.
inline std::string DumpJson(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace oriel

#endif  // ORIEL_SERVER_JSON_H_
