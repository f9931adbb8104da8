#include "engine/syntax.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "base/bytes.h"

namespace kvick {
namespace {

using Kind = SyntaxArgument::Kind;

bool IsToken(std::string_view word) {
  bool has_capital = false;
  for (const char c : word) {
    if (c >= 'a' && c <= 'z') return false;
    has_capital = has_capital || (c >= 'A' && c <= 'Z');
  }
  return has_capital || word == "=" || word == "~" || word == "*" || word == "$" || word == ">";
}

// The type of a named argument, by the names that the syntax lines use.
Kind KindOfName(std::string_view name) {
  static constexpr std::pair<std::string_view, Kind> kKinds[] = {
      {"key", Kind::kKey},
      {"newkey", Kind::kKey},
      {"source", Kind::kKey},
      {"destination", Kind::kKey},
      {"key1", Kind::kKey},
      {"key2", Kind::kKey},
      {"destkey", Kind::kKey},
      {"seconds", Kind::kInteger},
      {"milliseconds", Kind::kInteger},
      {"count", Kind::kInteger},
      {"offset", Kind::kInteger},
      {"increment", Kind::kInteger},
      {"decrement", Kind::kInteger},
      {"numkeys", Kind::kInteger},
      {"start", Kind::kInteger},
      {"end", Kind::kInteger},
      {"stop", Kind::kInteger},
      {"index", Kind::kInteger},
      {"db", Kind::kInteger},
      {"index1", Kind::kInteger},
      {"index2", Kind::kInteger},
      {"destination-db", Kind::kInteger},
      {"cursor", Kind::kInteger},
      {"client-id", Kind::kInteger},
      {"timeout", Kind::kInteger},
      {"protover", Kind::kInteger},
      {"min-match-len", Kind::kInteger},
      {"maxage", Kind::kInteger},
      {"version", Kind::kInteger},
      {"pattern", Kind::kPattern},
      {"unix-time-seconds", Kind::kUnixTime},
      {"unix-time-milliseconds", Kind::kUnixTime},
  };
  for (const auto& [known, kind] : kKinds) {
    if (name == known) return kind;
  }
  return Kind::kString;
}

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  std::vector<SyntaxArgument> ParseLine() {
    std::vector<SyntaxArgument> items;
    std::vector<size_t> begins;  // where each item's text starts, for "[a b ...]" to find what it repeats
    while (true) {
      while (at_ < text_.size() && text_[at_] == ' ') ++at_;
      if (at_ >= text_.size() || text_[at_] == ']' || text_[at_] == '>' || text_[at_] == '|') break;
      const size_t begin = at_;
      if (text_[at_] == '[' && IsRepetition()) {
        const std::string_view repeated = SkipBrackets();
        MarkRepeated(repeated, &items, begins);
        continue;
      }
      items.push_back(ParseItem());
      begins.push_back(begin);
    }
    AttachTokens(&items);
    return items;
  }

 private:
  // "[... ...]" ends with the three dots at its own level.
  bool IsRepetition() const {
    int depth = 0;
    for (size_t i = at_; i < text_.size(); ++i) {
      if (text_[i] == '[' || text_[i] == '<') ++depth;
      if ((text_[i] == ']' || text_[i] == '>') && --depth == 0) return i >= 4 && text_.substr(i - 4, 4) == " ...";
    }
    return false;
  }

  std::string_view SkipBrackets() {
    const size_t begin = at_;
    int depth = 0;
    do {
      if (text_[at_] == '[' || text_[at_] == '<') ++depth;
      if (text_[at_] == ']' || text_[at_] == '>') --depth;
      ++at_;
    } while (depth > 0);
    return text_.substr(begin + 1, at_ - begin - 6);  // without brackets and " ..."
  }

  // The words in brackets repeat the items before them whose text they are.
  void MarkRepeated(std::string_view repeated, std::vector<SyntaxArgument>* items, std::vector<size_t>& begins) {
    for (size_t i = items->size(); i-- > 0;) {
      std::string_view text = text_.substr(begins[i]);
      if (text.substr(0, repeated.size()) != repeated) continue;
      if (items->size() - i == 1) {
        items->back().multiple = true;
      } else {
        SyntaxArgument block;
        block.kind = Kind::kBlock;
        block.name = "data";
        block.multiple = true;
        block.parts.assign(std::make_move_iterator(items->begin() + static_cast<std::ptrdiff_t>(i)),
                           std::make_move_iterator(items->end()));
        AttachTokens(&block.parts);
        items->resize(i);
        begins.resize(i + 1);
        items->push_back(std::move(block));
      }
      return;
    }
    // "<[A] | [B] [[A] | [B] ...]>": what is repeated is the whole choice.
    KVICK_ASSERT(!group_begins_.empty() && "a repetition in a syntax line repeats nothing");
    KVICK_ASSERT(text_.substr(group_begins_.back(), repeated.size()) == repeated);
    repeats_group_ = true;
  }

