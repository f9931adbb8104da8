#include "base/assert.h"

#include <atomic>
#include <cstdio>
#include <cstdlib>

namespace kvick {
namespace {

std::atomic<AssertionHandler> assertion_handler{nullptr};

}  // namespace

void SetAssertionHandler(AssertionHandler handler) noexcept { assertion_handler.store(handler); }

void AssertionFailed(const char* expression, const char* file, int line) noexcept {
  char text[512];
  std::snprintf(text, sizeof(text), "==> %s:%d '%s' is not true", file, line, expression);
  if (AssertionHandler handler = assertion_handler.load()) {
    handler("=== ASSERTION FAILED ===");
    handler(text);
  } else {
    std::fprintf(stderr, "=== ASSERTION FAILED ===\n%s\n", text);
  }
  std::abort();
}

}  // namespace kvick
