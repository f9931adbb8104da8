// The subcommands of DEBUG that look into values of collections. They run in an exclusive moment, as all of DEBUG does.
#pragma once

#include <string>

#include "engine/command_context.h"

namespace kvick {

// The entry of a key of the selected database, or null.
const Entry* FindEntryForDebug(CommandContext& context, std::string_view name);

Status DebugHtStatsKey(CommandContext& context);
Status DebugListpack(CommandContext& context);
Status DebugQuicklist(CommandContext& context);
Status DebugQuicklistPackedThreshold(CommandContext& context);

// What DEBUG OBJECT adds for a list of several nodes: " ql_nodes:2 ..."; empty for others.
std::string DescribeQuicklist(const Entry& entry, const Settings& settings);

}  // namespace kvick
