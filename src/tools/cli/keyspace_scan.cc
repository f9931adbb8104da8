#include "tools/cli/keyspace_scan.h"

#include <utility>

namespace kvick::cli {

Result<std::vector<std::string>> KeyspaceScan::Next() {
  std::vector<std::string> command = {"SCAN", cursor_};
  if (!options_.pattern.empty()) command.insert(command.end(), {"MATCH", options_.pattern});
  if (options_.scan_count) command.insert(command.end(), {"COUNT", std::to_string(*options_.scan_count)});
  KVICK_ASSIGN_OR_RETURN(Value reply, session_->connection().Call(command));
  if (reply.IsError()) return Status::Error("ERROR: " + reply.text);
  if (reply.elements.size() != 2) return Status::Error("Non ARRAY response from SCAN!");
  started_ = true;
  cursor_ = reply.elements[0].text;
  std::vector<std::string> keys;
  for (Value& key : reply.elements[1].elements) keys.push_back(std::move(key.text));
  return keys;
}

}  // namespace kvick::cli
