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
      if (text_.substr(at_, 3) == "...") {  // "[GROUPBY a [b ...] ...]": what is repeated is the group that it closes
        at_ += 3;
        repeats_group_ = true;
        continue;
      }
      const size_t begin = at_;
      if (text_[at_] == '[' && IsRepetition(begins)) {
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
  // "[... ...]" ends with the three dots at its own level and repeats an item before it, or the group around it.
  bool IsRepetition(const std::vector<size_t>& begins) const {
    int depth = 0;
    size_t end = at_;
    for (; end < text_.size(); ++end) {
      if (text_[end] == '[' || text_[end] == '<') ++depth;
      if ((text_[end] == ']' || text_[end] == '>') && --depth == 0) break;
    }
    if (end >= text_.size() || end < at_ + 6 || text_.substr(end - 4, 4) != " ...") return false;
    const std::string_view repeated = text_.substr(at_ + 1, end - at_ - 5);
    const auto begins_like_it = [&](size_t begin) { return text_.substr(begin, repeated.size()) == repeated; };
    return std::any_of(begins.begin(), begins.end(), begins_like_it) ||
           (!group_begins_.empty() && begins_like_it(group_begins_.back()));
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
        if (block.parts.size() == 1) {  // "GET pattern [GET pattern ...]"
          items->push_back(std::move(block.parts[0]));
          items->back().multiple = items->back().multiple_token = true;
        } else {
          items->push_back(std::move(block));
        }
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
    if (word == R"("")") {  // an empty text that is to be given as such
      argument.kind = Kind::kToken;
      argument.name = "empty-string";
    } else if (IsToken(word)) {
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
      std::string token;
      if (BeginsWithTokenOfAll(line)) token = std::exchange(line[0].token, {});
      if (line.size() == 1) {
        choices.push_back(std::move(line[0]));
      } else {
        SyntaxArgument block;
        block.kind = Kind::kBlock;
        block.name = line.empty() ? "" : token.empty() ? line[0].name : ToLower(token);
        block.token = std::move(token);
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

  // In "[LIMIT offset count]" the token is that of all that follows; in "[COUNT count [ANY]]" it is that of the count.
  static bool BeginsWithTokenOfAll(const std::vector<SyntaxArgument>& line) {
    return line.size() > 1 && line[0].kind != Kind::kToken && !line[0].optional && !line[0].token.empty() &&
           line[1].token.empty() && !line[1].optional;
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

// One item of the notes; see the grammar in the header.
class NoteReader {
 public:
  explicit NoteReader(std::string_view item) : rest_(item) {}

  void Apply(std::vector<SyntaxArgument>* arguments) {
    SyntaxArgument* argument = &Select(*arguments, TakeWord());
    while (Skip('.')) argument = &Select(argument->parts, TakeWord());
    while (!rest_.empty()) {
      if (Skip('!')) {
        MoveToken(argument);
      } else if (Skip('=')) {
        argument->name = TakeWord();
      } else if (Skip('(')) {
        argument->kind = KindNamed(TakeWord());
        KVICK_ASSERT(Skip(')'));
      } else if (Skip('@')) {
        argument->since = std::exchange(rest_, {});
      } else {
        KVICK_ASSERT(Skip('#'));
        argument->key_spec_index = TakeWord()[0] - '0';
      }
    }
  }

 private:
  bool Skip(char c) {
    if (rest_.empty() || rest_[0] != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  std::string_view TakeWord() {
    const std::string_view word = rest_.substr(0, rest_.find_first_of(".!=()@#", 1));
    KVICK_ASSERT(!word.empty());
    rest_.remove_prefix(word.size());
    return word;
  }
  // Whose the token is, a block's or that of its first part, does not follow from the line; nor whether a token and a
  // name are one argument or two.
  static void MoveToken(SyntaxArgument* argument) {
    if (argument->kind != Kind::kBlock) {
      SyntaxArgument block;
      block.kind = Kind::kBlock;
      block.name = ToLower(argument->token);
      SyntaxArgument token;
      token.kind = Kind::kToken;
      token.name = block.name;
      token.token = std::exchange(argument->token, {});
      block.parts = {std::move(token), std::move(*argument)};
      *argument = std::move(block);
      return;
    }
    std::swap(argument->token, argument->parts[0].token);
    argument->multiple_token = argument->multiple && !argument->token.empty();
  }
  // By its token, else by its name.
  static SyntaxArgument& Select(std::vector<SyntaxArgument>& arguments, std::string_view word) {
    for (SyntaxArgument& argument : arguments) {
      if (!argument.token.empty() && argument.token == word) return argument;
    }
    for (SyntaxArgument& argument : arguments) {
      if (argument.name == word) return argument;
    }
    KVICK_ASSERT(false && "a note names an argument that is not there");
    return arguments[0];
  }
  static Kind KindNamed(std::string_view name) {
    for (const Kind kind :
         {Kind::kKey, Kind::kInteger, Kind::kDouble, Kind::kString, Kind::kPattern, Kind::kUnixTime}) {
      if (KindName(kind) == name) return kind;
    }
    KVICK_ASSERT(false && "a note names a type that is not there");
    return Kind::kString;
  }

  std::string_view rest_;
};

// Counts the arguments that are keys: they take the key specs in turn, and all that are left the last one.
void NumberKeys(std::vector<SyntaxArgument>* arguments, int key_spec_count, int* next) {
  for (SyntaxArgument& argument : *arguments) {
    if (argument.kind == Kind::kKey) {
      argument.key_spec_index = std::min(*next, key_spec_count - 1);
      ++*next;
    }
    NumberKeys(&argument.parts, key_spec_count, next);
  }
}

}  // namespace

std::vector<SyntaxArgument> ParseSyntax(std::string_view syntax) { return Parser(syntax).ParseLine(); }

void Annotate(std::string_view notes, int key_spec_count, std::vector<SyntaxArgument>* arguments) {
  int next_key_spec = 0;
  NumberKeys(arguments, key_spec_count, &next_key_spec);
  while (!(notes = TrimBlanks(notes)).empty()) {
    const std::string_view item = notes.substr(0, notes.find(' '));
    NoteReader(item).Apply(arguments);
    notes.remove_prefix(item.size());
  }
}

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
