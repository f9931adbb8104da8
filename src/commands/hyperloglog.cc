// HyperLogLog: strings that estimate how many different elements they were given.
//
// The value is an ordinary string (containers/hyperloglog.h). A dense one is changed where it lies; a sparse one, a few
// KiB at most, is changed in a copy that replaces it.
#include <memory>
#include <optional>
#include <string>

#include "base/numbers.h"
#include "commands/families.h"
#include "commands/hyperloglog_self_check.h"
#include "containers/hyperloglog.h"
#include "engine/command_context.h"

namespace kvick {
namespace {

namespace errors_of_hyperloglog {
Status NotHyperLogLog() { return Status::Error("WRONGTYPE Key is not a valid HyperLogLog string value."); }
Status Corrupt() { return Status::Error("INVALIDOBJ Corrupted HLL object detected"); }
}  // namespace errors_of_hyperloglog
using errors_of_hyperloglog::Corrupt;
using errors_of_hyperloglog::NotHyperLogLog;

// The value of an entry, or nothing where there is none.
Result<std::optional<HyperLogLogView>> ViewOf(const Entry* entry) {
  if (entry == nullptr) return std::optional<HyperLogLogView>();
  if (entry->type() != ValueType::kString) return errors::WrongType();
  // An integer has no bytes here, and its text is no HyperLogLog either.
  const std::optional<HyperLogLogView> view = HyperLogLogView::FromBytes(entry->string().bytes);
  if (!view) return NotHyperLogLog();
  return view;
}

void Store(CommandContext& context, const KeyTable::Slot& slot, std::string_view bytes) {
  context.UpdateString(0, slot, {bytes, false});
}

// What PFADD did to a value.
enum class Added { kNothing, kSome, kFoundCorrupt };

Added AddToDense(CommandContext& context, KeyTable::Slot slot, const HyperLogLogView& view) {
  const char* packed = view.packed();
  char* data = nullptr;
  for (const std::string_view element : context.arguments().subspan(2)) {
    const RegisterValue raised = RegisterOfHash(HyperLogLogHash(element));
    if (PackedRegister(packed, raised.index) >= raised.value) continue;
    if (data == nullptr) {
      data = context.ResizeString(0, &slot, kHyperLogLogDenseBytes);
      packed = data + kHyperLogLogHeaderBytes;
    }
    SetPackedRegister(data + kHyperLogLogHeaderBytes, raised.index, raised.value);
  }
  if (data == nullptr) return Added::kNothing;
  InvalidateCachedCount(data);
  return Added::kSome;
}

Added AddToSparse(CommandContext& context, const KeyTable::Slot& slot, const std::optional<HyperLogLogView>& view) {
  const size_t sparse_bytes_max = context.settings().hll_sparse_max_bytes;
  std::optional<HyperLogLogEditor> editor;
  if (!view) editor.emplace(MakeHyperLogLog(), sparse_bytes_max);
  for (const std::string_view element : context.arguments().subspan(2)) {
    const RegisterValue raised = RegisterOfHash(HyperLogLogHash(element));
    if (!editor) {
      const std::optional<uint8_t> value = view->RegisterAt(raised.index);
      if (!value) return Added::kFoundCorrupt;
      if (*value >= raised.value) continue;
      editor.emplace(std::string(view->bytes()), sparse_bytes_max);
    }
    if (editor->Raise(raised) == HyperLogLogEditor::Outcome::kCorrupt) return Added::kFoundCorrupt;
  }
  if (!editor) return Added::kNothing;
  InvalidateCachedCount(editor->data());
  Store(context, slot, editor->bytes());
  return Added::kSome;
}

Status PfAdd(CommandContext& context) {
  const KeyTable::Slot slot = context.Find(0);
  KVICK_ASSIGN_OR_RETURN(const std::optional<HyperLogLogView> view, ViewOf(slot.entry));
  const Added added = view && view->is_dense() ? AddToDense(context, slot, *view) : AddToSparse(context, slot, view);
  if (added == Added::kFoundCorrupt) return Corrupt();
  if (added == Added::kSome) {
    context.Changed();
    context.Notify(KeyEventClass::kString, "pfadd", 0);
  }
  context.Reply().Integer(added == Added::kSome ? 1 : 0);
  return Status::Ok();
}

// Raises `registers` to those of all keys from ordinal `first` on. The answer is whether one of them was dense.
Result<bool> RaiseByKeys(CommandContext& context, size_t first, RegisterBytes& registers) {
  bool has_dense = false;
  for (size_t ordinal = first; ordinal < context.key_count(); ++ordinal) {
    KVICK_ASSIGN_OR_RETURN(const std::optional<HyperLogLogView> view, ViewOf(context.Find(ordinal).entry));
    if (!view) continue;
    if (!view->RaiseInto(registers)) return Corrupt();
    has_dense = has_dense || view->is_dense();
  }
  return has_dense;
}

// One key: the estimate is kept in the value. That is a change, though the command counts as one that reads.
Status PfCountOne(CommandContext& context) {
  KeyTable::Slot slot = context.Find(0);
  KVICK_ASSIGN_OR_RETURN(const std::optional<HyperLogLogView> view, ViewOf(slot.entry));
  if (!view) {
    context.Reply().Integer(0);
    return Status::Ok();
  }
  std::optional<uint64_t> count = view->CachedCount();
  const bool is_known = count.has_value();
  if (!is_known) count = view->EstimateCount();
  if (!count) return Corrupt();
  // Also where nothing is written, the string is from now on one that is built byte by byte.
  if (!is_known || !slot.entry->is_raw()) {
    StoreCachedCount(context.ResizeString(0, &slot, view->bytes().size()), *count);
  }
  if (!is_known) context.Changed();
  context.Reply().Integer(static_cast<int64_t>(*count));
  return Status::Ok();
}

Status PfCount(CommandContext& context) {
  if (context.key_count() == 1) return PfCountOne(context);
  RegisterBytes registers{};
  KVICK_RETURN_IF_ERROR(RaiseByKeys(context, 0, registers).status());
  context.Reply().Integer(static_cast<int64_t>(EstimateCount(CountRegisters(registers))));
  return Status::Ok();
}

Status PfMerge(CommandContext& context) {
  RegisterBytes registers{};
  // The destination is a source too.
  KVICK_ASSIGN_OR_RETURN(const bool has_dense, RaiseByKeys(context, 0, registers));
  KeyTable::Slot slot = context.Peek(0);
  if (has_dense) {
    const bool was_dense = slot.entry != nullptr && ViewOf(slot.entry)->value().is_dense();
    char* data = nullptr;
    if (was_dense) {
      data = context.ResizeString(0, &slot, kHyperLogLogDenseBytes);
    } else {
      HyperLogLogEditor empty(slot.entry == nullptr ? MakeHyperLogLog() : std::string(slot.entry->string().bytes), 0);
      if (!empty.BecomeDense()) return Corrupt();
      Store(context, slot, empty.bytes());
      slot = context.Peek(0);
      data = context.ResizeString(0, &slot, kHyperLogLogDenseBytes);
    }
    PackRegisters(registers, data + kHyperLogLogHeaderBytes);
    InvalidateCachedCount(data);
  } else {
    HyperLogLogEditor editor(slot.entry == nullptr ? MakeHyperLogLog() : std::string(slot.entry->string().bytes),
                             context.settings().hll_sparse_max_bytes);
    for (uint32_t i = 0; i < kRegisterCount; ++i) {
      if (registers[i] != 0) editor.Raise({i, registers[i]});
    }
    InvalidateCachedCount(editor.data());
    Store(context, slot, editor.bytes());
  }
  context.Changed();
  context.Notify(KeyEventClass::kString, "pfadd", 0);
  context.Reply().Ok();
  return Status::Ok();
}

// "v:2,1 Z:12711 z:3": the runs of the sparse form.
std::string DescribeRuns(std::string_view opcodes) {
  std::string text;
  for (size_t offset = 0; offset < opcodes.size();) {
    const std::optional<SparseRun> run = SparseRun::At(opcodes, offset);
    if (!run) break;
    if (!text.empty()) text += ' ';
    if (run->value != 0) {
      text += "v:" + std::to_string(run->value) + ',';
    } else {
      text += run->is_long ? "Z:" : "z:";
    }
    text += std::to_string(run->register_count);
    offset += run->size_bytes;
  }
  return text;
}

// Replaces a sparse value by the same as a dense one. The answer is whether it was sparse.
Result<bool> MakeDense(CommandContext& context, KeyTable::Slot* slot, const HyperLogLogView& view) {
  if (view.is_dense()) return false;
  HyperLogLogEditor editor(std::string(view.bytes()), 0);
  if (!editor.BecomeDense()) return Corrupt();
  Store(context, *slot, editor.bytes());
  *slot = context.Peek(0);
  context.Changed();
  return true;
}

Status PfDebug(CommandContext& context) {
  KeyTable::Slot slot = context.Find(0);
  KVICK_ASSIGN_OR_RETURN(const std::optional<HyperLogLogView> view, ViewOf(slot.entry));
  if (!view) return errors::Generic("The specified key does not exist");
  if (context.ArgIs(1, "GETREG")) {
    KVICK_RETURN_IF_ERROR(MakeDense(context, &slot, *view).status());
    const char* packed = slot.entry->string().bytes.data() + kHyperLogLogHeaderBytes;
    context.Reply().Array(kRegisterCount);
    for (size_t i = 0; i < kRegisterCount; ++i) context.Reply().Integer(PackedRegister(packed, i));
  } else if (context.ArgIs(1, "DECODE")) {
    if (view->is_dense()) return errors::Generic("HLL encoding is not sparse");
    context.Reply().Bulk(DescribeRuns(view->opcodes()));
  } else if (context.ArgIs(1, "ENCODING")) {
    context.Reply().Simple(view->is_dense() ? "dense" : "sparse");
  } else if (context.ArgIs(1, "TODENSE")) {
    KVICK_ASSIGN_OR_RETURN(const bool was_sparse, MakeDense(context, &slot, *view));
    context.Reply().Integer(was_sparse ? 1 : 0);
  } else {
    return errors::Generic("Unknown PFDEBUG subcommand '" + std::string(context.Arg(1)) + "'");
  }
  return Status::Ok();
}

Status PfSelfTest(CommandContext& context) {
  KVICK_RETURN_IF_ERROR(CheckHyperLogLog());
  context.Reply().Ok();
  return Status::Ok();
}

constexpr CommandSpec kCommands[] = {
    {
        .name = "PFADD",
        .syntax = "key [element [element ...]]",
        .summary = "Adds elements to a HyperLogLog. The key is created if it doesn't exist.",
        .since = "2.8.9",
        .group = "hyperloglog",
        .complexity = "O(1) to add every element.",
        .flags = kWrite | kDenyOom | kFast,
        .categories = kAclHyperLogLog,
        .keys = {OneKey(1, kKeyReadWrite | kKeyInsert)},
        .handler = PfAdd,
    },
    {
        .name = "PFCOUNT",
        .syntax = "key [key ...]",
        .summary = "Estimates how many different elements HyperLogLogs were given together.",
        .since = "2.8.9",
        .group = "hyperloglog",
        .complexity = "O(1) with a very small average constant time when called with a single key. O(N) with N being "
                      "the number of keys, and much bigger constant times, when called with multiple keys.",
        .flags = kReadonly,
        .categories = kAclHyperLogLog,
        .keys = {KeyRange(1, -1, 1, kKeyReadWrite | kKeyAccess)},
        .handler = PfCount,
    },
    {
        .name = "PFDEBUG",
        .syntax = "subcommand key",
        .summary = "Shows how a HyperLogLog is stored.",
        .since = "2.8.9",
        .group = "hyperloglog",
        .complexity = "N/A",
        .flags = kWrite | kDenyOom | kAdmin | kSystemCommand,
        .categories = kAclHyperLogLog,
        .keys = {OneKey(2, kKeyReadWrite | kKeyAccess)},
        .handler = PfDebug,
    },
    {
        .name = "PFMERGE",
        .syntax = "destkey [sourcekey [sourcekey ...]]",
        .argument_notes = "sourcekey(key)#1",
        .summary = "Merges HyperLogLogs into one.",
        .since = "2.8.9",
        .group = "hyperloglog",
        .complexity = "O(N) to merge N HyperLogLogs, but with high constant times.",
        .flags = kWrite | kDenyOom,
        .categories = kAclHyperLogLog,
        .keys = {OneKey(1, kKeyReadWrite | kKeyAccess | kKeyInsert), KeyRange(2, -1, 1, kKeyReadOnly | kKeyAccess)},
        .handler = PfMerge,
    },
    {
        .name = "PFSELFTEST",
        .summary = "Tests the implementation of HyperLogLog.",
        .since = "2.8.9",
        .group = "hyperloglog",
        .complexity = "N/A",
        .flags = kAdmin | kSystemCommand,
        .categories = kAclHyperLogLog,
        .handler = PfSelfTest,
    },
};

}  // namespace

std::span<const CommandSpec> HyperLogLogCommands() { return kCommands; }

}  // namespace kvick
