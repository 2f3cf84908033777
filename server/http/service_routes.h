#ifndef ORIEL_SERVER_HTTP_SERVICE_ROUTES_H_
#define ORIEL_SERVER_HTTP_SERVICE_ROUTES_H_

#include "server/http/router.h"
#include "server/serving_context.h"

namespace oriel {

// Every route of the server. `context` outlives the router.
void AddServiceRoutes(ServingContext& context, Router& router);

// The routes while the model loads: the process is alive, everything else is to come again.
void AddLoadingRoutes(Router& router);

}  // namespace oriel

#endif  // ORIEL_SERVER_HTTP_SERVICE_ROUTES_H_
