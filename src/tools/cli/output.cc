#include "tools/cli/output.h"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "tools/client/reply_text.h"

namespace kvick::cli {

Output::Output(const Options& options)
    // FAKETTY lets scripts see what a terminal would show.
    : is_terminal_(isatty(STDOUT_FILENO) != 0 || std::getenv("FAKETTY") != nullptr),
      mode_(options.print_mode.value_or(is_terminal_ ? PrintMode::kFormatted : PrintMode::kRaw)),
      shows_pushes_(options.show_pushes.value_or(is_terminal_)),
      element_delimiter_(options.element_delimiter),
      reply_delimiter_(options.reply_delimiter) {}

std::string Output::Text(const Value& reply) const {
  std::string text = kvick::Print(reply, mode_, element_delimiter_);
  if (mode_ == PrintMode::kRaw) text += reply_delimiter_;
  if (mode_ == PrintMode::kCsv || mode_ == PrintMode::kJson || mode_ == PrintMode::kQuotedJson) text += "\n";
  return text;
}

void Output::Print(const std::vector<std::string>& arguments, const Value& reply) const {
  // Text for people is the same in every mode.
  PrintText(client::RepliesWithPlainText(arguments) ? PrintRaw(reply, element_delimiter_) : Text(reply));
}

void Output::PrintPush(const Value& push) const {
  if (push.elements.size() != 2 || push.elements[0].text != "invalidate") return PrintText(Text(push));
  std::string text = "-> invalidate: ";
  const Value& keys = push.elements[1];
  if (keys.IsNull()) text += "all keys";
  for (size_t i = 0; i < keys.elements.size(); ++i) {
    text += (i > 0 ? ", '" : "'") + keys.elements[i].text + "'";
  }
  PrintText(text + "\n");
}

void Output::PrintText(const std::string& text) const {
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
}

void Output::PrintError(const std::string& text) { std::fprintf(stderr, "%s\n", text.c_str()); }

}  // namespace kvick::cli
