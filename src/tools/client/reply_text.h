// The text a reply has on a terminal, which depends on the command it answers: INFO and its like answer with
// lines for people, which are shown as they are.
#pragma once

#include <string>
#include <vector>

#include "resp/value.h"

namespace kvick::client {

// True for commands whose reply is text for people: INFO, CLIENT LIST, LATENCY DOCTOR ...
bool RepliesWithPlainText(const std::vector<std::string>& arguments);

// What kvick-cli prints on a terminal for `reply` to the command `arguments`.
std::string TerminalText(const std::vector<std::string>& arguments, const Value& reply);

}  // namespace kvick::client
