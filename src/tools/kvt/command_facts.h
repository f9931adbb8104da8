// CommandFacts: what the server says of its commands (COMMAND INFO), as far as a run that plays conversations in
// another way than they were written must know. Asks once for each command.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "tools/client/connection.h"

namespace kvick::kvt {

class CommandFacts {
 public:
  struct Facts {
    // Changes what the connection is (a subscriber, part of a transaction), or refuses transactions.
    bool needs_own_exchange = false;
    // A script may call it, and gets what a client does: it neither waits nor changes what the connection is.
    bool is_for_scripts = false;
    bool is_readonly = false;
    bool has_keys = false;
    // The elements of its reply come in an order that depends on how the value is stored.
    bool has_open_order = false;
  };

  // Of a request; a command that the server does not know has no facts.
  const Facts& Find(client::Connection& connection, const std::vector<std::string>& arguments);

 private:
  std::map<std::string, Facts> known_;
};

}  // namespace kvick::kvt
