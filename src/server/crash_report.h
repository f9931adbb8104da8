// The crash report: what the log says when the process dies of SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT or a failed
// assertion, in the form that tools look for.
//
// A crash may come with a lock held or the allocator broken, so the report is written in steps, each line on its own:
// first what needs neither (signal, stacks, registers), then sections that may hang or crash themselves. Each of those
// has a time limit, and a crash in one leads to the next. Other threads are stopped before: they show their stacks and
// do nothing any more.
#pragma once

#include <functional>
#include <string>

namespace kvick {

// Adds a section that is written behind the stacks, in the order of registration. Before threads run.
void AddCrashSection(std::string title, std::function<std::string()> write);

// A file that goes away with the process, also when it crashes. Empty: none.
void RemoveOnCrash(const std::string& path);

// Takes the signals and assertions, or leaves them to the system (crash-log-enabled no). Any thread; the handlers need
// no preparation but for InstallCrashStack.
void InstallCrashHandlers(bool enabled);

// A failed assertion ends the process with status 1 and without a core (use-exit-on-panic).
void SetExitOnPanic(bool value);

// A stack of its own for the handlers of the calling thread, so that a stack overflow is reported too.
void InstallCrashStack();

}  // namespace kvick
