#include "server/stream/sse.h"

#include "kernels/core/check.h"

namespace oriel {

void AppendSseEvent(std::string_view data, std::string& out) {
  ORIEL_CHECK(data.find_first_of("\r\n") == data.npos);
  out += "data: ";
  out += data;
  out += "\n\n";
}

}  // namespace oriel
