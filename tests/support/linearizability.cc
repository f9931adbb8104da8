#include "support/linearizability.h"

#include <algorithm>
#include <numeric>
#include <unordered_set>
#include <utility>

#include "base/bytes.h"

namespace kvick::test {
namespace {

// One part of a history, and the search through its orders.
class Search {
 public:
  Search(std::vector<const Operation*> operations, const Model& model)
      : operations_(std::move(operations)), model_(model), is_done_(operations_.size(), false) {
    std::sort(operations_.begin(), operations_.end(),
              [](const Operation* a, const Operation* b) { return a->called_at < b->called_at; });
    for (const Operation* operation : operations_) missing_count_ += operation->reply ? 1 : 0;
  }

  bool Run(const Model::State& state) {
    if (missing_count_ == 0) return true;
    if (!seen_.insert(Fingerprint(state)).second) return false;
    // Nobody comes after an operation that returned before it was called.
    uint64_t first_return = UINT64_MAX;
    for (size_t i = 0; i < operations_.size(); ++i) {
      if (!is_done_[i]) first_return = std::min(first_return, operations_[i]->returned_at);
    }
    std::vector<std::string> refused;
    for (size_t i = 0; i < operations_.size() && operations_[i]->called_at < first_return; ++i) {
      if (is_done_[i]) continue;
      const Operation& operation = *operations_[i];
      Model::State next = state;
      const std::string reply = model_.apply(next, operation.request);
      if (operation.reply && *operation.reply != reply) {
        refused.push_back(Describe(operation) + " should have been " + QuoteArgument(reply));
        continue;
      }
      order_.push_back(&operation);
      is_done_[i] = true;
      missing_count_ -= operation.reply ? 1 : 0;
      if (Run(next)) return true;
      missing_count_ += operation.reply ? 1 : 0;
      is_done_[i] = false;
      order_.pop_back();
    }
    if (order_.size() >= farthest_.size() && !refused.empty()) {
      farthest_ = order_;
      refused_ = std::move(refused);
      farthest_state_ = state;
    }
    return false;
  }

  [[nodiscard]] std::string Explanation() const {
    std::string text = "no order explains the replies. The longest that does, of " +
                       std::to_string(operations_.size()) + " operations:\n";
    for (const Operation* operation : farthest_) text += "  " + Describe(*operation) + "\n";
    text += "which leads to\n";
    for (const auto& [key, value] : farthest_state_) text += "  " + key + " = " + value + "\n";
    text += "and then\n";
    for (const std::string& line : refused_) text += "  " + line + "\n";
    return text;
  }

 private:
  static std::string Describe(const Operation& operation) {
    std::string text = "client " + std::to_string(operation.client) + " [" + std::to_string(operation.called_at) + ", ";
    text += operation.reply ? std::to_string(operation.returned_at) + "]" : "...)";
    for (const std::string& word : operation.request) text += " " + word;
    return text + " -> " + (operation.reply ? QuoteArgument(*operation.reply) : "?");
  }

  std::string Fingerprint(const Model::State& state) const {
    std::string text;
    for (size_t i = 0; i < is_done_.size(); ++i) text.push_back(is_done_[i] ? '1' : '0');
    for (const auto& [key, value] : state) {
      text += std::to_string(key.size()) + ":" + key + std::to_string(value.size()) + ":" + value;
    }
    return text;
  }

  std::vector<const Operation*> operations_;
  const Model& model_;
  std::vector<bool> is_done_;
  size_t missing_count_ = 0;  // of operations that returned and have no place yet
  std::unordered_set<std::string> seen_;

  std::vector<const Operation*> order_;
  std::vector<const Operation*> farthest_;
  Model::State farthest_state_;
  std::vector<std::string> refused_;
};

// Operations that share a key, directly or through others, belong together.
std::vector<std::vector<const Operation*>> Parts(const std::vector<Operation>& history, const Model& model) {
  std::vector<size_t> leader(history.size());
  std::iota(leader.begin(), leader.end(), size_t{0});
  const auto find = [&leader](size_t i) {
    while (leader[i] != i) i = leader[i] = leader[leader[i]];
    return i;
  };
  std::map<std::string, size_t> first_with_key;
  for (size_t i = 0; i < history.size(); ++i) {
    const std::vector<std::string> keys = model.keys_of(history[i].request);
    if (keys.empty()) {
      for (size_t j = 0; j < history.size(); ++j) leader[find(j)] = find(i);
    }
    for (const std::string& key : keys) {
      const auto [found, is_new] = first_with_key.emplace(key, i);
      leader[find(i)] = find(found->second);
    }
  }
  std::map<size_t, std::vector<const Operation*>> parts;
  for (size_t i = 0; i < history.size(); ++i) parts[find(i)].push_back(&history[i]);
  std::vector<std::vector<const Operation*>> list;
  for (auto& [first, part] : parts) list.push_back(std::move(part));
  return list;
}

}  // namespace

Verdict CheckLinearizable(std::vector<Operation> history, const Model& model, const Model::State& start) {
  for (const std::vector<const Operation*>& part : Parts(history, model)) {
    Search search(part, model);
    if (!search.Run(start)) return {false, search.Explanation()};
  }
  return {};
}

std::string HistoryRecorder::Record(int client, Request request, const std::function<std::string()>& execute) {
  Operation operation;
  operation.client = client;
  operation.request = std::move(request);
  operation.called_at = next_place_.fetch_add(1);
  std::string reply = execute();
  operation.returned_at = next_place_.fetch_add(1);
  operation.reply = reply;
  operations_[static_cast<size_t>(client)].push_back(std::move(operation));
  return reply;
}

std::vector<Operation> HistoryRecorder::Take() {
  std::vector<Operation> all;
  for (std::vector<Operation>& of_client : operations_) {
    all.insert(all.end(), std::make_move_iterator(of_client.begin()), std::make_move_iterator(of_client.end()));
    of_client.clear();
  }
  return all;
}

}  // namespace kvick::test
