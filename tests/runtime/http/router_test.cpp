#include "runtime/http/router.h"

#include <catch2/catch.hpp>

namespace hearth::http {
namespace {

TEST_CASE("a route is found by method and path, and a path without its method names those it has") {
  Router router;
  for (const char* path : {"/", "/v1/models", "/v1/models/"}) {
    router.Add({"GET", path, path, nullptr});
  }
  router.Add({"POST", "/v1/x", "post", nullptr});
  router.Add({"DELETE", "/v1/x", "delete", nullptr});
  struct Case {
    const char *method, *path, *label, *allowed;
  };
  const Case cases[] = {
      {"GET", "/", "/", ""},
      {"HEAD", "/v1/models", "/v1/models", ""},
      {"GET", "/v1/models/a/b", "/v1/models/", ""},
      {"GET", "/v1/models/", "/v1/models/", ""},
      {"GET", "/v1/modelsx", nullptr, ""},
      {"GET", "/nowhere", nullptr, ""},  // "/" stands for itself alone
      {"POST", "/v1/x", "post", ""},
      {"GET", "/v1/x", nullptr, "POST, DELETE"},
      {"POST", "/v1/models", nullptr, "GET"},
  };
  for (const Case& c : cases) {
    std::string allowed;
    const Route* route = router.Find(c.method, c.path, allowed);
    CAPTURE(c.method, c.path);
    REQUIRE((route != nullptr) == (c.label != nullptr));
    if (route != nullptr) CHECK(route->label == c.label);
    if (route == nullptr) CHECK(allowed == c.allowed);
  }
}

}  // namespace
}  // namespace hearth::http
