#include "config/option_table.h"

#include <algorithm>
#include <iterator>

#include "base/bytes.h"
#include "config/option_rows.h"

namespace kvick {
namespace {

std::vector<OptionSpec> AllOptions() {
  std::vector<OptionSpec> all;
  for (auto* group :
       {NetworkOptions, GeneralOptions, ClientOptions, MemoryOptions, EncodingOptions, ObservabilityOptions,
        PersistenceOptions, ReplicationOptions, ClusterOptions, TlsOptions, ComponentOptions}) {
    std::vector<OptionSpec> rows = group();
    all.insert(all.end(), std::make_move_iterator(rows.begin()), std::make_move_iterator(rows.end()));
  }
  std::sort(all.begin(), all.end(), [](const OptionSpec& a, const OptionSpec& b) { return a.name < b.name; });
  return all;
}

// At single spaces: two in a row have an empty word between them, which no directive accepts.
std::vector<std::string> SplitAtSpaces(const std::string& text) {
  std::vector<std::string> words;
  size_t start = 0;
  while (!text.empty() && start <= text.size()) {
    const size_t end = std::min(text.find(' ', start), text.size());
    words.push_back(text.substr(start, end - start));
    start = end + 1;
  }
  return words;
}

// A directive of several words may have them all in one argument: save "900 1 300 10".
Result<std::vector<std::string>> WordsFor(const OptionSpec& spec, const std::vector<std::string>& words) {
  if (spec.Has(kOptionMultiArg)) return words.size() == 1 ? SplitAtSpaces(words[0]) : words;
  if (words.size() != 1) return Status::Error("wrong number of arguments");
  return words;
}

Status UnknownOption(std::string_view name) {
  return Status::Error("ERR Unknown option or number of arguments for CONFIG SET - '" + std::string(name) + "'");
}

Status SetFailed(std::string_view name, std::string_view reason) {
  return Status::Error("ERR CONFIG SET failed (possibly related to argument '" + std::string(name) + "') - " +
                       std::string(reason));
}

Status StillLoading() { return Status::Error("LOADING Redis is loading the dataset in memory"); }

bool IsPattern(std::string_view text) { return text.find_first_of("*?[") != std::string_view::npos; }

}  // namespace

OptionTable::OptionTable(Settings* settings) : settings_(settings), specs_(AllOptions()) {
  for (size_t i = 0; i < specs_.size(); ++i) {
    const bool is_new = index_by_name_.emplace(specs_[i].name, i).second;
    const bool alias_is_new = specs_[i].alias.empty() || index_by_name_.emplace(specs_[i].alias, i).second;
    KVICK_ASSERT(is_new && alias_is_new);
  }
}

const OptionSpec* OptionTable::Find(std::string_view name) const {
  const auto found = index_by_name_.find(ToLower(name));
  return found == index_by_name_.end() ? nullptr : &specs_[found->second];
}

std::string OptionTable::Value(const OptionSpec& spec) const { return spec.format(spec, *settings_); }

std::string OptionTable::DefaultValue(const OptionSpec& spec) const { return spec.format(spec, defaults_); }

std::vector<OptionValue> OptionTable::Get(const std::vector<std::string>& patterns) const {
  std::map<std::string, std::string> shown_names;  // by name; a full name is shown as the client wrote it
  for (const std::string& pattern : patterns) {
    if (!IsPattern(pattern)) {
      std::string name = ToLower(pattern);
      if (index_by_name_.contains(name)) shown_names.emplace(std::move(name), pattern);
      continue;
    }
    for (const auto& [name, index] : index_by_name_) {
      if (!specs_[index].Has(kOptionHidden) && MatchesGlob(pattern, name, true)) shown_names.emplace(name, name);
    }
  }
  std::vector<OptionValue> values;
  values.reserve(shown_names.size());
  for (auto& [name, shown] : shown_names) values.push_back({std::move(shown), Value(*Find(name))});
  return values;
}

Status OptionTable::SetFromFile(const OptionSpec& spec, const std::vector<std::string>& words) {
  KVICK_ASSIGN_OR_RETURN(const std::vector<std::string> split, WordsFor(spec, words));
  return spec.store(spec, split, OptionSource::kFile, settings_);
}

Status OptionTable::CheckTogether() const {
  for (const OptionSpec& spec : specs_) {
    if (spec.check_together) KVICK_RETURN_IF_ERROR(spec.check_together(*settings_));
  }
  return Status::Ok();
}

void OptionTable::OnChange(std::initializer_list<std::string_view> names, ChangeHook hook) {
  Hook added{.watched = {}, .run = std::move(hook)};
  for (const std::string_view name : names) {
    const OptionSpec* spec = Find(name);
    KVICK_ASSERT(spec != nullptr);
    added.watched.push_back(spec);
  }
  hooks_.push_back(std::move(added));
}

Status OptionTable::Set(const std::vector<std::pair<std::string, std::string>>& assignments,
                        const SetContext& context) {
  auto checked = CheckAssignments(assignments, context);
  if (!checked.ok()) return checked.status();
  Settings old_settings = *settings_;
  std::vector<Assignment>& work = *checked;
  size_t hooks_run = 0;
  Status status = StoreAll(&work);
  if (status.ok()) status = RunHooks(work, &hooks_run);
  if (status.ok()) return status;

  *settings_ = std::move(old_settings);
  for (const Assignment& assignment : work) {
    // What the process itself was told cannot be copied back, so it is told again.
    if (!assignment.spec->Has(kOptionProcessEffect)) continue;
    static_cast<void>(
        assignment.spec->store(*assignment.spec, {assignment.old_value}, OptionSource::kCommand, settings_).ok());
  }
  // The old values were good before, and there is nothing left to do should a hook refuse them now.
  for (size_t i = 0; i < hooks_run; ++i) {
    if (Concerns(hooks_[i], work) != nullptr) static_cast<void>(hooks_[i].run().ok());
  }
  return status;
}

Result<std::vector<OptionTable::Assignment>> OptionTable::CheckAssignments(
    const std::vector<std::pair<std::string, std::string>>& assignments, const SetContext& context) const {
  std::vector<Assignment> checked;
  for (const auto& [name, value] : assignments) {
    const OptionSpec* spec = Find(name);
    if (spec == nullptr) return UnknownOption(name);
    if (spec->Has(kOptionImmutable)) return SetFailed(name, "can't set immutable config");
    if (spec->Has(kOptionProtected) && !context.protected_allowed) return SetFailed(name, "can't set protected config");
    if (spec->Has(kOptionDenyLoading) && context.loading) return StillLoading();
    for (const Assignment& earlier : checked) {
      if (EqualsIgnoreCase(earlier.name, name)) return SetFailed(name, "duplicate parameter");
    }
    checked.push_back({.name = name, .spec = spec, .words = {value}, .old_value = Value(*spec)});
  }
  return checked;
}

Status OptionTable::StoreAll(std::vector<Assignment>* assignments) {
  for (Assignment& assignment : *assignments) {
    const OptionSpec& spec = *assignment.spec;
    const auto words = WordsFor(spec, assignment.words);
    Status status = words.ok() ? spec.store(spec, *words, OptionSource::kCommand, settings_) : words.status();
    if (!status.ok()) return SetFailed(ToLower(assignment.name), status.text());
    assignment.is_changed = spec.Has(kOptionVolatile) || Value(spec) != assignment.old_value;
  }
  for (const Assignment& assignment : *assignments) {
    if (!assignment.spec->check_together) continue;
    const Status status = assignment.spec->check_together(*settings_);
    if (!status.ok()) return SetFailed(ToLower(assignment.name), status.text());
  }
  return Status::Ok();
}

const OptionTable::Assignment* OptionTable::Concerns(const Hook& hook, const std::vector<Assignment>& assignments) {
  for (const Assignment& assignment : assignments) {
    const bool is_watched = std::find(hook.watched.begin(), hook.watched.end(), assignment.spec) != hook.watched.end();
    if (assignment.is_changed && is_watched) return &assignment;
  }
  return nullptr;
}

Status OptionTable::RunHooks(const std::vector<Assignment>& assignments, size_t* hooks_run) {
  for (const Hook& hook : hooks_) {
    ++*hooks_run;
    const Assignment* cause = Concerns(hook, assignments);
    if (cause == nullptr) continue;
    const Status status = hook.run();
    if (!status.ok()) return SetFailed(ToLower(cause->name), status.text());
  }
  return Status::Ok();
}

std::vector<RewriteLine> OptionTable::RewriteLines(const OptionSpec& spec) const {
  if (spec.rewrite) return spec.rewrite(*settings_);
  std::string value = Value(spec);
  if (value.empty() && spec.Has(kOptionUnsetIfEmpty)) return {};
  const bool is_needed = value != DefaultValue(spec);
  if (spec.kind == OptionKind::kText) return {{QuoteArgument(value), is_needed}};
  const bool is_size = spec.unit == NumberUnit::kMemory || spec.unit == NumberUnit::kMemoryOrPercent;
  if (is_size && value.back() != '%') value = FormatMemoryWithUnit(*ParseMemory(value));
  return {{std::move(value), is_needed}};
}

}  // namespace kvick
