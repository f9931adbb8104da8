#include "tools/kvt/conversation.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/bytes.h"
#include "base/numbers.h"
#include "tools/kvt/expectation.h"

namespace kvick::kvt {
namespace {

bool IsNameByte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

bool IsName(std::string_view text) { return !text.empty() && std::all_of(text.begin(), text.end(), IsNameByte); }

// Length of "> " or "name> " at the start of a command line; 0 for other lines.
size_t PromptSize(std::string_view line) {
  size_t size = 0;
  while (size < line.size() && IsNameByte(line[size])) ++size;
  return line.substr(size, 2) == "> " ? size + 2 : 0;
}

bool IsDirective(std::string_view line) {
  return line.size() > 1 && line[0] == '@' && line[1] >= 'a' && line[1] <= 'z';
}

// Lines that are not expected lines unless a backslash says so.
bool IsStructure(std::string_view line) {
  return line.empty() || line[0] == '#' || IsDirective(line) || PromptSize(line) > 0;
}

std::optional<Version> ParseVersion(std::string_view text) {
  const size_t dot = text.find('.');
  if (dot == std::string_view::npos) return std::nullopt;
  const std::optional<int64_t> major = ParseInt64(text.substr(0, dot));
  const std::optional<int64_t> minor = ParseInt64(text.substr(dot + 1));
  if (!major || !minor || *major < 0 || *major > 1000 || *minor < 0 || *minor > 1000) return std::nullopt;
  return Version{static_cast<int>(*major), static_cast<int>(*minor)};
}

// "+1s", "+500ms", "+2m", "+1h", "+1d".
std::optional<int64_t> ParseAdvance(std::string_view text) {
  constexpr std::pair<std::string_view, int64_t> kUnits[] = {
      {"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}};
  if (text.empty() || text[0] != '+') return std::nullopt;
  text.remove_prefix(1);
  const size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  const std::optional<int64_t> count = ParseInt64(text.substr(0, digits));
  for (const auto& [unit, unit_ms] : kUnits) {
    if (count && *count <= 1'000'000'000 && text.substr(digits) == unit) return *count * unit_ms;
  }
  return std::nullopt;
}

class Parser {
 public:
  Parser(std::string path, std::string_view text) {
    conversation_.path = std::move(path);
    while (!text.empty()) {
      const size_t end = text.find('\n');
      conversation_.lines.emplace_back(text.substr(0, end));
      text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
  }

  Result<Conversation> Parse() {
    const std::vector<std::string>& lines = conversation_.lines;
    while (next_ < lines.size()) {
      const std::string& line = lines[next_];
      if (line.empty()) {
        KVICK_RETURN_IF_ERROR(EndBlock());
        ++next_;
      } else if (line[0] == '#') {
        ++next_;
      } else if (IsDirective(line)) {
        KVICK_RETURN_IF_ERROR(ParseDirective(line));
      } else if (PromptSize(line) > 0) {
        KVICK_RETURN_IF_ERROR(ParseCommand(line));
      } else {
        return Error(
            "a line that answers nothing (a line of a reply that starts with #, @ or is empty needs a "
            "backslash in front)");
      }
    }
    if (modifier_line_ != 0) return Error("the directive is followed by no exchange", modifier_line_);
    return std::move(conversation_);
  }

 private:
  Status Error(std::string_view what, size_t line_number = 0) const {
    return Status::Error(conversation_.path + ":" + std::to_string(line_number == 0 ? next_ + 1 : line_number) + ": " +
                         std::string(what));
  }

  // At a blank line: modifiers in a block of their own at the top of the file hold for the whole file.
  Status EndBlock() {
    if (modifier_line_ == 0) return Status::Ok();
    if (!conversation_.steps.empty()) return Error("the directive is followed by no exchange", modifier_line_);
    file_modifiers_ = modifiers_;
    modifier_line_ = 0;
    return Status::Ok();
  }

  Status ParseDirective(const std::string& line) {
    std::vector<std::string> words;
    if (!SplitArguments(line, &words)) return Error("unbalanced quotes");
    const std::string& name = words[0];
    const std::string first = words.size() > 1 ? words[1] : "";
    const auto has_words = [&words](size_t min, size_t max) { return words.size() > min && words.size() <= max + 1; };

    if (name == "@resp" && has_words(1, 1)) {
      if (first != "2" && first != "3" && first != "any") return Error("@resp takes 2, 3 or any");
      resp_ = first == "any" ? 0 : first[0] - '0';
      ++next_;
      return Status::Ok();
    }
    if (name == "@client" && has_words(1, 1)) {
      if (!IsName(first)) return Error("@client takes a name");
      return AddStep(Step::Kind::kClient, [&](Step* step) { step->client = first; });
    }
    if (name == "@clock" && has_words(1, 1)) {
      const std::optional<int64_t> advance_ms = ParseAdvance(first);
      if (!advance_ms) return Error("@clock takes an amount like +1s or +500ms");
      return AddStep(Step::Kind::kClock, [&](Step* step) { step->advance_ms = *advance_ms; });
    }
    if (name == "@config" && has_words(2, 2)) {
      return AddStep(Step::Kind::kConfig, [&](Step* step) { step->arguments = {words[1], words[2]}; });
    }
    if (name == "@receive" && has_words(0, 1)) {
      if (!first.empty() && !IsName(first)) return Error("@receive takes a client's name");
      return AddStep(Step::Kind::kReceive, [&](Step* step) { step->client = first; });
    }
    if (name == "@raw" && has_words(1, 1)) {
      return AddStep(Step::Kind::kRaw, [&](Step* step) { step->bytes = first; });
    }
    return ParseModifier(line, words);
  }

  // Directives that say something about the next exchange.
  Status ParseModifier(const std::string& line, const std::vector<std::string>& words) {
    if (modifier_line_ == 0) modifiers_ = file_modifiers_;
    const std::string& name = words[0];
    if (name == "@since" && words.size() == 2) {
      const std::optional<Version> version = ParseVersion(words[1]);
      if (!version) return Error("@since takes a version like 8.4");
      modifiers_.since = *version;
    } else if (name == "@oracle-differs" && words.size() > 1) {
      modifiers_.oracle_differs = TrimBlanks(std::string_view(line).substr(name.size()));
    } else if (name == "@direct" && words.size() > 1) {
      modifiers_.direct = TrimBlanks(std::string_view(line).substr(name.size()));
    } else if (name == "@packed" && words.size() > 1) {
      modifiers_.packed = TrimBlanks(std::string_view(line).substr(name.size()));
    } else if (name == "@unscripted" && words.size() > 1) {
      modifiers_.unscripted = TrimBlanks(std::string_view(line).substr(name.size()));
    } else if (name == "@reloaded" && words.size() > 1) {
      modifiers_.reloaded = TrimBlanks(std::string_view(line).substr(name.size()));
    } else if (name == "@pattern" && words.size() == 1) {
      modifiers_.pattern = true;
    } else if (name == "@unordered" && words.size() == 1) {
      modifiers_.order = Order::kElements;
    } else if (name == "@unordered" && words.size() == 2 && words[1] == "pairs") {
      modifiers_.order = Order::kPairs;
    } else if (name == "@unordered" && words.size() == 2 && words[1] == "lines") {
      modifiers_.order = Order::kLines;
    } else {
      return Error("unknown directive, or wrong number of words: " + name);
    }
    modifier_line_ = next_ + 1;
    ++next_;
    return Status::Ok();
  }

  Status ParseCommand(const std::string& line) {
    const size_t prompt_size = PromptSize(line);
    std::string_view command = TrimBlanks(std::string_view(line).substr(prompt_size));
    Step::Kind kind = Step::Kind::kCall;
    if (command.size() > 2 && command.substr(command.size() - 2) == " &") {
      kind = Step::Kind::kSend;
      command.remove_suffix(2);
    }
    std::vector<std::string> arguments;
    if (!SplitArguments(command, &arguments)) return Error("unbalanced quotes");
    if (arguments.empty()) return Error("a command is missing");
    return AddStep(kind, [&](Step* step) {
      step->client = line.substr(0, prompt_size - 2);
      step->arguments = std::move(arguments);
    });
  }

  template <typename Fill>
  Status AddStep(Step::Kind kind, Fill fill) {
    Step step;
    step.kind = kind;
    fill(&step);
    step.source = conversation_.lines[next_];
    step.line_number = ++next_;
    step.modifiers = file_modifiers_;
    if (step.TakesModifiers()) {
      if (modifier_line_ != 0) step.modifiers = modifiers_;
      modifier_line_ = 0;
    }
    step.modifiers.resp = resp_;
    KVICK_RETURN_IF_ERROR(ParseExpected(&step));
    conversation_.steps.push_back(std::move(step));
    return Status::Ok();
  }

  Status ParseExpected(Step* step) {
    step->expected_line = next_ + 1;
    while (next_ < conversation_.lines.size() && !IsStructure(conversation_.lines[next_])) {
      if (!step->IsExchange()) return Error("nothing is answered here");
      std::string_view line = conversation_.lines[next_];
      if (line[0] == '\\') line.remove_prefix(1);
      step->expected.emplace_back(line);
      if (step->modifiers.pattern) {
        if (const Status status = CheckPattern(line); !status.ok()) return Error(status.text());
      }
      ++next_;
    }
    return Status::Ok();
  }

  Conversation conversation_;
  size_t next_ = 0;  // index of the line to read next
  int resp_ = 0;
  Modifiers file_modifiers_;
  Modifiers modifiers_;       // of the next exchange, when modifier_line_ is set
  size_t modifier_line_ = 0;  // of the latest modifier that waits for its exchange; 0 is none
};

}  // namespace

bool Conversation::UsesClock() const {
  return std::any_of(steps.begin(), steps.end(), [](const Step& step) { return step.kind == Step::Kind::kClock; });
}

size_t Conversation::ExchangeCount() const {
  return static_cast<size_t>(
      std::count_if(steps.begin(), steps.end(), [](const Step& step) { return step.IsExchange(); }));
}

Result<Conversation> ParseConversation(std::string path, std::string_view text) {
  return Parser(std::move(path), text).Parse();
}

std::string EscapeExpectedLine(std::string_view line) {
  const bool needs_escape = IsStructure(line) || line[0] == '\\';
  return (needs_escape ? "\\" : "") + std::string(line);
}

}  // namespace kvick::kvt
