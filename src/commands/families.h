// The families of commands: one table of rows each, to be added to an engine's CommandTable (server/features.cc).
#pragma once

#include <span>

#include "engine/command_spec.h"

namespace kvick {

std::span<const CommandSpec> ArrayCommands();
std::span<const CommandSpec> ArraySearchCommands();
std::span<const CommandSpec> BitFieldCommands();
std::span<const CommandSpec> BitmapCommands();
std::span<const CommandSpec> ClientCommands();
std::span<const CommandSpec> ClientListCommands();  // more of CLIENT
std::span<const CommandSpec> ClientTrackingCommands();
std::span<const CommandSpec> CommandCommands();
std::span<const CommandSpec> ConfigCommands();
std::span<const CommandSpec> DebugCommands();
std::span<const CommandSpec> KeyspaceCommands();
std::span<const CommandSpec> ServerCommands();
std::span<const CommandSpec> ConnectionCommands();
std::span<const CommandSpec> ExpireCommands();
std::span<const CommandSpec> GenericCommands();
std::span<const CommandSpec> GeoCommands();
std::span<const CommandSpec> GeoSearchCommands();
std::span<const CommandSpec> HashCommands();
std::span<const CommandSpec> HashExpiryCommands();
std::span<const CommandSpec> HashGetExCommands();
std::span<const CommandSpec> HashRandomCommands();
std::span<const CommandSpec> HyperLogLogCommands();
std::span<const CommandSpec> IncrExCommands();
std::span<const CommandSpec> LcsCommands();
std::span<const CommandSpec> ListCommands();
std::span<const CommandSpec> ListMoveCommands();
std::span<const CommandSpec> ListWaitCommands();
std::span<const CommandSpec> MemberExpiryCommands();
std::span<const CommandSpec> ObjectCommands();
std::span<const CommandSpec> PubSubCommands();
std::span<const CommandSpec> RelocateCommands();
std::span<const CommandSpec> SetCombinationCommands();  // of several sets
std::span<const CommandSpec> SetCommands();
std::span<const CommandSpec> SortCommands();
std::span<const CommandSpec> SortedSetAlgebraCommands();
std::span<const CommandSpec> SortedSetCommands();
std::span<const CommandSpec> SortedSetPopCommands();
std::span<const CommandSpec> SortedSetRangeCommands();
std::span<const CommandSpec> StreamAddCommands();
std::span<const CommandSpec> StreamClaimCommands();
std::span<const CommandSpec> StreamGroupCommands();
std::span<const CommandSpec> StreamIdempotenceCommands();
std::span<const CommandSpec> StreamInfoCommands();
std::span<const CommandSpec> StreamPendingCommands();
std::span<const CommandSpec> StreamRangeCommands();
std::span<const CommandSpec> StreamReadCommands();
std::span<const CommandSpec> StreamReadGroupCommands();
std::span<const CommandSpec> StreamRemoveCommands();
std::span<const CommandSpec> StringCommands();
std::span<const CommandSpec> StringCompareCommands();
std::span<const CommandSpec> StringMultiCommands();
std::span<const CommandSpec> StringNumericCommands();
std::span<const CommandSpec> StringRangeCommands();
std::span<const CommandSpec> TransactionCommands();

}  // namespace kvick
