// Stream nodes from outside: whatever passes the check is walked from both ends with the same result, and survives
// entries that come, that are marked as deleted, and a trim. The first byte chooses which; then 16 bytes of base id.
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/assert.h"
#include "containers/stream_entries.h"

using kvick::Listpack;
using kvick::ListpackValue;
using kvick::StreamCursor;
using kvick::StreamEntries;
using kvick::StreamId;
using kvick::StreamNode;

namespace {

std::vector<StreamId> Ids(const StreamEntries& entries) {
  std::vector<StreamId> ids;
  size_t text_bytes = 0;
  for (StreamCursor at = entries.Seek(StreamId::Min()); at.is_valid(); at.Next()) {
    ids.push_back(at.id());
    at.ForEachField([&text_bytes](const ListpackValue& field, const ListpackValue& value) {
      text_bytes += field.text_size() + value.text_size();
    });
  }
  KVICK_ASSERT(ids.size() == entries.count());
  KVICK_ASSERT(ids.empty() || text_bytes < size_t{1} << 30);
  size_t left = ids.size();
  for (StreamCursor at = entries.SeekBackwards(StreamId::Max()); at.is_valid(); at.Previous()) {
    KVICK_ASSERT(at.id() == ids[--left]);
  }
  KVICK_ASSERT(left == 0);
  return ids;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 17) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const StreamId base = StreamId::FromKey(input.substr(1, 16));
  const std::string_view bytes = input.substr(17);
  if (!StreamNode::IsValid(bytes, base)) return 0;
  StreamEntries entries;
  entries.AdoptNode(base, *Listpack::FromBytes(bytes));
  const std::vector<StreamId> ids = Ids(entries);
  if (!ids.empty()) {
    KVICK_ASSERT(entries.Erase(ids[data[0] % ids.size()]));
    KVICK_ASSERT(!entries.Contains(ids[data[0] % ids.size()]));
    Ids(entries);
  }
  const std::optional<StreamId> next = StreamId::Max().Previous();
  if (ids.empty() || ids.back() < *next) {
    const std::string_view fields[] = {"field", "-12345"};
    entries.Append(*next, fields, {});
    KVICK_ASSERT(Ids(entries).back() == *next);
  }
  kvick::StreamTrim trim;
  trim.strategy = data[0] % 2 == 0 ? kvick::StreamTrim::Strategy::kMaxLength : kvick::StreamTrim::Strategy::kMinId;
  trim.length_max = data[0] / 2u;
  trim.id_min = base;
  const size_t before = entries.count();
  const kvick::StreamTrimmed trimmed = entries.Trim(trim, nullptr);
  KVICK_ASSERT(entries.count() + trimmed.removed_count == before);
  Ids(entries);
  return 0;
}
