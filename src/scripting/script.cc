#include "scripting/script.h"

#include <utility>
#include <vector>

#include "base/bytes.h"
#include "scripting/script_run.h"

namespace kvick {
namespace {

constexpr std::pair<uint32_t, std::string_view> kFlags[] = {
    {kScriptNoWrites, "no-writes"},
    {kScriptAllowOom, "allow-oom"},
    {kScriptAllowStale, "allow-stale"},
    {kScriptNoCluster, "no-cluster"},
    {kScriptAllowCrossSlotKeys, "allow-cross-slot-keys"},
};

bool IsLibraryName(std::string_view name) {
  if (name.empty()) return false;
  for (const char c : name) {
    const bool is_word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
    if (!is_word) return false;
  }
  return true;
}

}  // namespace

uint32_t ScriptFlagNamed(std::string_view name) {
  for (const auto& [flag, known] : kFlags) {
    if (known == name) return flag;
  }
  return 0;
}

std::string_view ScriptFlagName(uint32_t flag) {
  for (const auto& [known, name] : kFlags) {
    if (known == flag) return name;
  }
  return {};
}

Result<Shebang> ParseScriptShebang(std::string_view text) {
  Shebang shebang;
  const size_t end = text.find('\n');
  if (end == std::string_view::npos) return Status::Error("ERR Invalid script shebang");
  shebang.size_bytes = end;
  std::vector<std::string> words;
  if (!SplitArguments(text.substr(0, end), &words) || words.empty()) {
    return Status::Error("ERR Invalid engine in script shebang");
  }
  if (words[0] != "#!lua") return Status::Error("ERR Unexpected engine in script shebang: " + words[0]);
  shebang.engine = words[0].substr(2);
  for (size_t i = 1; i < words.size(); ++i) {
    constexpr std::string_view kFlagsOption = "flags=";
    if (words[i].rfind(kFlagsOption, 0) != 0) {
      return Status::Error("ERR Unknown lua shebang option: " + words[i]);
    }
    std::string_view rest = std::string_view(words[i]).substr(kFlagsOption.size());
    while (!rest.empty()) {
      const std::string_view name = rest.substr(0, rest.find(','));
      rest.remove_prefix(std::min(rest.size(), name.size() + 1));
      const uint32_t flag = ScriptFlagNamed(name);
      if (flag == 0) return Status::Error("ERR Unexpected flag in script shebang: " + std::string(name));
      shebang.flags |= flag;
    }
  }
  return shebang;
}

Result<Shebang> ParseLibraryShebang(std::string_view text) {
  Shebang shebang;
  if (text.rfind("#!", 0) != 0) return Status::Error("ERR Missing library metadata");
  const size_t end = text.find('\n');
  if (end == std::string_view::npos) return Status::Error("ERR Invalid library metadata");
  shebang.size_bytes = end;
  std::vector<std::string> words;
  if (!SplitArguments(text.substr(0, end), &words) || words.empty()) {
    return Status::Error("ERR Invalid library metadata");
  }
  shebang.engine = words[0].substr(2);
  for (size_t i = 1; i < words.size(); ++i) {
    constexpr std::string_view kNameOption = "name=";
    if (!EqualsIgnoreCase(std::string_view(words[i]).substr(0, kNameOption.size()), kNameOption)) {
      return Status::Error("ERR Invalid metadata value given: " + words[i]);
    }
    if (shebang.has_name) {
      return Status::Error("ERR Invalid metadata value, name argument was given multiple times");
    }
    shebang.name = words[i].substr(kNameOption.size());
    shebang.has_name = true;
  }
  if (!shebang.has_name) return Status::Error("ERR Library name was not given");
  if (!IsLibraryName(shebang.name)) {
    return Status::Error(
        "ERR Library names can only contain letters, numbers, or underscores(_) and must be at least one character "
        "long");
  }
  if (!EqualsIgnoreCase(shebang.engine, "lua")) return Status::Error("ERR Engine '" + shebang.engine + "' not found");
  return shebang;
}

}  // namespace kvick
