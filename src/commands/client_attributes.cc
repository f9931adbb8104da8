#include "commands/client_attributes.h"

#include <algorithm>

#include "engine/errors.h"

namespace kvick {

bool IsClientAttribute(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= '!' && c <= '~'; });
}

Status SetClientName(Session& session, std::string_view name) {
  if (!IsClientAttribute(name)) {
    return errors::Generic("Client names cannot contain spaces, newlines or special characters.");
  }
  session.name = name;
  return Status::Ok();
}

}  // namespace kvick
