#ifndef ORIEL_SERVER_HTTP_READ_FAULT_H_
#define ORIEL_SERVER_HTTP_READ_FAULT_H_

#include <boost/system/error_code.hpp>
#include <cstdint>
#include <optional>

#include "server/config/server_config.h"
#include "server/error_mapping.h"

namespace oriel {

// Whether the time that a request may take to arrive was over.
enum class ReadExpired : bool { kNo, kYes };

// What to tell a client whose request could not be read: 408, 413, 429, 431 or 400. Nothing if the
// client is gone, because there is nobody to tell. asio's no_buffer_space stands for a body that
// all bodies together leave no room for.
std::optional<ApiError> ReadFault(const boost::system::error_code& error, ReadExpired expired,
                                  const HttpLimits& limits);

}  // namespace oriel

#endif  // ORIEL_SERVER_HTTP_READ_FAULT_H_
