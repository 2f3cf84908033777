#ifndef ORIEL_SERVER_HTTP_IGNORED_FIELDS_H_
#define ORIEL_SERVER_HTTP_IGNORED_FIELDS_H_

#include <string>
#include <vector>

#include "server/http/http_message.h"

namespace oriel {

// Names the unknown fields of a request in the debug header of its answer,
// `x-oriel-ignored-fields: 2: colour,size`: how many there were, then the first 16, each cut to 64
// bytes and "?" where it holds what a header may not. No fields, no header.
void AddIgnoredFieldsHeader(const std::vector<std::string>& fields, HttpResponse& response);

}  // namespace oriel

#endif  // ORIEL_SERVER_HTTP_IGNORED_FIELDS_H_
