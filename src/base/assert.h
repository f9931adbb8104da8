// KVICK_ASSERT ends the process when our own reasoning was wrong, also in release builds.
// KVICK_DEBUG_ASSERT is for checks that cost something; it is off when NDEBUG is defined.
#pragma once

namespace kvick {

// Prints where and what, then aborts (the crash report follows from the signal handler).
[[noreturn]] void AssertionFailed(const char* expression, const char* file, int line) noexcept;

// Called with the formatted line before the process aborts; the server points it at the log.
using AssertionHandler = void (*)(const char* line) noexcept;
void SetAssertionHandler(AssertionHandler handler) noexcept;

}  // namespace kvick

#define KVICK_ASSERT(expression)                              \
  (__builtin_expect(!!(expression), 1) ? static_cast<void>(0) \
                                       : ::kvick::AssertionFailed(#expression, __FILE__, __LINE__))

#ifdef NDEBUG
#define KVICK_DEBUG_ASSERT(expression) static_cast<void>(sizeof(!(expression)))
#else
#define KVICK_DEBUG_ASSERT(expression) KVICK_ASSERT(expression)
#endif
