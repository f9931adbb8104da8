// CLIENT TRACKING and the subcommands around it: being told of keys that change.
#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/numbers.h"
#include "commands/families.h"
#include "engine/command_context.h"

namespace kvick {
namespace {

bool Overlap(std::string_view a, std::string_view b) { return a.starts_with(b) || b.starts_with(a); }

// Only in an exclusive moment, as a request that redirects is run.
Session* FindSession(Engine& engine, uint64_t id) {
  Session* found = nullptr;
  engine.ForEachExecutor([&](Executor& executor) {
    for (Session* session : executor.sessions()) {
      if (session->id == id && !session->closing && session->transport != nullptr) found = session;
    }
  });
  return found;
}

bool Redirects(std::span<const std::string_view> arguments) {
  return std::any_of(arguments.begin(), arguments.end(),
                     [](std::string_view argument) { return EqualsIgnoreCase(argument, "REDIRECT"); });
}

struct TrackingRequest {
  TrackingOptions options;
  Session* redirect = nullptr;
};

Result<TrackingRequest> ParseTracking(CommandContext& context) {
  TrackingRequest request;
  TrackingOptions& options = request.options;
  for (size_t i = 3; i < context.argument_count(); ++i) {
    const bool has_more = i + 1 < context.argument_count();
    if (context.ArgIs(i, "REDIRECT") && has_more) {
      if (options.redirect_id != 0) return errors::Generic("A client can only redirect to a single other client");
      KVICK_ASSIGN_OR_RETURN(const int64_t id, context.IntegerArg(++i));
      options.redirect_id = static_cast<uint64_t>(id);
      request.redirect = FindSession(context.engine(), options.redirect_id);
      if (request.redirect == nullptr) {
        return errors::Generic("The client ID you want redirect to does not exist");
      }
    } else if (context.ArgIs(i, "BCAST")) {
      options.broadcasts = true;
    } else if (context.ArgIs(i, "OPTIN")) {
      options.opt_in = true;
    } else if (context.ArgIs(i, "OPTOUT")) {
      options.opt_out = true;
    } else if (context.ArgIs(i, "NOLOOP")) {
      options.skips_own = true;
    } else if (context.ArgIs(i, "PREFIX") && has_more) {
      options.prefixes.emplace_back(context.Arg(++i));
    } else {
      return errors::Syntax();
    }
  }
  return request;
}

// Adds the prefixes that the client has; those that it names now must not overlap with them nor with each other.
Status JoinPrefixes(const TrackingState* before, std::vector<std::string>* prefixes) {
  static constexpr char kRule[] = ". Prefixes for a single client must not overlap.";
  const std::vector<std::string> held = before != nullptr ? before->options.prefixes : std::vector<std::string>();
  for (size_t i = 0; i < prefixes->size(); ++i) {
    const std::string& prefix = (*prefixes)[i];
    for (const std::string& other : held) {
      if (!Overlap(prefix, other)) continue;
      return errors::Generic("Prefix '" + prefix + "' overlaps with an existing prefix '" + other + "'" + kRule);
    }
    for (size_t j = i + 1; j < prefixes->size(); ++j) {
      const std::string& other = (*prefixes)[j];
      if (!Overlap(prefix, other)) continue;
      return errors::Generic("Prefix '" + prefix + "' overlaps with another provided prefix '" + other + "'" + kRule);
    }
  }
  prefixes->insert(prefixes->begin(), held.begin(), held.end());
  if (prefixes->empty()) prefixes->emplace_back();  // every key
  return Status::Ok();
}

Status Tracking(CommandContext& context) {
  Session& session = context.session();
  KVICK_ASSIGN_OR_RETURN(TrackingRequest request, ParseTracking(context));
  TrackingOptions& options = request.options;
  if (context.ArgIs(2, "OFF")) {
    context.engine().tracking().Disable(session);
    context.Reply().Ok();
    return Status::Ok();
  }
  if (!context.ArgIs(2, "ON")) return errors::Syntax();
  if (!options.broadcasts && !options.prefixes.empty()) {
    return errors::Generic("PREFIX option requires BCAST mode to be enabled");
  }
  const TrackingState* before = session.tracking.get();
  if (before != nullptr && before->options.broadcasts != options.broadcasts) {
    return errors::Generic(
        "You can't switch BCAST mode on/off before disabling tracking for this client, and then re-enabling it with a "
        "different mode.");
  }
  if (options.broadcasts && (options.opt_in || options.opt_out)) {
    return errors::Generic("OPTIN and OPTOUT are not compatible with BCAST");
  }
  if (options.opt_in && options.opt_out) return errors::Generic("You can't specify both OPTIN mode and OPTOUT mode");
  if (before != nullptr &&
      ((options.opt_in && before->options.opt_out) || (options.opt_out && before->options.opt_in))) {
    return errors::Generic(
        "You can't switch OPTIN/OPTOUT mode before disabling tracking for this client, and then re-enabling it with a "
        "different mode.");
  }
  if (options.broadcasts) KVICK_RETURN_IF_ERROR(JoinPrefixes(before, &options.prefixes));
  context.engine().tracking().Enable(session, std::move(options), request.redirect);
  context.Reply().Ok();
  return Status::Ok();
}

Status Caching(CommandContext& context) {
  TrackingState* tracking = context.session().tracking.get();
  if (tracking == nullptr) {
    return errors::Generic(
        "CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT mode enabled");
  }
  if (context.ArgIs(2, "YES")) {
    if (!tracking->options.opt_in) {
      return errors::Generic("CLIENT CACHING YES is only valid when tracking is enabled in OPTIN mode.");
    }
  } else if (context.ArgIs(2, "NO")) {
    if (!tracking->options.opt_out) {
      return errors::Generic("CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode.");
    }
  } else {
    return errors::Syntax();
  }
  tracking->is_caching_chosen = true;
  context.Reply().Ok();
  return Status::Ok();
}

int64_t RedirectOf(const Session& session) {
  return session.tracking != nullptr ? static_cast<int64_t>(session.tracking->options.redirect_id) : -1;
}

Status GetRedirect(CommandContext& context) {
  context.Reply().Integer(RedirectOf(context.session()));
  return Status::Ok();
}

Status TrackingInfo(CommandContext& context) {
  const TrackingState* tracking = context.session().tracking.get();
  std::vector<std::string_view> flags;
  std::vector<std::string> prefixes;
  if (tracking == nullptr) {
    flags.emplace_back("off");
  } else {
    const TrackingOptions& options = tracking->options;
    flags.emplace_back("on");
    if (options.broadcasts) flags.emplace_back("bcast");
    if (options.opt_in) {
      flags.emplace_back("optin");
      if (tracking->is_caching_chosen) flags.emplace_back("caching-yes");
    }
    if (options.opt_out) {
      flags.emplace_back("optout");
      if (tracking->is_caching_chosen) flags.emplace_back("caching-no");
    }
    if (options.skips_own) flags.emplace_back("noloop");
    if (tracking->is_redirect_broken.load(std::memory_order_relaxed)) flags.emplace_back("broken_redirect");
    prefixes = options.prefixes;
    std::sort(prefixes.begin(), prefixes.end());
  }
  ReplyWriter& reply = context.Reply();
  reply.Map(3);
  reply.Bulk("flags");
  reply.Set(flags.size());
  for (const std::string_view flag : flags) reply.Bulk(flag);
  reply.Bulk("redirect");
  reply.Integer(RedirectOf(context.session()));
  reply.Bulk("prefixes");
  reply.Array(prefixes.size());
  for (const std::string& prefix : prefixes) reply.Bulk(prefix);
  return Status::Ok();
}

constexpr uint64_t kOwnConnection = kNoScript | kLoading | kStale;

constexpr CommandSpec kCommands[] = {
    {
        .name = "CLIENT CACHING",
        .syntax = "<YES | NO>",
        .argument_notes = "yes=mode",
        .summary = "Instructs the server whether to track the keys in the next request.",
        .since = "6.0.0",
        .group = "connection",
        .complexity = "O(1)",
        .flags = kOwnConnection,
        .categories = kAclConnection,
        .handler = Caching,
    },
    {
        .name = "CLIENT GETREDIR",
        .summary = "Returns the client ID to which the connection's tracking notifications are redirected.",
        .since = "6.0.0",
        .group = "connection",
        .complexity = "O(1)",
        .flags = kOwnConnection,
        .categories = kAclConnection,
        .handler = GetRedirect,
    },
    {
        .name = "CLIENT TRACKING",
        .syntax = "<ON | OFF> [REDIRECT client-id] [PREFIX prefix [PREFIX prefix ...]] [BCAST] [OPTIN] [OPTOUT] "
                  "[NOLOOP]",
        .argument_notes = "on=status",
        .summary = "Controls server-assisted client-side caching for the connection.",
        .since = "6.0.0",
        .group = "connection",
        .complexity = "O(1). Some options may introduce additional complexity.",
        .flags = kOwnConnection,
        .categories = kAclConnection,
        .must_run_alone = Redirects,
        .handler = Tracking,
    },
    {
        .name = "CLIENT TRACKINGINFO",
        .summary = "Returns information about server-assisted client-side caching for the connection.",
        .since = "6.2.0",
        .group = "connection",
        .complexity = "O(1)",
        .flags = kOwnConnection,
        .categories = kAclConnection,
        .handler = TrackingInfo,
    },
};

}  // namespace

std::span<const CommandSpec> ClientTrackingCommands() { return kCommands; }

}  // namespace kvick
