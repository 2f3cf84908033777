#ifndef ORIEL_SERVER_GRPC_MESSAGE_CONVERSION_H_
#define ORIEL_SERVER_GRPC_MESSAGE_CONVERSION_H_

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "oriel/v1/generation.pb.h"
#include "server/generation/choice.h"
#include "server/generation/generation_plan.h"
#include "server/generation/running_generation.h"
#include "server/generation/tokenize.h"
#include "server/serving_context.h"

namespace oriel {

// Between the messages of proto/oriel/v1 and the types that HTTP uses too. What a field may hold is
// checked by those, not here.

// When the call came, and until when its client waits.
struct CallTimes {
  absl::Time arrival;
  absl::Time deadline;
};

// From a message to what the engine takes. Runs on a worker.
absl::StatusOr<GenerationPlan> PlanMessage(const ServingContext& context,
                                           const v1::GenerateRequest& message,
                                           const CallTimes& times);

absl::StatusOr<TokenizeRequest> ReadTokenizeMessage(const ServingContext& context,
                                                    const v1::TokenizeRequest& message);

// Everything but `request_id` and, of a whole answer, `model`. The usage is written with the end.
void WriteDelta(const ChoiceDelta& delta, const Usage& usage, v1::GenerateResponse& message);
void WriteDelta(const ChoiceDelta& delta, const Usage& usage, v1::GenerateStreamResponse& message);

void WriteServerInfo(const ServingContext& context, v1::GetServerInfoResponse& message);

}  // namespace oriel

#endif  // ORIEL_SERVER_GRPC_MESSAGE_CONVERSION_H_
