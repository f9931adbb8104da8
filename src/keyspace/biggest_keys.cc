#include "keyspace/biggest_keys.h"

#include <algorithm>

namespace kvick {
namespace {

auto FindCandidate(std::vector<BiggestKeys::Candidate>& candidates, uint64_t hash, std::string_view name) {
  return std::find_if(candidates.begin(), candidates.end(), [&](const BiggestKeys::Candidate& candidate) {
    return candidate.hash == hash && candidate.name == name;
  });
}

bool HasSmallerBin(const BiggestKeys::Candidate& a, const BiggestKeys::Candidate& b) { return a.bin < b.bin; }

}  // namespace

void BiggestKeys::SetFloor(Row& row) {
  const unsigned floor = row.candidates.size() < kCandidatesMax
                             ? 0
                             : std::min_element(row.candidates.begin(), row.candidates.end(), HasSmallerBin)->bin;
  row.floor.store(floor, std::memory_order_relaxed);
}

void BiggestKeys::Offer(size_t row_index, unsigned bin, uint64_t hash, std::string_view name) {
  if (name.size() > kNameBytesMax) return;
  Row& row = rows_[row_index];
  SpinLockHolder holder(row.lock);
  const auto known = FindCandidate(row.candidates, hash, name);
  if (known != row.candidates.end()) {
    known->bin = bin;
  } else if (row.candidates.size() < kCandidatesMax) {
    row.candidates.push_back({hash, bin, std::string(name)});
  } else {
    const auto smallest = std::min_element(row.candidates.begin(), row.candidates.end(), HasSmallerBin);
    if (smallest->bin >= bin) return;
    *smallest = {hash, bin, std::string(name)};
  }
  SetFloor(row);
}

void BiggestKeys::Forget(size_t row_index, uint64_t hash, std::string_view name) {
  Row& row = rows_[row_index];
  SpinLockHolder holder(row.lock);
  const auto known = FindCandidate(row.candidates, hash, name);
  if (known == row.candidates.end()) return;
  std::swap(*known, row.candidates.back());
  row.candidates.pop_back();
  SetFloor(row);
}

std::vector<BiggestKeys::Candidate> BiggestKeys::Candidates(size_t row_index) const {
  const Row& row = rows_[row_index];
  SpinLockHolder holder(row.lock);
  return row.candidates;
}

void BiggestKeys::Clear() {
  for (Row& row : rows_) {
    SpinLockHolder holder(row.lock);
    row.candidates.clear();
    SetFloor(row);
  }
}

}  // namespace kvick
