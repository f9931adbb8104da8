// The ACL file: a line "user NAME RULE RULE ..." for each user, blanks between the words and no quotes; empty lines and
// lines that begin with '#' are left out. A selector is rules in parentheses, with blanks between them.
//
// Reading makes all users or none. Blocks on the disk.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "security/user.h"

namespace kvick {

// The users of a text; the Status tells all that is wrong with it, in the words that ACL LOAD answers. `path` is for
// these.
Result<std::vector<User>> ParseUsers(std::string_view text, const std::string& path, const CommandCatalog& catalog,
                                     const RuleDefaults& defaults);
Result<std::vector<User>> LoadUserFile(const std::string& path, const CommandCatalog& catalog,
                                       const RuleDefaults& defaults);

// `lines` are those of User::Line. The text of an error says which step failed and why, for the log.
Status SaveUserFile(const std::string& path, const std::vector<std::string>& lines);

}  // namespace kvick
