// --update: a conversation with the expected lines replaced by what the server said. For writers of tests, who
// read the result before they keep it.
#pragma once

#include <string>

#include "tools/kvt/conversation.h"
#include "tools/kvt/player.h"

namespace kvick::kvt {

// The text of the file; exchanges that matched stay as they are.
std::string Rewrite(const Conversation& conversation, const Outcome& outcome);

}  // namespace kvick::kvt
