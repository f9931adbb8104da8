// Output: where replies are printed, in the mode the options ask for.
#pragma once

#include <string>
#include <vector>

#include "resp/printer.h"
#include "resp/value.h"
#include "tools/cli/options.h"

namespace kvick::cli {

class Output {
 public:
  explicit Output(const Options& options);

  // Prints the reply to `arguments` on standard output.
  void Print(const std::vector<std::string>& arguments, const Value& reply) const;
  // A push that came between replies: an invalidation in its short form.
  void PrintPush(const Value& push) const;
  void PrintText(const std::string& text) const;
  static void PrintError(const std::string& text);

  [[nodiscard]] PrintMode mode() const { return mode_; }
  [[nodiscard]] bool shows_pushes() const { return shows_pushes_; }
  [[nodiscard]] bool is_terminal() const { return is_terminal_; }

 private:
  [[nodiscard]] std::string Text(const Value& reply) const;

  bool is_terminal_;
  PrintMode mode_;
  bool shows_pushes_;
  std::string element_delimiter_;
  std::string reply_delimiter_;
};

}  // namespace kvick::cli
