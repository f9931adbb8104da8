// LCS: the longest common subsequence of two strings.
//
// The table of the classic algorithm has a cell for each pair of prefixes: (|a| + 1) * (|b| + 1) lengths of four bytes.
// It is limited like a string (proto-max-bulk-len), which also bounds the time: at its default some 0.3 s.
#include <algorithm>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/numbers.h"
#include "commands/families.h"
#include "engine/command_context.h"

namespace kvick {
namespace {

class LengthTable {
 public:
  static Result<LengthTable> Make(std::string_view a, std::string_view b, size_t size_max_bytes) {
    if (std::max(a.size(), b.size()) >= UINT32_MAX - 1) return errors::Generic("String too long for LCS");
    size_t size_bytes = 0;
    if (__builtin_mul_overflow((a.size() + 1) * (b.size() + 1), sizeof(uint32_t), &size_bytes) ||
        size_bytes > size_max_bytes) {
      return errors::Generic("Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len");
    }
    LengthTable table(static_cast<uint32_t*>(std::malloc(size_bytes)), b.size() + 1);
    if (table.cells_ == nullptr) {
      return errors::Generic("Insufficient memory, failed allocating transient memory for LCS");
    }
    table.Fill(a, b);
    return table;
  }

  // Of the first `i` bytes of a and the first `j` bytes of b.
  uint32_t At(size_t i, size_t j) const { return cells_.get()[i * width_ + j]; }

 private:
  struct Free {
    void operator()(uint32_t* cells) const { std::free(cells); }
  };

  LengthTable(uint32_t* cells, size_t width) : cells_(cells), width_(width) {}

  void Fill(std::string_view a, std::string_view b) {
    std::fill_n(cells_.get(), width_, 0);
    for (size_t i = 1; i <= a.size(); ++i) {
      uint32_t* row = cells_.get() + i * width_;
      const uint32_t* above = row - width_;
      row[0] = 0;
      for (size_t j = 1; j <= b.size(); ++j) {
        row[j] = a[i - 1] == b[j - 1] ? above[j - 1] + 1 : std::max(above[j], row[j - 1]);
      }
    }
  }

  std::unique_ptr<uint32_t, Free> cells_;
  size_t width_;
};

// A run of equal bytes in both strings.
struct Match {
  size_t a_begin;
  size_t b_begin;
  size_t size;
};

// The runs of one longest common subsequence, last one first.
std::vector<Match> FindMatches(const LengthTable& table, std::string_view a, std::string_view b) {
  std::vector<Match> matches;
  size_t i = a.size();
  size_t j = b.size();
  while (i > 0 && j > 0) {
    if (a[i - 1] == b[j - 1]) {
      --i;
      --j;
      const bool continues = !matches.empty() && matches.back().a_begin == i + 1 && matches.back().b_begin == j + 1;
      if (continues) {
        matches.back() = {i, j, matches.back().size + 1};
      } else {
        matches.push_back({i, j, 1});
      }
    } else if (table.At(i - 1, j) > table.At(i, j - 1)) {
      --i;
    } else {
      --j;
    }
  }
  return matches;
}

struct Options {
  bool length_only = false;
  bool indexes = false;
  bool with_match_length = false;
  size_t match_size_min = 0;
};

Result<Options> ParseOptions(const CommandContext& context) {
  Options options;
  for (size_t i = 3; i < context.argument_count(); ++i) {
    if (context.ArgIs(i, "LEN")) {
      options.length_only = true;
    } else if (context.ArgIs(i, "IDX")) {
      options.indexes = true;
    } else if (context.ArgIs(i, "WITHMATCHLEN")) {
      options.with_match_length = true;
    } else if (context.ArgIs(i, "MINMATCHLEN") && i + 1 < context.argument_count()) {
      KVICK_ASSIGN_OR_RETURN(const int64_t size_min, context.IntegerArg(++i));
      options.match_size_min = static_cast<size_t>(std::max<int64_t>(size_min, 0));
    } else {
      return errors::Syntax();
    }
  }
  if (options.length_only && options.indexes) {
    return errors::Generic("If you want both the length and indexes, please just use IDX.");
  }
  return options;
}

void ReplyRange(ReplyWriter& reply, size_t begin, size_t size) {
  reply.Array(2);
  reply.Integer(static_cast<int64_t>(begin));
  reply.Integer(static_cast<int64_t>(begin + size - 1));
}

void ReplyIndexes(ReplyWriter& reply, const Options& options, const std::vector<Match>& matches, int64_t length) {
  const auto is_shown = [&](const Match& match) { return match.size >= options.match_size_min; };
  reply.Map(2);
  reply.Bulk("matches");
  reply.Array(static_cast<size_t>(std::count_if(matches.begin(), matches.end(), is_shown)));
  for (const Match& match : matches) {
    if (!is_shown(match)) continue;
    reply.Array(options.with_match_length ? 3 : 2);
    ReplyRange(reply, match.a_begin, match.size);
    ReplyRange(reply, match.b_begin, match.size);
    if (options.with_match_length) reply.Integer(static_cast<int64_t>(match.size));
  }
  reply.Bulk("len");
  reply.Integer(length);
}

// The string at key `ordinal`; a missing key counts as empty. An integer is printed into `buffer`.
Result<std::string_view> ReadText(CommandContext& context, size_t ordinal, char* buffer) {
  const KeyTable::Slot slot = context.Find(ordinal);
  if (slot.entry == nullptr) return std::string_view();
  if (slot.entry->type() != ValueType::kString) {
    return errors::Generic("The specified keys must contain string values");
  }
  return slot.entry->string().Text(buffer);
}

Status Lcs(CommandContext& context) {
  char buffers[2][kInt64TextMax];
  KVICK_ASSIGN_OR_RETURN(const std::string_view a, ReadText(context, 0, buffers[0]));
  KVICK_ASSIGN_OR_RETURN(const std::string_view b, ReadText(context, 1, buffers[1]));
  KVICK_ASSIGN_OR_RETURN(const Options options, ParseOptions(context));
  const auto size_max_bytes = static_cast<size_t>(context.settings().proto_max_bulk_len_bytes);
  KVICK_ASSIGN_OR_RETURN(const LengthTable table, LengthTable::Make(a, b, size_max_bytes));
  const uint32_t length = table.At(a.size(), b.size());
  if (options.length_only) {
    context.Reply().Integer(length);
    return Status::Ok();
  }
  const std::vector<Match> matches = FindMatches(table, a, b);
  if (options.indexes) {
    ReplyIndexes(context.Reply(), options, matches, length);
    return Status::Ok();
  }
  std::string text;
  text.reserve(length);
  for (auto match = matches.rbegin(); match != matches.rend(); ++match) text += a.substr(match->a_begin, match->size);
  context.Reply().Bulk(text);
  return Status::Ok();
}

constexpr CommandSpec kCommands[] = {
    {
        .name = "LCS",
        .syntax = "key1 key2 [LEN] [IDX] [MINMATCHLEN min-match-len] [WITHMATCHLEN]",
        .summary = "Finds the longest common subsequence of two strings.",
        .since = "7.0.0",
        .group = "string",
        .complexity = "O(N*M) where N and M are the lengths of s1 and s2, respectively",
        .flags = kReadonly,
        .categories = kAclString,
        .keys = {KeyRange(1, 1, 1, kKeyReadOnly | kKeyAccess)},
        .handler = Lcs,
    },
};

}  // namespace

std::span<const CommandSpec> LcsCommands() { return kCommands; }

}  // namespace kvick
