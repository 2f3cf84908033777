#ifndef ORIEL_SERVER_GENERATION_REQUEST_ID_H_
#define ORIEL_SERVER_GENERATION_REQUEST_ID_H_

#include <string>
#include <string_view>

namespace oriel {

// 32 random hexadecimal digits: a name for a request in headers and logs, no secret.
std::string MakeRequestId();

// The client's own id if it is 1 to 128 printable characters without spaces, else a new one: the id
// goes into a header and into log lines as it is.
std::string AcceptRequestId(std::string_view offered);

}  // namespace oriel

#endif  // ORIEL_SERVER_GENERATION_REQUEST_ID_H_
