#ifndef ORIEL_SERVER_STREAM_SSE_H_
#define ORIEL_SERVER_STREAM_SSE_H_

#include <string>
#include <string_view>

namespace oriel {

// Server-sent events as the OpenAI interface uses them: one line of data an event, then an empty
// line.
inline constexpr std::string_view kSseContentType = "text/event-stream; charset=utf-8";

// The last event of every stream, also of one that ends with an error.
inline constexpr std::string_view kSseDone = "data: [DONE]\n\n";

// A comment: clients skip it, proxies see that the connection lives.
inline constexpr std::string_view kSsePing = ": ping\n\n";

// Appends one event. `data` has no line break; JSON text never has one.
void AppendSseEvent(std::string_view data, std::string& out);

}  // namespace oriel

#endif  // ORIEL_SERVER_STREAM_SSE_H_
