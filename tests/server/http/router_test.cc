#include "server/http/router.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace oriel {
namespace {

using ::testing::HasSubstr;

Router MakeRouter() {
  Router router;
  const auto say = [](std::string text) {
    return [text](HttpRequest request) -> HttpAnswer {
      return HttpResponse{.body = text + request.path};
    };
  };
  router.Add("GET", "/models", say("list "));
  router.Add("GET", "/models/*", say("one "));
  router.Add("POST", "/work", say("work "));
  return router;
}

HttpResponse Ask(const std::string& method, const std::string& path) {
  HttpRequest request;
  request.method = method;
  request.path = path;
  return std::get<HttpResponse>(MakeRouter().Dispatch(request));
}

TEST(RouterTest, FindsExactPathsAndWhatLiesBelowOne) {
  EXPECT_EQ(Ask("GET", "/models").body, "list /models");
  EXPECT_EQ(Ask("GET", "/models/a.b").body, "one /models/a.b");
  EXPECT_EQ(Ask("GET", "/models/org/a.b").body, "one /models/org/a.b");
  EXPECT_EQ(Ask("HEAD", "/models").body, "list /models");
}

TEST(RouterTest, AnUnknownPathIs404) {
  for (const char* path : {"/", "", "/model", "/models/", "/models/a/", "/../models"}) {
    EXPECT_EQ(Ask("GET", path).status, 404) << path;
  }
}

TEST(RouterTest, AKnownPathWithAnotherMethodIs405AndSaysWhichItHas) {
  const HttpResponse response = Ask("DELETE", "/models");
  EXPECT_EQ(response.status, 405);
  ASSERT_FALSE(response.headers.empty());
  EXPECT_EQ(response.headers.back(), (std::pair<std::string, std::string>("allow", "GET, HEAD")));
  EXPECT_EQ(Ask("GET", "/work").status, 405);
  EXPECT_THAT(Ask("GET", "/work").body, HasSubstr("/work answers POST only"));
}

TEST(RouterTest, NamesForMetricsAreTheRoutesOnly) {
  const Router router = MakeRouter();
  EXPECT_EQ(router.RouteName("/models/anything"), "/models/*");
  EXPECT_EQ(router.RouteName("/random/4711"), "unknown");
}

}  // namespace
}  // namespace oriel