  SyntaxArgument ParseItem() {
    const char c = text_[at_];
    if (c == '[' || (c == '<' && at_ + 1 < text_.size() && text_[at_ + 1] != ' ')) return ParseGroup(c == '[');
    const size_t begin = at_;
    while (at_ < text_.size() && text_[at_] != ' ' && text_[at_] != ']' && text_[at_] != '>' && text_[at_] != '[')
      ++at_;
    if (at_ == begin) ++at_;  // a lone sign that is also a bracket
    SyntaxArgument argument;
    const std::string_view word = text_.substr(begin, at_ - begin);
    if (IsToken(word)) {
      argument.kind = Kind::kToken;
      argument.token = word;
      argument.name = ToLower(word);
    } else {
      argument.kind = KindOfName(word);
      argument.name = word;
    }
    return argument;
  }

  SyntaxArgument ParseGroup(bool optional) {
    group_begins_.push_back(++at_);
    bool repeats = false;
    std::vector<SyntaxArgument> choices;
    while (true) {
      std::vector<SyntaxArgument> line = ParseLine();
      repeats = std::exchange(repeats_group_, false) || repeats;
      if (line.size() == 1) {
        choices.push_back(std::move(line[0]));
      } else {
        SyntaxArgument block;
        block.kind = Kind::kBlock;
        block.name = line.empty() ? "" : line[0].name;
        block.parts = std::move(line);
        choices.push_back(std::move(block));
      }
      KVICK_ASSERT(at_ < text_.size());
      const char c = text_[at_++];
      if (c != '|') break;
    }
    group_begins_.pop_back();
    SyntaxArgument argument;
    if (choices.size() == 1) {
      argument = std::move(choices[0]);
    } else {
      argument.kind = Kind::kOneOf;
      argument.name = choices[0].name;
      argument.parts = std::move(choices);
    }
    argument.optional = argument.optional || optional;
    argument.multiple = argument.multiple || repeats;
    return argument;
  }

  // A token followed by a named argument is one argument with a token.
  static void AttachTokens(std::vector<SyntaxArgument>* items) {
    for (size_t i = 0; i + 1 < items->size(); ++i) {
      SyntaxArgument& token = (*items)[i];
      SyntaxArgument& value = (*items)[i + 1];
      if (token.kind != Kind::kToken || token.optional || value.kind == Kind::kToken || value.optional ||
          !value.token.empty())
        continue;
      value.token = token.token;
      items->erase(items->begin() + static_cast<std::ptrdiff_t>(i));
    }
  }

  std::string_view text_;
  size_t at_ = 0;
  std::vector<size_t> group_begins_;  // of the brackets that are open
  bool repeats_group_ = false;        // the line just parsed ended by repeating the choice it stands in
};

int RequiredCount(const SyntaxArgument& argument) {
  if (argument.optional) return 0;
  int count = argument.token.empty() ? 0 : 1;
  if (argument.kind == Kind::kToken) return 1;
  if (argument.kind == Kind::kOneOf) {
    int least = INT32_MAX;
    for (const SyntaxArgument& part : argument.parts) least = std::min(least, RequiredCount(part));
    return count + least;
  }
  if (argument.kind == Kind::kBlock) {
    for (const SyntaxArgument& part : argument.parts) count += RequiredCount(part);
    return count;
  }
  return count + 1;
}

bool VariesInLength(const SyntaxArgument& argument) {
  if (argument.optional || argument.multiple) return true;
  if (argument.kind == Kind::kOneOf) {
    for (const SyntaxArgument& part : argument.parts) {
      if (VariesInLength(part) || RequiredCount(part) != RequiredCount(argument.parts[0])) return true;
    }
  }
  return argument.kind == Kind::kBlock && std::any_of(argument.parts.begin(), argument.parts.end(), VariesInLength);
}

}  // namespace

std::vector<SyntaxArgument> ParseSyntax(std::string_view syntax) { return Parser(syntax).ParseLine(); }

int ArityOf(const std::vector<SyntaxArgument>& arguments, int name_words) {
  int count = name_words;
  for (const SyntaxArgument& argument : arguments) count += RequiredCount(argument);
  return std::any_of(arguments.begin(), arguments.end(), VariesInLength) ? -count : count;
}

std::string_view KindName(Kind kind) {
  switch (kind) {
    case Kind::kKey: return "key";
    case Kind::kInteger: return "integer";
    case Kind::kDouble: return "double";
    case Kind::kString: return "string";
    case Kind::kPattern: return "pattern";
    case Kind::kUnixTime: return "unix-time";
    case Kind::kToken: return "pure-token";
    case Kind::kOneOf: return "oneof";
    case Kind::kBlock: return "block";
  }
  return "";
}

}  // namespace kvick
