#include "security/user.h"

#include <algorithm>
#include <utility>

#include "base/bytes.h"
#include "security/password_hash.h"

namespace kvick {

bool IsUserName(std::string_view name) { return !HasBlank(name); }

std::vector<std::string> JoinSelectors(const std::vector<std::string>& words, std::string* unclosed) {
  std::vector<std::string> rules;
  std::string selector;  // as far as it was read
  unclosed->clear();
  for (const std::string& word : words) {
    if (!selector.empty()) {
      selector += " " + word;
      if (word.ends_with(')')) {
        rules.push_back(std::exchange(selector, std::string()));
        unclosed->clear();
      }
    } else if (word.starts_with('(') && !word.ends_with(')')) {
      selector = *unclosed = word;
    } else {
      rules.push_back(word);
    }
  }
  return rules;
}

User::User(std::string name, const CommandCatalog& catalog, const RuleDefaults& defaults)
    : name_(std::move(name)), catalog_(&catalog), selectors_(1, Selector(catalog, defaults)) {}

void User::Become(const User& other) {
  std::string name = std::move(name_);
  *this = other;
  name_ = std::move(name);
}

void User::Reset(const RuleDefaults& defaults) {
  is_enabled_ = needs_no_password_ = skips_payload_checks_ = false;
  password_hashes_.clear();
  selectors_.resize(1, selectors_[0]);
  selectors_[0].Reset(defaults);
}

void User::AddPassword(std::string hash) {
  needs_no_password_ = false;
  if (std::find(password_hashes_.begin(), password_hashes_.end(), hash) == password_hashes_.end()) {
    password_hashes_.push_back(std::move(hash));
  }
}

RuleProblem User::RemovePassword(const std::string& hash) {
  const auto found = std::find(password_hashes_.begin(), password_hashes_.end(), hash);
  if (found == password_hashes_.end()) return RuleProblem::kNoSuchPassword;
  password_hashes_.erase(found);
  return RuleProblem::kNone;
}

RuleProblem User::Apply(std::string_view rule, const RuleDefaults& defaults) {
  if (rule.empty()) return RuleProblem::kNone;
  const auto is = [rule](std::string_view word) { return EqualsIgnoreCase(rule, word); };
  const std::string_view rest = rule.substr(1);
  if (is("on") || is("off")) {
    is_enabled_ = is("on");
  } else if (is("nopass")) {
    needs_no_password_ = true;
    password_hashes_.clear();
  } else if (is("resetpass")) {
    needs_no_password_ = false;
    password_hashes_.clear();
  } else if (is("skip-sanitize-payload") || is("sanitize-payload")) {
    skips_payload_checks_ = is("skip-sanitize-payload");
  } else if (is("reset")) {
    Reset(defaults);
  } else if (is("clearselectors")) {
    selectors_.resize(1, selectors_[0]);
  } else if (rule[0] == '>') {
    AddPassword(HashPassword(rest));
  } else if (rule[0] == '<') {
    return RemovePassword(HashPassword(rest));
  } else if (rule[0] == '#' || rule[0] == '!') {
    if (!IsPasswordHash(rest)) return RuleProblem::kBadPasswordHash;
    if (rule[0] == '!') return RemovePassword(std::string(rest));
    AddPassword(std::string(rest));
  } else if (rule[0] == '(' && rule.back() == ')') {
    Selector selector(*catalog_, defaults);
    const RuleProblem problem = Selector::Parse(rule.substr(1, rule.size() - 2), *catalog_, defaults, &selector);
    if (problem != RuleProblem::kNone) return problem;
    selectors_.push_back(std::move(selector));
  } else {
    return selectors_[0].Apply(rule, defaults);
  }
  return RuleProblem::kNone;
}

bool User::AcceptsPassword(std::string_view password) const {
  const std::string hash = HashPassword(password);
  bool accepts = needs_no_password_;
  for (const std::string& known : password_hashes_) accepts = EqualsConstantTime(hash, known) || accepts;
  return accepts;
}

// The denial that came nearest is the one to tell.
Denial User::Check(const AttemptedCall& call) const {
  Denial nearest;
  for (const Selector& selector : selectors_) {
    Denial denial = selector.Check(call);
    if (denial.allowed()) return denial;
    if (nearest.allowed() || denial.IsNearerThan(nearest)) nearest = std::move(denial);
  }
  return nearest;
}

bool User::AllowsReadingEverything(const AttemptedCall& call) const {
  return std::any_of(selectors_.begin(), selectors_.end(),
                     [&](const Selector& selector) { return selector.AllowsReadingEverything(call); });
}

bool User::AllowsChannel(ChannelKind kind, std::string_view name) const {
  return std::any_of(selectors_.begin(), selectors_.end(),
                     [&](const Selector& selector) { return selector.AllowsChannel(kind, name); });
}

bool User::AllowsReadingKey(std::string_view name) const {
  return std::any_of(selectors_.begin(), selectors_.end(),
                     [&](const Selector& selector) { return selector.AllowsReadingKey(name); });
}

bool User::allows_everything() const {
  return std::any_of(selectors_.begin(), selectors_.end(),
                     [](const Selector& selector) { return selector.allows_everything(); });
}

std::vector<std::string_view> User::Flags() const {
  std::vector<std::string_view> flags = {is_enabled_ ? "on" : "off"};
  if (needs_no_password_) flags.push_back("nopass");
  flags.push_back(skips_payload_checks_ ? "skip-sanitize-payload" : "sanitize-payload");
  return flags;
}

std::vector<std::string> User::Rules() const {
  std::vector<std::string> rules;
  for (const std::string_view flag : Flags()) rules.emplace_back(flag);
  for (const std::string& hash : password_hashes_) rules.push_back("#" + hash);
  for (std::string& rule : selectors_[0].Rules()) rules.push_back(std::move(rule));
  for (size_t i = 1; i < selectors_.size(); ++i) rules.push_back(selectors_[i].Text());
  return rules;
}

std::string User::Line() const {
  std::string line = name_;
  for (const std::string& rule : Rules()) line += " " + rule;
  return line;
}

std::string User::ConfigurationLine() const {
  const auto quoted = [](const std::string& word) {
    return word.empty() || word.find_first_of("\"'\\") != std::string::npos ? QuoteArgument(word) : word;
  };
  std::string line = quoted(name_);
  for (const std::string& rule : Rules()) line += " " + quoted(rule);
  return line;
}

}  // namespace kvick
