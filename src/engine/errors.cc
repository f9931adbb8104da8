#include "engine/errors.h"

#include "base/bytes.h"

namespace kvick::errors {

Status Syntax() { return Status::Error("ERR syntax error"); }
Status WrongType() { return Status::Error("WRONGTYPE Operation against a key holding the wrong kind of value"); }
Status NotInteger() { return Status::Error("ERR value is not an integer or out of range"); }
Status NotFloat() { return Status::Error("ERR value is not a valid float"); }
Status NoSuchKey() { return Status::Error("ERR no such key"); }
Status SameObject() { return Status::Error("ERR source and destination objects are the same"); }
Status OutOfRange() { return Status::Error("ERR index out of range"); }
Status InvalidDatabase() { return Status::Error("ERR DB index is out of range"); }

Status InvalidExpire(std::string_view command_name) {
  return Status::Error("ERR invalid expire time in '" + std::string(command_name) + "' command");
}

Status WrongArity(std::string_view command_name) {
  return Status::Error("ERR wrong number of arguments for '" + std::string(command_name) + "' command");
}

Status UnknownSubcommand(std::string_view subcommand, std::string_view container) {
  return Status::Error("ERR unknown subcommand '" + std::string(UpToZeroByte(subcommand.substr(0, 128))) + "'. Try " +
                       ToUpper(container) + " HELP.");
}

Status SubcommandArguments(std::string_view subcommand, std::string_view container) {
  return Status::Error("ERR unknown subcommand or wrong number of arguments for '" +
                       std::string(subcommand.substr(0, 128)) + "'. Try " + ToUpper(container) + " HELP.");
}

Status OutOfMemory() { return Status::Error("OOM command not allowed when used memory > 'maxmemory'."); }
Status StringTooLong() { return Status::Error("ERR string exceeds maximum allowed size (proto-max-bulk-len)"); }
Status NotPositive(std::string_view what) {
  return Status::Error("ERR " + std::string(what) + " is out of range, must be positive");
}
Status NotWithin(int64_t minimum, int64_t maximum) {
  return Status::Error("ERR value is out of range, value must between " + std::to_string(minimum) + " and " +
                       std::to_string(maximum));
}
Status Generic(std::string_view message) { return Status::Error("ERR " + std::string(message)); }

}  // namespace kvick::errors
