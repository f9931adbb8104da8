// The name of a script: the SHA-1 of its text, as forty hexadecimal digits.
#pragma once

#include <string>
#include <string_view>

namespace kvick {

std::string Sha1Digest(std::string_view text);

}  // namespace kvick
