// The syntax line of a command ("key value [NX | XX] [EX seconds | KEEPTTL]") as a tree: for arity, COMMAND DOCS and
// hints.
//
//   line    = item { " " item }
//   item    = word | "[" choice "]" | "<" choice ">"          [ ] optional, < > one of several
//   choice  = line { " | " line }
//
// A word in capitals (or a sign such as ~ or *) is a token; any other names an argument. "[key ...]" behind the same
// words says that they may be repeated.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace kvick {

struct SyntaxArgument {
  enum class Kind { kKey, kInteger, kDouble, kString, kPattern, kUnixTime, kToken, kOneOf, kBlock };

  Kind kind = Kind::kString;
  std::string name;
  std::string token;  // the word that stands before the value; for kToken the word itself
  bool optional = false;
  bool multiple = false;
  bool multiple_token = false;        // the token is repeated with each value
  std::vector<SyntaxArgument> parts;  // of kOneOf and kBlock
  // Not in the syntax line: see Annotate.
  std::string since;
  int key_spec_index = -1;
};

// An unbalanced bracket is a defect of the row: asserts.
std::vector<SyntaxArgument> ParseSyntax(std::string_view syntax);

// What the line does not say of its arguments, item after item:
//
//   notes  = item { " " item }
//   item   = path [ "!" ] [ "=" name ] [ "(" type ")" ] [ "#" key spec ] [ "@" since ]
//   path   = word { "." word }                               tokens or names, from the outside to the inside
//
//   "nx=condition@2.6.12 condition.IFEQ@8.4.0 longitude(double)"
//
// "!" gives the token of a block to its first part, or that of the part to the block.
//
// Key arguments get the indexes of the command's key specs in turn, where no note says otherwise.
void Annotate(std::string_view notes, int key_spec_count, std::vector<SyntaxArgument>* arguments);

// The arity that follows: arguments that must be there, plus `name_words`; negative when there may be more.
int ArityOf(const std::vector<SyntaxArgument>& arguments, int name_words);

std::string_view KindName(SyntaxArgument::Kind kind);

}  // namespace kvick
