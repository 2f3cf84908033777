#ifndef ORIEL_ENGINE_SCHEDULER_REQUEST_QUEUE_H_
#define ORIEL_ENGINE_SCHEDULER_REQUEST_QUEUE_H_

#include <compare>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <unordered_map>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "engine/request/generation_request.h"
#include "engine/request/token_stream.h"

namespace oriel {

// A request and the way back to whoever made it.
struct QueuedRequest {
  GenerationRequest request;
  std::shared_ptr<TokenStream> stream;  // shared: the engine writes, the client's connection reads
  absl::Time submitted = absl::InfinitePast();
};

// The one way from connections to the engine thread: requests that wait for admission, in order of
// priority and then arrival, and the wish to cancel some.
//
// Lifecycle   a request is live from Push until Forget. Close ends the taking of new requests, Stop
//             ends waiting for work.
// Threads     the first group of methods: any thread; the second: the engine thread. None waits for
//             a client.
// Limits      requests_max waiting requests, tokens_max prompt tokens in them together. Wishes to
//             cancel concern live requests only, so they are bounded too.
class RequestQueue {
 public:
  RequestQueue(int32_t requests_max, int64_t tokens_max);

  // ResourceExhausted: full, with the limit. InvalidArgument: the id is that of a live request.
  // After Close: the status given to it.
  absl::Status Push(QueuedRequest queued);
  // Ignored unless the request is live.
  void Cancel(RequestId id);
  void CancelAll();
  // From now on Push returns `reason`; the first reason stays.
  void Close(absl::Status reason);
  // Makes WaitForWork return false, now and always.
  void Stop();
  // Waits until no request is live and the step that ended the last one is over; false
  // if `deadline` comes first.
  bool WaitUntilIdle(absl::Time deadline);
  bool is_idle() const;
  int32_t num_waiting() const;
  int64_t tokens_waiting() const;

  // Waits until a request waits or one is to be canceled; not at all if the engine is `busy` with
  // running sequences. False after Stop. From its return to its next call a step is under way.
  bool WaitForWork(bool busy);
  // No step is under way, and none will be: the engine thread ends without another WaitForWork.
  void EndWork();
  // Ids to cancel since the last call: waiting or running requests.
  std::vector<RequestId> TakeCanceled();
  // Takes a waiting request out; none if it does not wait (any more).
  std::optional<QueuedRequest> TakeWaiting(RequestId id);
  // Takes the first request whose deadline has passed.
  std::optional<QueuedRequest> TakeExpired(absl::Time now);
  // Takes the request at the head if `admit` accepts it. Nobody overtakes the head.
  std::optional<QueuedRequest> TakeHeadIf(absl::FunctionRef<bool(const GenerationRequest&)> admit);
  // Takes the request at the head.
  std::optional<QueuedRequest> TakeHead();
  // The request has ended and nothing of it is left.
  void Forget(RequestId id);

 private:
  struct Place {
    int32_t priority = 0;
    uint64_t arrival = 0;
    auto operator<=>(const Place&) const = default;
  };
  struct Live {
    std::optional<Place> place;  // while it waits
    bool cancel_wanted = false;
  };

  // With mutex_ held.
  void WantCancel(RequestId id, Live& live);
  QueuedRequest TakeAt(Place place);

  const int32_t requests_max_;
  const int64_t tokens_max_;

  mutable std::mutex mutex_;  // guards everything below
  std::condition_variable changed_;
  std::map<Place, QueuedRequest> waiting_;
  std::set<std::pair<absl::Time, Place>> deadlines_;  // of waiting requests
  std::unordered_map<RequestId, Live> live_;
  std::vector<RequestId> canceled_;
  int64_t tokens_waiting_ = 0;
  uint64_t arrivals_ = 0;
  absl::Status closed_;  // OK while requests are taken
  bool stopped_ = false;
  bool stepping_ = false;  // a step is under way
};

}  // namespace oriel

#endif  // ORIEL_ENGINE_SCHEDULER_REQUEST_QUEUE_H_
