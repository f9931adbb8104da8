// CommandDocs: what the server tells about its commands (COMMAND DOCS), for hints, completion and help.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "resp/value.h"

namespace kvick::cli {

struct CommandDoc {
  std::string name;  // "GET", "CONFIG SET"
  std::string group;
  std::string summary;
  std::string since;
  std::vector<std::string> parameters;  // "key", "[NX|XX]", "[key ...]"

  [[nodiscard]] std::string Syntax() const;
};

class CommandDocs {
 public:
  CommandDocs() = default;
  // From the reply of COMMAND DOCS, in either protocol.
  explicit CommandDocs(const Value& reply);

  [[nodiscard]] bool empty() const { return docs_.empty(); }
  // What may still follow the typed line; empty when nothing is known.
  [[nodiscard]] std::string Hint(std::string_view line) const;
  // Whole lines that the typed line may become.
  [[nodiscard]] std::vector<std::string> Complete(std::string_view line) const;
  // The answer to "help ...": a command, "@group" or nothing.
  [[nodiscard]] std::string Help(const std::vector<std::string>& topic, bool with_color) const;

 private:
  void Add(const std::string& name, const Value& doc);
  // The command of these words, and how many of them are its name.
  [[nodiscard]] const CommandDoc* Find(const std::vector<std::string>& words, size_t* name_word_count) const;

  std::map<std::string, CommandDoc> docs_;  // by name
};

}  // namespace kvick::cli
