// Who we are, and which server we are compatible with.
#pragma once

namespace kvick {

inline constexpr char kKvickVersion[] = KVICK_VERSION;
// Clients enable features by this one (INFO redis_version, HELLO version).
inline constexpr char kCompatibleVersion[] = "8.10.0";

}  // namespace kvick
