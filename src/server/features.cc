#include "server/features.h"

#include "base/block_pool.h"
#include "base/memory_usage.h"
#include "commands/families.h"
#include "engine/client_eviction.h"
#include "engine/compaction.h"
#include "observability/features.h"
#include "persistence/features.h"
#include "scripting/features.h"
#include "security/features.h"
#include "server/copied_store.h"
#include "types/array_value.h"
#include "types/hash_value.h"
#include "types/list_value.h"
#include "types/set_value.h"
#include "types/sorted_set_value.h"
#include "types/stream_value.h"

namespace kvick {

void RegisterFeatures(Engine& engine) {
  RegisterArrayType();
  RegisterListType();
  RegisterHashType();
  RegisterSetType();
  RegisterSortedSetType();
  RegisterStreamType();

  CommandTable& commands = engine.commands();
  commands.Add(ArrayCommands());
  commands.Add(ArraySearchCommands());
  commands.Add(BitFieldCommands());
  commands.Add(BitmapCommands());
  commands.Add(ClientCommands());
  commands.Add(ClientListCommands());
  commands.Add(ClientTrackingCommands());
  commands.Add(CommandCommands());
  commands.Add(ConfigCommands());
  commands.Add(DebugCommands());
  commands.Add(KeyspaceCommands());
  commands.Add(ServerCommands());
  commands.Add(ConnectionCommands());
  commands.Add(DumpCommands());
  commands.Add(ExpireCommands());
  commands.Add(GenericCommands());
  commands.Add(GeoCommands());
  commands.Add(GeoSearchCommands());
  commands.Add(HashCommands());
  commands.Add(HashExpiryCommands());
  commands.Add(HashGetExCommands());
  commands.Add(HashImportCommands());
  commands.Add(HashRandomCommands());
  commands.Add(HyperLogLogCommands());
  commands.Add(IncrExCommands());
  commands.Add(LcsCommands());
  commands.Add(ListCommands());
  commands.Add(ListMoveCommands());
  commands.Add(ListWaitCommands());
  commands.Add(MemberExpiryCommands());
  commands.Add(MigrateCommands());
  commands.Add(ObjectCommands());
  commands.Add(PubSubCommands());
  commands.Add(RelocateCommands());
  commands.Add(SetCombinationCommands());
  commands.Add(SetCommands());
  commands.Add(SortCommands());
  commands.Add(SortedSetAlgebraCommands());
  commands.Add(SortedSetCommands());
  commands.Add(SortedSetPopCommands());
  commands.Add(SortedSetRangeCommands());
  commands.Add(StreamAddCommands());
  commands.Add(StreamClaimCommands());
  commands.Add(StreamGroupCommands());
  commands.Add(StreamIdempotenceCommands());
  commands.Add(StreamInfoCommands());
  commands.Add(StreamPendingCommands());
  commands.Add(StreamRangeCommands());
  commands.Add(StreamReadCommands());
  commands.Add(StreamReadGroupCommands());
  commands.Add(StreamRemoveCommands());
  commands.Add(StringCommands());
  commands.Add(StringCompareCommands());
  commands.Add(StringMultiCommands());
  commands.Add(StringNumericCommands());
  commands.Add(StringRangeCommands());
  commands.Add(TransactionCommands());

  commands.Add(EvalCommands());
  commands.Add(FunctionCommands());
  commands.Add(ScriptCommands());
  AttachScripting(engine);
  AttachScriptDebugger(engine, CopiedStore::Make);

  commands.Add(CallLogCommands());
  commands.Add(HotKeysCommands());
  commands.Add(InfoCommands());
  commands.Add(LatencyCommands());
  commands.Add(MemoryCommands());
  commands.Add(MonitorCommands());
  AttachCallLogs(engine);
  AttachHotKeys(engine);
  AttachInfoSections(engine);
  AttachKeySections(engine);
  AttachMigrations(engine);
  AttachKeyNotifications(engine);
  AttachLatencyMonitor(engine);
  AttachMonitors(engine);

  AttachClientEviction(engine);
  engine.AddPeriodicWork([&engine] {
    engine.compaction().Tend();
    BlockPool::TendPages();
    ReleaseAgedMemory();
  });

  commands.Add(AppendOnlyCommands());
  commands.Add(BackupCommands());
  commands.Add(SaveCommands());

  commands.Add(AclCommands());
  commands.Seal();
  AttachAccessControl(engine);  // knows all commands
}

}  // namespace kvick
