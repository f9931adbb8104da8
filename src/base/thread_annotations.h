// Names for clang's thread safety analysis (-Wthread-safety); nothing for other compilers.
#pragma once

#if defined(__clang__)
#define KVICK_THREAD_ATTRIBUTE(x) __attribute__((x))
#else
#define KVICK_THREAD_ATTRIBUTE(x)
#endif

#define KVICK_CAPABILITY(name) KVICK_THREAD_ATTRIBUTE(capability(name))
#define KVICK_SCOPED_CAPABILITY KVICK_THREAD_ATTRIBUTE(scoped_lockable)
#define KVICK_GUARDED_BY(lock) KVICK_THREAD_ATTRIBUTE(guarded_by(lock))
#define KVICK_POINTER_GUARDED_BY(lock) KVICK_THREAD_ATTRIBUTE(pt_guarded_by(lock))
#define KVICK_REQUIRES(...) KVICK_THREAD_ATTRIBUTE(requires_capability(__VA_ARGS__))
#define KVICK_ACQUIRE(...) KVICK_THREAD_ATTRIBUTE(acquire_capability(__VA_ARGS__))
#define KVICK_TRY_ACQUIRE(...) KVICK_THREAD_ATTRIBUTE(try_acquire_capability(__VA_ARGS__))
#define KVICK_RELEASE(...) KVICK_THREAD_ATTRIBUTE(release_capability(__VA_ARGS__))
#define KVICK_EXCLUDES(...) KVICK_THREAD_ATTRIBUTE(locks_excluded(__VA_ARGS__))
#define KVICK_ASSERT_CAPABILITY(lock) KVICK_THREAD_ATTRIBUTE(assert_capability(lock))
#define KVICK_RETURN_CAPABILITY(lock) KVICK_THREAD_ATTRIBUTE(lock_returned(lock))
// For code whose lock set is known only at run time; a comment beside it says what holds.
#define KVICK_NO_THREAD_SAFETY_ANALYSIS KVICK_THREAD_ATTRIBUTE(no_thread_safety_analysis)
