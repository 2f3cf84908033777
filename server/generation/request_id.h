#ifndef ORIEL_SERVER_GENERATION_REQUEST_ID_H_
#define ORIEL_SERVER_GENERATION_REQUEST_ID_H_

#include <string>
#include <string_view>

namespace oriel {

// 32 random hexadecimal digits: a name for a request in headers and logs, no secret.
std::string MakeRequestId();

// Whether an id of a client's is 1 to 128 printable characters without spaces: it goes into headers
// and log lines as it is.
bool IsRequestId(std::string_view offered);

// The client's own id if it is one, else a new one.
std::string AcceptRequestId(std::string_view offered);

}  // namespace oriel

#endif  // ORIEL_SERVER_GENERATION_REQUEST_ID_H_
