#include "tools/cli/command_docs.h"

#include <algorithm>
#include <set>

#include "base/bytes.h"
#include "base/version.h"

namespace kvick::cli {
namespace {

std::string TextOf(const Value& doc, std::string_view key) {
  const Value* value = doc.Find(key);
  return value == nullptr ? "" : value->text;
}

bool HasFlag(const Value& argument, std::string_view flag) {
  const Value* flags = argument.Find("flags");
  return flags != nullptr && std::any_of(flags->elements.begin(), flags->elements.end(),
                                         [&](const Value& one) { return one.text == flag; });
}

// The notation of one argument: "key", "[NX|XX]", "[EX seconds]", "field value [field value ...]".
std::string Notation(const Value& argument) {
  const std::string type = TextOf(argument, "type");
  const std::string token = TextOf(argument, "token");
  std::string body;
  if (type == "block" || type == "oneof") {
    const Value* inner = argument.Find("arguments");
    if (inner != nullptr) {
      for (const Value& one : inner->elements) {
        if (!body.empty()) body += type == "oneof" ? "|" : " ";
        body += Notation(one);
      }
    }
  } else if (type != "pure-token") {
    body = TextOf(argument, "display_text");
    if (body.empty()) body = TextOf(argument, "name");
  }
  std::string out = token.empty() || body.empty() ? token + body : token + " " + body;
  if (HasFlag(argument, "multiple")) {
    out += " [" + (HasFlag(argument, "multiple_token") ? out : body) + " ...]";
  }
  return HasFlag(argument, "optional") ? "[" + out + "]" : out;
}

std::string Join(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : " ") + word;
  return out;
}

// Words of a line that is still being typed: an open quote is closed for it.
std::vector<std::string> WordsOf(std::string_view line) {
  std::vector<std::string> words;
  if (SplitArguments(line, &words)) return words;
  if (SplitArguments(std::string(line) + "\"", &words)) return words;
  if (!SplitArguments(std::string(line) + "'", &words)) words.clear();
  return words;
}

}  // namespace

std::string CommandDoc::Syntax() const { return Join(parameters); }

CommandDocs::CommandDocs(const Value& reply) {
  for (size_t i = 0; i + 1 < reply.elements.size(); i += 2) Add(reply.elements[i].text, reply.elements[i + 1]);
}

void CommandDocs::Add(const std::string& name, const Value& doc) {
  CommandDoc entry;
  entry.name = ToUpper(name);
  std::replace(entry.name.begin(), entry.name.end(), '|', ' ');
  entry.group = TextOf(doc, "group");
  entry.summary = TextOf(doc, "summary");
  entry.since = TextOf(doc, "since");
  if (const Value* arguments = doc.Find("arguments")) {
    for (const Value& argument : arguments->elements) {
      // "key [key ...]" counts as two, so that the hint gets shorter by the first one.
      const std::string notation = Notation(argument);
      const size_t repeated = notation[0] == '[' ? std::string::npos : notation.find(" [");
      entry.parameters.push_back(notation.substr(0, repeated));
      if (repeated != std::string::npos) entry.parameters.push_back(notation.substr(repeated + 1));
    }
  }
  if (const Value* subcommands = doc.Find("subcommands")) {
    for (size_t i = 0; i + 1 < subcommands->elements.size(); i += 2) {
      Add(subcommands->elements[i].text, subcommands->elements[i + 1]);
    }
  }
  docs_[entry.name] = std::move(entry);
}

const CommandDoc* CommandDocs::Find(const std::vector<std::string>& words, size_t* name_word_count) const {
  for (size_t count = std::min<size_t>(words.size(), 2); count > 0; --count) {
    const std::string name = Join(std::vector<std::string>(words.begin(), words.begin() + static_cast<long>(count)));
    const auto found = docs_.find(ToUpper(name));
    if (found == docs_.end()) continue;
    *name_word_count = count;
    return &found->second;
  }
  return nullptr;
}

std::string CommandDocs::Hint(std::string_view line) const {
  const std::vector<std::string> words = WordsOf(line);
  size_t name_word_count = 0;
  const CommandDoc* doc = Find(words, &name_word_count);
  if (doc == nullptr) return {};
  // What has been typed is taken off the front, as far as it can only be that.
  size_t typed_count = words.size() - name_word_count;
  std::vector<std::string> left;
  for (const std::string& parameter : doc->parameters) {
    if (typed_count > 0 && parameter[0] != '[') {
      const auto word_count = 1 + std::count(parameter.begin(), parameter.end(), ' ');
      typed_count -= std::min(typed_count, static_cast<size_t>(word_count));
      continue;
    }
    typed_count = 0;
    left.push_back(parameter);
  }
  return Join(left);
}

std::vector<std::string> CommandDocs::Complete(std::string_view line) const {
  const bool asks_for_help = line.size() >= 5 && EqualsIgnoreCase(line.substr(0, 5), "help ");
  const std::string prefix = asks_for_help ? "help " : "";
  const std::string typed = ToUpper(line.substr(prefix.size()));
  std::vector<std::string> lines;
  if (asks_for_help) {
    std::set<std::string> groups;
    for (const auto& [name, doc] : docs_) groups.insert("@" + doc.group);
    for (const std::string& group : groups) {
      if (ToUpper(group).substr(0, typed.size()) == typed) lines.push_back(prefix + group);
    }
  }
  if (typed.empty()) return lines;
  for (const auto& [name, doc] : docs_) {
    if (std::string_view(name).substr(0, typed.size()) == typed) lines.push_back(prefix + name);
  }
  return lines;
}

std::string CommandDocs::Help(const std::vector<std::string>& topic, bool with_color) const {
  if (topic.empty()) {
    return std::string("kvick-cli ") + kKvickVersion + R"(
To get help about commands type:
      "help @<group>" to get a list of commands in <group>
      "help <command>" for help on <command>
      "help <tab>" to get a list of possible help topics
      "quit" to exit

To set kvick-cli preferences:
      ":set hints" enable online hints
      ":set nohints" disable online hints
)";
  }
  const auto colored = [with_color](std::string_view code, std::string_view text) {
    return with_color ? "\x1b[" + std::string(code) + "m" + std::string(text) + "\x1b[0m" : std::string(text);
  };
  const auto describe = [&](const CommandDoc& doc, bool with_group) {
    const std::string syntax = doc.Syntax();
    std::string text = "\n  " + colored("1", doc.name) + (syntax.empty() ? "" : " " + colored("90", syntax)) + "\n";
    text += "  " + colored("33", "summary:") + " " + doc.summary + "\n";
    text += "  " + colored("33", "since:") + " " + doc.since + "\n";
    if (with_group) text += "  " + colored("33", "group:") + " " + doc.group + "\n";
    return text;
  };
  std::string out;
  if (topic[0][0] == '@') {
    for (const auto& [name, doc] : docs_) {
      if (EqualsIgnoreCase(doc.group, std::string_view(topic[0]).substr(1))) out += describe(doc, false);
    }
  } else {
    size_t name_word_count = 0;
    if (const CommandDoc* doc = Find(topic, &name_word_count)) out += describe(*doc, true);
    // A container is followed by its subcommands.
    const std::string container = ToUpper(Join(topic)) + " ";
    for (const auto& [name, doc] : docs_) {
      if (std::string_view(name).substr(0, container.size()) == container) out += describe(doc, true);
    }
  }
  return out + "\n";
}

}  // namespace kvick::cli
