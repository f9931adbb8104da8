// What somebody is told who may not do something.
#pragma once

#include <string>
#include <string_view>

#include "base/status.h"
#include "engine/hooks.h"
#include "security/user.h"

namespace kvick {

// The error reply.
Status DenialReply(const Denial& denial, const User& user, CallOrigin origin);
// Names what was denied, for administrators (ACL DRYRUN).
std::string DescribeDenial(const Denial& denial, const User& user);
// "command", "key", ...
std::string_view ReasonName(Denial::Reason reason);

}  // namespace kvick
