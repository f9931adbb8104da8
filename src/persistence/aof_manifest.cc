#include "persistence/aof_manifest.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <utility>

#include "base/bytes.h"

namespace kvick {
namespace {

constexpr size_t kLineMax = 1024;  // with the line break

std::string NameOf(std::string_view prefix, int64_t sequence, std::string_view kind, std::string_view extension) {
  return std::string(prefix) + "." + std::to_string(sequence) + "." + std::string(kind) + "." + std::string(extension);
}

Status Refuse(std::string_view reason) {
  return Status::Error("\n*** FATAL AOF MANIFEST FILE ERROR ***\n" + std::string(reason));
}

Status RefuseLine(size_t number, std::string_view line, std::string_view reason) {
  return Refuse("Reading the manifest file, at line " + std::to_string(number) + "\n>>> '" + std::string(line) + "'\n" +
                std::string(reason));
}

std::string QuoteIfNeeded(const std::string& name) {
  const bool is_plain = std::all_of(name.begin(), name.end(), [](char c) {
    return std::isgraph(static_cast<unsigned char>(c)) != 0 && c != '\\' && c != '"' && c != '\'';
  });
  return is_plain && !name.empty() ? name : QuoteArgument(name);
}

void AppendLine(const AofFile& file, std::string* text) {
  *text += "file " + QuoteIfNeeded(file.name) + " seq " + std::to_string(file.sequence) + " type ";
  text->push_back(static_cast<char>(file.kind));
  text->push_back('\n');
}

// One line's file; the text is the reason why there is none.
Result<AofFile> ParseLine(std::string_view line) {
  const Status invalid = Status::Error("Invalid AOF manifest file format");
  std::vector<std::string> words;
  if (!SplitArguments(line, &words) || words.size() < 6 || words.size() % 2 != 0) return invalid;
  AofFile file;
  char kind = 0;
  for (size_t i = 0; i < words.size(); i += 2) {
    const std::string& value = words[i + 1];
    if (EqualsIgnoreCase(words[i], "file")) {
      if (value.find('/') != std::string::npos) return Status::Error("File can't be a path, just a filename");
      file.name = value;
    } else if (EqualsIgnoreCase(words[i], "seq")) {
      file.sequence = std::atoll(value.c_str());
    } else if (EqualsIgnoreCase(words[i], "type")) {
      kind = value.empty() ? '\0' : value[0];
    }
  }
  if (file.name.empty() || file.sequence <= 0 || kind == 0) return invalid;
  if (kind != 'b' && kind != 'i' && kind != 'h') return Status::Error("Unknown AOF file type");
  file.kind = static_cast<AofFile::Kind>(kind);
  return file;
}

}  // namespace

Result<AofManifest> AofManifest::Parse(std::string_view text) {
  if (text.empty()) return Refuse("Found an empty AOF manifest");
  AofManifest manifest;
  for (size_t number = 1; !text.empty(); ++number) {
    const size_t end = text.find('\n');
    if (end == std::string_view::npos || end + 1 > kLineMax) {
      return Refuse("The AOF manifest file contains too long line");
    }
    const bool is_comment = text[0] == '#';
    const std::string_view line = TrimBlanks(text.substr(0, end));
    text.remove_prefix(end + 1);
    if (is_comment) continue;
    Result<AofFile> file = ParseLine(line);
    if (!file.ok()) return RefuseLine(number, line, file.status().text());
    switch (file->kind) {
      case AofFile::Kind::kBase:
        if (manifest.base) return RefuseLine(number, line, "Found duplicate base file information");
        manifest.base_sequence = file->sequence;
        manifest.base = std::move(file).value();
        break;
      case AofFile::Kind::kIncrement:
        if (file->sequence <= manifest.increment_sequence) {
          return RefuseLine(number, line, "Found a non-monotonic sequence number");
        }
        manifest.increment_sequence = file->sequence;
        manifest.increments.push_back(std::move(file).value());
        break;
      case AofFile::Kind::kHistory: manifest.history.push_back(std::move(file).value()); break;
    }
  }
  return manifest;
}

std::string AofManifest::Format() const {
  std::string text;
  if (base) AppendLine(*base, &text);
  for (const AofFile& file : history) AppendLine(file, &text);
  for (const AofFile& file : increments) AppendLine(file, &text);
  return text;
}

std::vector<AofFile> AofManifest::DataFiles() const {
  std::vector<AofFile> files;
  if (base) files.push_back(*base);
  files.insert(files.end(), increments.begin(), increments.end());
  return files;
}

const AofFile& AofManifest::AddIncrement(std::string_view prefix) {
  ++increment_sequence;
  increments.push_back(
      {NameOf(prefix, increment_sequence, "incr", "aof"), increment_sequence, AofFile::Kind::kIncrement});
  return increments.back();
}

const AofFile& AofManifest::ReplaceBase(std::string_view prefix, std::string_view extension, int64_t kept_from) {
  if (base) {
    base->kind = AofFile::Kind::kHistory;
    history.insert(history.begin(), *base);
  }
  const auto kept = std::find_if(increments.begin(), increments.end(),
                                 [kept_from](const AofFile& file) { return file.sequence >= kept_from; });
  for (auto file = increments.begin(); file != kept; ++file) {
    file->kind = AofFile::Kind::kHistory;
    history.insert(history.begin(), *file);
  }
  increments.erase(increments.begin(), kept);
  ++base_sequence;
  base = AofFile{NameOf(prefix, base_sequence, "base", extension), base_sequence, AofFile::Kind::kBase};
  return *base;
}

}  // namespace kvick
