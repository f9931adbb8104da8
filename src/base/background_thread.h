// Threads that work beside those that answer clients: saving, rewriting, freeing.
#pragma once

namespace kvick {

// Names the calling thread (15 characters) and has it make way: it keeps its share of the processor, but a thread that
// wakes up to answer a client does not wait until its turn is over. A kernel before 6.12 only keeps it from
// interrupting others when it wakes up itself.
void BecomeBackgroundThread(const char* name);

}  // namespace kvick
