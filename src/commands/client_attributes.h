// What a client tells about itself: its name and its library.
#pragma once

#include <string_view>

#include "base/status.h"
#include "engine/session.h"

namespace kvick {

// Attributes stand in the lines of CLIENT LIST, so they are printable ASCII without blanks. Empty is allowed.
bool IsClientAttribute(std::string_view text);

// An empty name takes the name away.
Status SetClientName(Session& session, std::string_view name);

}  // namespace kvick
