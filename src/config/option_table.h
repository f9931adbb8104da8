// OptionTable knows every directive by name and by its old name, reads and changes their values in a Settings, and
// speaks about them exactly as CONFIG GET and CONFIG SET do.
//
//   Settings settings;
//   OptionTable options(&settings);
//   options.OnChange({"maxmemory"}, [&] { return engine.ApplyMaxMemory(); });
//   Status status = options.Set({{"maxmemory", "1gb"}}, {});
//   for (const OptionValue& option : options.Get({"max*"})) ...
//
// Thread rule: that of Settings. Get and Find may run whenever the settings may be read; Set in an exclusive moment;
// OnChange before the workers run. Setting `dir` changes the working directory of the process.
#pragma once

#include <functional>
#include <initializer_list>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"
#include "config/option_spec.h"
#include "config/settings.h"

namespace kvick {

struct OptionValue {
  std::string name;
  std::string value;
  bool operator==(const OptionValue&) const = default;
};

// What CONFIG SET must know about the moment and the client.
struct SetContext {
  bool loading = false;            // a data set is being loaded
  bool protected_allowed = false;  // enable-protected-configs admits this client
};

class OptionTable {
 public:
  using ChangeHook = std::function<Status()>;

  // `settings` outlives the table.
  explicit OptionTable(Settings* settings);
  OptionTable(const OptionTable&) = delete;
  OptionTable& operator=(const OptionTable&) = delete;

  // By name or old name, in any case; null when there is none.
  [[nodiscard]] const OptionSpec* Find(std::string_view name) const;
  // Sorted by name.
  [[nodiscard]] const std::vector<OptionSpec>& specs() const { return specs_; }
  [[nodiscard]] const Settings& settings() const { return *settings_; }
  [[nodiscard]] Settings* mutable_settings() { return settings_; }

  // The value as CONFIG GET prints it.
  [[nodiscard]] std::string Value(const OptionSpec& spec) const;
  [[nodiscard]] std::string DefaultValue(const OptionSpec& spec) const;

  // CONFIG GET: every name and old name that one of the patterns matches, sorted, each once.
  [[nodiscard]] std::vector<OptionValue> Get(const std::vector<std::string>& patterns) const;

  // CONFIG SET: all or nothing. The Status is the whole error reply.
  Status Set(const std::vector<std::pair<std::string, std::string>>& assignments, const SetContext& context);

  // One directive of a file or of the arguments; immutable ones too. The Status is the bare reason. No hooks run.
  Status SetFromFile(const OptionSpec& spec, const std::vector<std::string>& words);

  // Whether values that limit each other agree; after a whole file was read. The Status is the bare reason.
  [[nodiscard]] Status CheckTogether() const;

  // `hook` runs once after a CONFIG SET stored all its values, when one of `names` changed by it; hooks run in the
  // order of their registration. When one fails, everything is set back, the hooks that ran run again on the old
  // values, and its text becomes the reason in the reply.
  void OnChange(std::initializer_list<std::string_view> names, ChangeHook hook);

  // The value as it stands in a file: sizes in units, texts quoted.
  [[nodiscard]] std::vector<RewriteLine> RewriteLines(const OptionSpec& spec) const;

 private:
  struct Hook {
    std::vector<const OptionSpec*> watched;
    ChangeHook run;
  };
  struct Assignment {
    std::string_view name;  // as the client wrote it
    const OptionSpec* spec;
    std::vector<std::string> words;
    std::string old_value;
    bool is_changed = false;
  };

  Result<std::vector<Assignment>> CheckAssignments(const std::vector<std::pair<std::string, std::string>>& assignments,
                                                   const SetContext& context) const;
  Status StoreAll(std::vector<Assignment>* assignments);
  // The first changed assignment that the hook watches, or null.
  static const Assignment* Concerns(const Hook& hook, const std::vector<Assignment>& assignments);
  // `hooks_run` counts those that were come to, the failing one included.
  Status RunHooks(const std::vector<Assignment>& assignments, size_t* hooks_run);

  Settings* settings_;
  const Settings defaults_;
  std::vector<OptionSpec> specs_;
  std::map<std::string, size_t, std::less<>> index_by_name_;  // lower case; names and old names
  std::vector<Hook> hooks_;
};

}  // namespace kvick
