#include "resp/request_encoder.h"

namespace kvick {

void AppendRequest(const std::vector<std::string>& arguments, std::string* out) {
  out->append("*").append(std::to_string(arguments.size())).append("\r\n");
  for (const std::string& argument : arguments) {
    out->append("$").append(std::to_string(argument.size())).append("\r\n").append(argument).append("\r\n");
  }
}

std::string EncodeRequest(const std::vector<std::string>& arguments) {
  std::string out;
  AppendRequest(arguments, &out);
  return out;
}

}  // namespace kvick
