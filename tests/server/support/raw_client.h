#ifndef ORIEL_TESTS_SERVER_SUPPORT_RAW_CLIENT_H_
#define ORIEL_TESTS_SERVER_SUPPORT_RAW_CLIENT_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/time/time.h"

namespace oriel {

struct RawResponse {
  int status = 0;       // 0: the connection ended before an answer
  std::string headers;  // lower case, as sent
  std::string body;     // without chunk framing
  bool complete = false;
};

// A TCP connection to the server under test. No call takes longer than 10 seconds.
class RawClient {
 public:
  explicit RawClient(uint16_t port, int receive_buffer_bytes = 0);
  ~RawClient();
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  // False if the server has closed.
  bool Send(std::string_view bytes);
  bool Post(std::string_view path, std::string_view body, std::string_view more_headers = "");
  bool Get(std::string_view path);

  // Reads one whole answer.
  RawResponse Read();
  // Reads until the text is in what came; returns all that came.
  std::string ReadUntil(std::string_view text);
  // True once the server has closed its side, after what it sent.
  bool IsClosedByServer();
  // The same, or true once the server has reset the connection.
  bool IsEndedByServer();

  void Close();
  // Closes so that the server sees a reset.
  void Reset();

 private:
  enum class Received : uint8_t { kBytes, kEnd, kReset, kNothing };

  Received ReadSome(absl::Time deadline);
  Received ReadToEnd();

  int socket_ = -1;
  std::string received_;
};

}  // namespace oriel

#endif  // ORIEL_TESTS_SERVER_SUPPORT_RAW_CLIENT_H_
