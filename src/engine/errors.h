// The error texts that many commands share, word for word what clients know. Texts of one feature live with it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/status.h"

namespace kvick::errors {

Status Syntax();
Status WrongType();
Status NotInteger();
Status NotFloat();
Status NoSuchKey();
Status SameObject();
Status OutOfRange();       // "ERR index out of range"
Status InvalidDatabase();  // "ERR DB index is out of range"
Status InvalidExpire(std::string_view command_name);
Status WrongArity(std::string_view command_name);
Status UnknownSubcommand(std::string_view subcommand, std::string_view container);
// For subcommands whose arity says "at least" and that got too many.
Status SubcommandArguments(std::string_view subcommand, std::string_view container);
Status OutOfMemory();  // "OOM command not allowed when used memory > 'maxmemory'."
Status StringTooLong();
Status NotPositive(std::string_view what);  // "ERR value is out of range, must be positive"
// "ERR value is out of range, value must between -5 and 5"
Status NotWithin(int64_t minimum, int64_t maximum);
Status Generic(std::string_view message);  // "ERR " + message

}  // namespace kvick::errors
