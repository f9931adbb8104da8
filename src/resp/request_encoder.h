// The bytes of a command as a client sends it: an array of bulk strings.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace kvick {

void AppendRequest(const std::vector<std::string>& arguments, std::string* out);
std::string EncodeRequest(const std::vector<std::string>& arguments);

}  // namespace kvick
