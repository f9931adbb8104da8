#include "persistence/rdb_value_reader.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <memory>
#include <optional>

#include "base/numbers.h"
#include "base/secret_hash.h"
#include "persistence/old_packs.h"
#include "persistence/rdb_stream_codec.h"

namespace kvick {
namespace {

// Moments are kept in 48 bits by some; nobody means more.
constexpr int64_t kMomentMax = (int64_t{1} << 48) - 1;

size_t LongestText(const ListpackView& pack, size_t stride, size_t counted) {
  size_t longest = 0;
  size_t index = 0;
  for (auto at = pack.First(); at != Listpack::kNone; at = pack.Next(at), ++index) {
    if (index % stride < counted) longest = std::max(longest, pack.Get(at).text_size());
  }
  return longest;
}

}  // namespace

// How a hash says when its fields expire.
struct RdbValueReader::HashExpiryForm {
  bool has_moments = false;
  bool has_earliest = false;    // which the moments are relative to
  bool moments_follow = false;  // behind the value, eight bytes, -1: never
};

void RdbValueReader::SeenElements::Reset(size_t count) {
  const size_t capacity = std::bit_ceil(count * 2 + 2);
  if (slots_.size() < capacity) slots_.resize(capacity);
  used_.assign(capacity, 0);
}

bool RdbValueReader::SeenElements::Add(const ListpackValue& given) {
  // Whoever wrote the file may have stored the text of a number as bytes.
  const ListpackValue value = given.is_integer ? given : ListpackValue::FromText(given.bytes);
  const std::string_view hashed =
      value.is_integer ? std::string_view(reinterpret_cast<const char*>(&value.integer), sizeof(value.integer))
                       : value.bytes;
  const size_t mask = used_.size() - 1;
  for (size_t i = SecretHash(hashed) & mask;; i = (i + 1) & mask) {
    if (used_[i] == 0) {
      used_[i] = 1;
      slots_[i] = value;
      return true;
    }
    if (slots_[i] == value) return false;
  }
}

bool RdbValueReader::IsWithoutDuplicates(const ListpackView& pack, size_t stride) {
  const size_t count = pack.count() / stride;
  if (count < 2) return true;
  seen_.Reset(count);
  Listpack::Position at = pack.First();
  for (size_t i = 0; i < count; ++i) {
    if (!seen_.Add(pack.Take(&at))) return false;
    at = pack.Skip(at, stride - 1);
  }
  return true;
}

ListpackView RdbValueReader::TakeListpack(RdbBytes& bytes) {
  const std::string_view pack = bytes.TakeString(&first_);
  if (bytes.ok() && !ListpackView::IsValid(pack, ListpackView::Check::kDeep)) bytes.Fail("a listpack is damaged");
  if (bytes.ok()) return ListpackView(pack);
  converted_ = Listpack();
  return converted_;
}

ListpackView RdbValueReader::TakeZiplist(RdbBytes& bytes) {
  converted_ = Listpack();
  const std::string_view ziplist = bytes.TakeString(&first_);
  if (!bytes.ok()) return converted_;
  std::optional<Listpack> pack = ListpackOfZiplist(ziplist);
  if (pack) converted_ = std::move(*pack);
  if (!pack) bytes.Fail("a ziplist is damaged");
  return converted_;
}

RdbValueReader::Outcome RdbValueReader::Read(uint8_t type, RdbBytes* bytes, RdbValue* value) {
  is_empty_ = false;
  value->Clear();
  const auto known = static_cast<RdbType>(type);
  switch (known) {
    case RdbType::kString: value->SetText(bytes->TakeString(&text_)); break;
    case RdbType::kList: ReadList(*bytes, value); break;
    case RdbType::kListZiplist:
    case RdbType::kListZiplists:
    case RdbType::kListNodes: ReadListNodes(known, *bytes, value); break;
    case RdbType::kSet: ReadSet(*bytes, value); break;
    case RdbType::kSetIntset: ReadIntset(*bytes, value); break;
    case RdbType::kSetListpack: ReadSetListpack(*bytes, value); break;
    case RdbType::kSortedSetText:
    case RdbType::kSortedSet: ReadSortedSet(known, *bytes, value); break;
    case RdbType::kSortedSetListpack: ReadSortedSetPack(TakeListpack(*bytes), *bytes, value); break;
    case RdbType::kSortedSetZiplist: ReadSortedSetPack(TakeZiplist(*bytes), *bytes, value); break;
    case RdbType::kHash: ReadHash(*bytes, {}, value); break;
    case RdbType::kHashListpack: ReadHashPack(TakeListpack(*bytes), *bytes, value); break;
    case RdbType::kHashZiplist: ReadHashPack(TakeZiplist(*bytes), *bytes, value); break;
    case RdbType::kHashZipmap: {
      const std::string_view zipmap = bytes->TakeString(&first_);
      std::optional<Listpack> pack = ListpackOfZipmap(zipmap);
      if (!pack) bytes->Fail("a zipmap is damaged");
      if (pack) ReadHashPack(*pack, *bytes, value);
      value->Unpack();
      break;
    }
    case RdbType::kHashExpiryCandidate:
      ReadHash(*bytes, {.has_moments = true, .moments_follow = dialect_.is_valkey}, value);
      break;
    case RdbType::kHashExpiry: ReadHash(*bytes, {.has_moments = true, .has_earliest = true}, value); break;
    case RdbType::kHashListpackExpiry: bytes->TakeInt64(); [[fallthrough]];
    case RdbType::kHashListpackExpiryCandidate: ReadHashMoments(*bytes, value); break;
    case RdbType::kHashTemplateListpack:
    case RdbType::kHashTemplateListpackReference:
    case RdbType::kHashTemplateValues:
    case RdbType::kHashTemplateValuesReference: ReadTemplateHash(known, *bytes, value); break;
    case RdbType::kStream:
    case RdbType::kStream2:
    case RdbType::kStream3:
    case RdbType::kStream4:
    case RdbType::kStream5:
      if (auto stream = ReadRdbStream(known, limits_.idempotence, now_ms_, bytes)) value->SetObject(std::move(stream));
      break;
    case RdbType::kArray: ReadArray(*bytes, value); break;
    case RdbType::kModuleOld:
    case RdbType::kModule: RefuseModule(known, *bytes); break;
    default: bytes->Fail("unknown type of a value"); break;
  }
  if (!bytes->ok()) {
    value->Clear();
    return Outcome::kFailed;
  }
  if (is_empty_) value->Clear();
  return is_empty_ ? Outcome::kEmpty : Outcome::kRead;
}

// Lists.

void RdbValueReader::ReadList(RdbBytes& bytes, RdbValue* value) {
  uint64_t left = bytes.TakeCount(1);
  is_empty_ = left == 0;
  auto list = std::make_unique<ListValue>();
  for (; left > 0 && bytes.ok(); --left) {
    const std::string_view element = bytes.TakeString(&first_);
    list->GrowFor(element.size(), 1, limits_.list);
    list->Push(ListEnd::kTail, element, limits_.list);
  }
  value->SetObject(std::move(list));
}

void RdbValueReader::ReadListNodes(RdbType type, RdbBytes& bytes, RdbValue* value) {
  const auto take_pack = [&] { return type == RdbType::kListNodes ? TakeListpack(bytes) : TakeZiplist(bytes); };
  uint64_t left = type == RdbType::kListZiplist ? 1 : bytes.TakeCount(1);
  std::unique_ptr<Quicklist> quicklist;
  for (const bool is_only = left == 1; left > 0 && bytes.ok(); --left) {
    const uint64_t form = type == RdbType::kListNodes ? bytes.TakeLength() : kRdbNodePacked;
    if (quicklist == nullptr) quicklist = std::make_unique<Quicklist>();
    if (form == kRdbNodePlain) {
      const std::string_view element = bytes.TakeString(&first_);
      if (bytes.ok()) quicklist->AppendPlain(element, limits_.list);
    } else if (form == kRdbNodePacked) {
      const ListpackView pack = take_pack();
      if (!bytes.ok() || pack.empty()) continue;
      if (is_only && limits_.list.Allows(pack.size_bytes(), pack.count())) {
        return value->SetPacked(ValueType::kList, {pack.bytes()});
      }
      quicklist->AppendPack(Listpack::CopyOf(pack), limits_.list);
    } else {
      bytes.Fail("unknown form of a list's node");
    }
  }
  is_empty_ = quicklist == nullptr || quicklist->count() == 0;
  if (is_empty_ || !bytes.ok()) return;
  auto list = std::make_unique<ListValue>(quicklist.release());
  list->Compact(limits_.list);
  value->SetObject(std::move(list));
}

// Sets.

void RdbValueReader::ReadSet(RdbBytes& bytes, RdbValue* value) {
  uint64_t left = bytes.TakeCount(1);
  is_empty_ = left == 0;
  auto set = std::make_unique<SetValue>();
  set->ExpectMore(left, limits_.set);
  if (set->table() != nullptr) set->ReserveTable(left);
  for (; left > 0; --left) {
    const std::string_view member = bytes.TakeString(&first_);
    if (!bytes.ok()) return;
    if (!set->Add(member, limits_.set)) return bytes.Fail("duplicate member of a set");
  }
  value->SetObject(std::move(set));
}

void RdbValueReader::ReadIntset(RdbBytes& bytes, RdbValue* value) {
  const std::string_view integers = bytes.TakeString(&first_);
  if (!bytes.ok()) return;
  if (!Intset::IsValid(integers)) return bytes.Fail("an intset is damaged");
  const size_t count = (integers.size() - Intset::kHeaderBytes) / static_cast<size_t>(integers[0]);
  is_empty_ = count == 0;
  if (count <= limits_.set.intset_entries_max)
    return value->SetPacked(ValueType::kSet, {integers, SetValue::kIntsetKind});
  auto set = std::make_unique<SetValue>(Intset::CopyOf(integers));
  set->ExpectMore(count, limits_.set);
  value->SetObject(std::move(set));
}

void RdbValueReader::ReadSetListpack(RdbBytes& bytes, RdbValue* value) {
  const ListpackView pack = TakeListpack(bytes);
  if (!bytes.ok()) return;
  if (!IsWithoutDuplicates(pack, 1)) return bytes.Fail("duplicate member of a set");
  is_empty_ = pack.empty();
  const size_t count = pack.count();
  if (count <= limits_.set.listpack_entries_max) return value->SetPacked(ValueType::kSet, {pack.bytes()});
  auto set = std::make_unique<SetValue>(Listpack::CopyOf(pack));
  set->ConvertToTable();
  value->SetObject(std::move(set));
}

Status RdbValueReader::SetMemberExpiry(std::string_view member, int64_t expiry_ms, int64_t now_ms, RdbValue* value) {
  value->Unpack();
  if (value->object() == nullptr || value->type() != ValueType::kSet) {
    return Status::Error("moments of members belong to no set");
  }
  auto* set = static_cast<SetValue*>(value->object());
  if (!set->Contains(member)) return Status::Error("a moment belongs to no member of its set");
  set->SetExpiry(member, {std::clamp<int64_t>(expiry_ms, 0, kMomentMax), now_ms});
  return Status::Ok();
}

Status RdbValueReader::SetMemberExpiry(std::string_view moments, int64_t now_ms, RdbValue* value) {
  RdbBytes bytes(moments);
  std::string scratch;
  while (!bytes.is_at_end()) {
    const std::string_view member = bytes.TakeString(&scratch);
    const int64_t expiry_ms = bytes.TakeInt64();
    if (!bytes.ok()) return bytes.ToStatus();
    KVICK_RETURN_IF_ERROR(SetMemberExpiry(member, expiry_ms, now_ms, value));
  }
  return Status::Ok();
}

// Sorted sets.

void RdbValueReader::ReadSortedSet(RdbType type, RdbBytes& bytes, RdbValue* value) {
  const uint64_t count = bytes.TakeCount(type == RdbType::kSortedSet ? 1 + sizeof(double) : 2);
  is_empty_ = count == 0;
  const auto take_score = [&] { return type == RdbType::kSortedSet ? bytes.TakeDouble() : bytes.TakeTextDouble(); };
  if (count <= limits_.sorted_set.listpack_entries_max) {
    std::vector<ScoredText> members;
    members.reserve(count);
    for (uint64_t i = 0; i < count && bytes.ok(); ++i) {
      ScoredText member;
      member.member = bytes.TakeString(&first_);
      member.score = take_score();
      members.push_back(std::move(member));
    }
    if (!bytes.ok()) return;
    seen_.Reset(count);
    for (const ScoredText& member : members) {
      if (!seen_.Add(ListpackValue::FromText(member.member))) return bytes.Fail("duplicate member of a sorted set");
    }
    return value->SetObject(std::make_unique<SortedSetValue>(std::move(members), limits_.sorted_set));
  }
  auto set = std::make_unique<SortedSetValue>(limits_.sorted_set, 0, count);
  members_.clear();
  members_.reserve(count);
  set->BeginLoading(count);
  for (uint64_t i = 0; i < count; ++i) {
    const std::string_view member = bytes.TakeString(&first_);
    const double score = take_score();
    if (!bytes.ok()) return;
    if (!set->LoadMember(member, score, &members_)) return bytes.Fail("duplicate member of a sorted set");
  }
  set->FinishLoading(&members_);
  value->SetObject(std::move(set));
}

void RdbValueReader::ReadSortedSetPack(const ListpackView& pack, RdbBytes& bytes, RdbValue* value) {
  if (!bytes.ok()) return;
  is_empty_ = pack.empty();
  if (pack.count() % 2 != 0) return bytes.Fail("a sorted set's listpack lacks a score");
  if (!IsWithoutDuplicates(pack, 2)) return bytes.Fail("duplicate member of a sorted set");
  // Whatever wrote it may have another idea of the order, or of numbers.
  bool is_in_order = true;
  double last_score = -std::numeric_limits<double>::infinity();
  for (auto at = pack.First(); at != Listpack::kNone; at = pack.Next(at)) {
    at = pack.Next(at);
    const ListpackValue stored = pack.Get(at);
    const std::optional<double> score =
        stored.is_integer ? std::optional(static_cast<double>(stored.integer)) : ParseDouble(stored.bytes);
    if (!score) return bytes.Fail("a score that is no number");
    is_in_order = is_in_order && *score >= last_score;
    last_score = *score;
  }
  if (!is_in_order) return bytes.Fail("a sorted set's listpack is out of order");
  if (pack.count() / 2 <= limits_.sorted_set.listpack_entries_max &&
      LongestText(pack, 2, 1) <= limits_.sorted_set.listpack_value_max_bytes) {
    return value->SetPacked(ValueType::kSortedSet, {pack.bytes()});
  }
  auto set = std::make_unique<SortedSetValue>(Listpack::CopyOf(pack));
  set->ConvertToLarge();
  value->SetObject(std::move(set));
}

// Hashes.

void RdbValueReader::ReadHash(RdbBytes& bytes, const HashExpiryForm& form, RdbValue* value) {
  const int64_t earliest_ms = form.has_earliest ? bytes.TakeInt64() : 0;
  if (earliest_ms < 0) return bytes.Fail("impossible moment of a field");
  uint64_t left = bytes.TakeCount(2 + (form.has_moments ? 1 : 0));
  is_empty_ = left == 0;
  auto hash = std::make_unique<HashValue>();
  hash->ExpectMore(left, 0, limits_.hash);
  const bool is_large = hash->table() != nullptr;
  if (is_large) hash->ReserveTable(left);
  for (; left > 0; --left) {
    int64_t expiry_ms = Field::kNoExpiry;
    if (form.has_moments && !form.moments_follow) {
      const uint64_t moment = bytes.TakeLength();
      if (moment > static_cast<uint64_t>(kMomentMax)) return bytes.Fail("impossible moment of a field");
      if (moment != 0) expiry_ms = static_cast<int64_t>(moment) + (form.has_earliest ? earliest_ms - 1 : 0);
    }
    const std::string_view name = bytes.TakeString(&first_);
    const std::string_view text = bytes.TakeString(&second_);
    if (form.moments_follow) expiry_ms = std::max(bytes.TakeInt64(), Field::kNoExpiry);
    if (!bytes.ok()) return;
    if (expiry_ms > kMomentMax) return bytes.Fail("impossible moment of a field");
    if (expiry_ms == 0) expiry_ms = 1;  // as long past; packed, a zero means never
    if (!is_large && hash->table() == nullptr && name.size() + text.size() >= Listpack::kSizeBytesMax / 2) {
      hash->ConvertToTable(now_ms_);
    }
    if (!hash->Set(name, text, limits_.hash, {expiry_ms, now_ms_})) return bytes.Fail("duplicate field of a hash");
  }
  value->SetObject(std::move(hash));
}

void RdbValueReader::ReadHashPack(const ListpackView& pack, RdbBytes& bytes, RdbValue* value) {
  if (!bytes.ok()) return;
  is_empty_ = pack.empty();
  if (pack.count() % 2 != 0) return bytes.Fail("a hash's listpack lacks a value");
  if (!IsWithoutDuplicates(pack, 2)) return bytes.Fail("duplicate field of a hash");
  if (pack.count() / 2 <= limits_.hash.listpack_entries_max &&
      LongestText(pack, 1, 1) <= limits_.hash.listpack_value_max_bytes) {
    return value->SetPacked(ValueType::kHash, {pack.bytes()});
  }
  auto hash = std::make_unique<HashValue>(Listpack::CopyOf(pack));
  hash->ConvertToTable(now_ms_);
  value->SetObject(std::move(hash));
}

void RdbValueReader::ReadHashMoments(RdbBytes& bytes, RdbValue* value) {
  const ListpackView triples = TakeListpack(bytes);
  if (!bytes.ok()) return;
  is_empty_ = triples.empty();
  if (triples.count() % 3 != 0) return bytes.Fail("a hash's listpack lacks a moment");
  if (!IsWithoutDuplicates(triples, 3)) return bytes.Fail("duplicate field of a hash");
  int64_t last_ms = 0;
  for (auto at = triples.First(); at != Listpack::kNone; at = triples.Next(at)) {
    at = triples.Next(triples.Next(at));
    const ListpackValue moment = triples.Get(at);
    if (!moment.is_integer || moment.integer < 0 || moment.integer > kMomentMax) {
      return bytes.Fail("impossible moment of a field");
    }
    const int64_t moment_ms = moment.integer == 0 ? ExpiryIndex::kNever : moment.integer;
    if (moment_ms < last_ms) return bytes.Fail("the fields of a hash are not in the order of their moments");
    last_ms = moment_ms;
  }
  auto hash = HashValue::WithMoments(Listpack::CopyOf(triples));
  if (hash->count() > limits_.hash.listpack_entries_max ||
      LongestText(std::as_const(*hash).pack(), 3, 2) > limits_.hash.listpack_value_max_bytes) {
    hash->ConvertToTable(now_ms_);
  }
  value->SetObject(std::move(hash));
}

void RdbValueReader::ReadTemplateHash(RdbType type, RdbBytes& bytes, RdbValue* value) {
  const bool is_reference =
      type == RdbType::kHashTemplateListpackReference || type == RdbType::kHashTemplateValuesReference;
  std::vector<std::string> own_names;
  const std::vector<std::string>* names = &own_names;
  if (is_reference) {
    const uint64_t id = bytes.TakeLength();
    if (dialect_.templates == nullptr) return bytes.Fail("a hash refers to a template outside of a file");
    const auto found = dialect_.templates->find(id);
    if (found == dialect_.templates->end()) return bytes.Fail("a hash refers to a template that there is not");
    names = &found->second;
  } else {
    own_names = TakeRdbTemplateNames(&bytes);
  }
  if (!bytes.ok()) return;
  is_empty_ = names->empty();
  const bool is_packed = type == RdbType::kHashTemplateListpack || type == RdbType::kHashTemplateListpackReference;
  converted_ = Listpack();
  const ListpackView values = is_packed ? TakeListpack(bytes) : converted_;
  if (is_packed && values.count() != names->size()) return bytes.Fail("a hash has not as many values as its template");
  std::vector<NamedText> fields(names->size());
  Listpack::Position at = values.First();
  char buffer[kInt64TextMax];
  for (size_t i = 0; i < fields.size(); ++i) {
    fields[i].name = (*names)[i];
    fields[i].text = is_packed ? values.Take(&at).Text(buffer) : bytes.TakeString(&second_);
    if (!bytes.ok()) return;
  }
  if (fields.empty()) return;
  SetCompactHash(std::move(fields), bytes, value);
}

void RdbValueReader::SetCompactHash(std::vector<NamedText> fields, RdbBytes& bytes, RdbValue* value) {
  std::sort(fields.begin(), fields.end(), [](const NamedText& a, const NamedText& b) { return a.name < b.name; });
  std::vector<std::string_view> names;
  std::vector<std::string_view> texts;
  names.reserve(fields.size());
  texts.reserve(fields.size());
  for (const NamedText& field : fields) {
    if (!names.empty() && names.back() == field.name) return bytes.Fail("duplicate field of a hash");
    names.push_back(field.name);
    texts.emplace_back(field.text);
  }
  HashTemplateRef shared = HashTemplates::Get(names, TemplateHolder::kHash);
  if (shared) return value->SetObject(std::make_unique<HashValue>(std::move(shared), texts, limits_.hash));
  auto hash = std::make_unique<HashValue>();
  hash->ExpectMore(names.size(), 0, limits_.hash);
  for (size_t i = 0; i < names.size(); ++i) hash->Set(names[i], texts[i], limits_.hash);
  value->SetObject(std::move(hash));
}

void RdbValueReader::ReadArray(RdbBytes& bytes, RdbValue* value) {
  uint64_t left = bytes.TakeCount(2);
  is_empty_ = left == 0;
  auto array = std::make_unique<ArrayValue>(limits_.array.slice_size);
  const uint64_t has_cursor = bytes.TakeLength();
  if (has_cursor > 1) return bytes.Fail("unknown form of an array");
  const uint64_t last_insert = has_cursor == 1 ? bytes.TakeLength() : ArrayValue::kExhausted;
  array->RestoreCursor(last_insert + 1);  // the number behind the last one is 0: before the first insert
  uint64_t next_index = 0;
  for (; left > 0; --left) {
    const uint64_t index = bytes.TakeLength();
    const std::string_view item = bytes.TakeString(&first_);
    if (!bytes.ok()) return;
    if (index < next_index || index > SlicedArray::kIndexMax)
      return bytes.Fail("the items of an array are out of order");
    next_index = index + 1;
    array->items().Set(index, item, limits_.array);
  }
  value->SetObject(std::move(array));
}

void RdbValueReader::RefuseModule(RdbType type, RdbBytes& bytes) {
  if (type == RdbType::kModuleOld) return bytes.Fail("a module's value in the form of a release candidate");
  const uint64_t id = bytes.TakeLength();
  if (!bytes.ok()) return;
  problem_ = "a value of the module type '" + RdbModuleName(id) + "', which this server does not have";
  bytes.Fail(problem_.c_str());
}

std::string RdbModuleName(uint64_t id) {
  constexpr std::string_view kCharacters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::string name;
  for (int shift = 58; shift >= 10; shift -= 6) name.push_back(kCharacters[id >> shift & 63]);
  return name;
}

std::vector<std::string> TakeRdbTemplateNames(RdbBytes* bytes) {
  std::vector<std::string> names;
  std::string scratch;
  bytes->TakeLength();  // says which of two forms follows; they can be told apart by themselves
  RdbBytes packed = *bytes;
  const std::string_view pack = packed.TakeString(&scratch);
  if (packed.ok() && ListpackView::IsValid(pack, ListpackView::Check::kDeep)) {
    char buffer[kInt64TextMax];
    const ListpackView view(pack);
    for (auto at = view.First(); at != Listpack::kNone; at = view.Next(at))
      names.emplace_back(view.Get(at).Text(buffer));
    *bytes = packed;
    return names;
  }
  uint64_t left = bytes->TakeCount(1);
  for (; left > 0 && bytes->ok(); --left) names.emplace_back(bytes->TakeString(&scratch));
  return names;
}

namespace {

void SkipParts(uint64_t count, RdbBytes* bytes) {
  for (; count > 0 && bytes->ok(); --count) bytes->SkipString();
}

void SkipTextScore(RdbBytes* bytes) {
  constexpr uint8_t kSpecialMin = 253;
  const uint8_t size = bytes->TakeByte();
  if (size < kSpecialMin) bytes->TakeBytes(size);
}

void SkipModule(RdbBytes* bytes) {
  bytes->TakeLength();
  while (bytes->ok()) {
    switch (static_cast<RdbModuleOpcode>(bytes->TakeLength())) {
      case RdbModuleOpcode::kEnd: return;
      case RdbModuleOpcode::kSigned:
      case RdbModuleOpcode::kUnsigned: bytes->TakeLength(); break;
      case RdbModuleOpcode::kFloat: bytes->TakeBytes(4); break;
      case RdbModuleOpcode::kDouble: bytes->TakeBytes(8); break;
      case RdbModuleOpcode::kString: bytes->SkipString(); break;
      default: bytes->Fail("unknown part of a module's value");
    }
  }
}

void SkipTemplateHash(RdbType type, const RdbDialect& dialect, RdbBytes* bytes) {
  size_t value_count = 1;
  if (type == RdbType::kHashTemplateListpackReference || type == RdbType::kHashTemplateValuesReference) {
    const uint64_t id = bytes->TakeLength();
    if (type == RdbType::kHashTemplateValuesReference && bytes->ok()) {
      const bool is_known = dialect.templates != nullptr && dialect.templates->count(id) > 0;
      if (!is_known) return bytes->Fail("a hash refers to a template that there is not");
      value_count = dialect.templates->at(id).size();
    }
  } else {
    const size_t name_count = TakeRdbTemplateNames(bytes).size();
    if (type == RdbType::kHashTemplateValues) value_count = name_count;
  }
  SkipParts(value_count, bytes);
}

}  // namespace

void SkipRdbValue(uint8_t type, const RdbDialect& dialect, RdbBytes* bytes) {
  const auto known = static_cast<RdbType>(type);
  switch (known) {
    case RdbType::kString:
    case RdbType::kHashZipmap:
    case RdbType::kListZiplist:
    case RdbType::kSetIntset:
    case RdbType::kSortedSetZiplist:
    case RdbType::kHashZiplist:
    case RdbType::kHashListpack:
    case RdbType::kSortedSetListpack:
    case RdbType::kSetListpack:
    case RdbType::kHashListpackExpiryCandidate: return bytes->SkipString();
    case RdbType::kHashListpackExpiry: bytes->TakeInt64(); return bytes->SkipString();
    case RdbType::kList:
    case RdbType::kSet:
    case RdbType::kListZiplists: return SkipParts(bytes->TakeLength(), bytes);
    case RdbType::kHash: {
      const uint64_t count = bytes->TakeLength();
      SkipParts(count, bytes);
      return SkipParts(count, bytes);
    }
    case RdbType::kListNodes:
      for (uint64_t left = bytes->TakeLength(); left > 0 && bytes->ok(); --left) {
        bytes->TakeLength();
        bytes->SkipString();
      }
      return;
    case RdbType::kSortedSetText:
    case RdbType::kSortedSet:
      for (uint64_t left = bytes->TakeLength(); left > 0 && bytes->ok(); --left) {
        bytes->SkipString();
        known == RdbType::kSortedSet ? static_cast<void>(bytes->TakeInt64()) : SkipTextScore(bytes);
      }
      return;
    case RdbType::kHashExpiry:
    case RdbType::kHashExpiryCandidate: {
      const bool moments_follow = known == RdbType::kHashExpiryCandidate && dialect.is_valkey;
      if (known == RdbType::kHashExpiry) bytes->TakeInt64();
      for (uint64_t left = bytes->TakeLength(); left > 0 && bytes->ok(); --left) {
        if (!moments_follow) bytes->TakeLength();
        SkipParts(2, bytes);
        if (moments_follow) bytes->TakeInt64();
      }
      return;
    }
    case RdbType::kHashTemplateListpack:
    case RdbType::kHashTemplateListpackReference:
    case RdbType::kHashTemplateValues:
    case RdbType::kHashTemplateValuesReference: return SkipTemplateHash(known, dialect, bytes);
    case RdbType::kStream:
    case RdbType::kStream2:
    case RdbType::kStream3:
    case RdbType::kStream4:
    case RdbType::kStream5: return SkipRdbStream(known, bytes);
    case RdbType::kArray: {
      uint64_t left = bytes->TakeLength();
      if (bytes->TakeLength() == 1) bytes->TakeLength();
      for (; left > 0 && bytes->ok(); --left) {
        bytes->TakeLength();
        bytes->SkipString();
      }
      return;
    }
    case RdbType::kModule: return SkipModule(bytes);
    case RdbType::kModuleOld: return bytes->Fail("a module's value in the form of a release candidate");
  }
  bytes->Fail("unknown type of a value");
}

}  // namespace kvick
