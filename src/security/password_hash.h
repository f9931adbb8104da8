// Passwords as they are kept: SHA-256, as 64 lower-case hexadecimal digits.
#pragma once

#include <string>
#include <string_view>

namespace kvick {

std::string HashPassword(std::string_view password);
bool IsPasswordHash(std::string_view text);

}  // namespace kvick
