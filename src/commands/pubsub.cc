// Publish and subscribe: SUBSCRIBE and its kind, PUBLISH, SPUBLISH, PUBSUB.
#include <string>
#include <vector>

#include "commands/families.h"
#include "engine/command_context.h"
#include "engine/help.h"

namespace kvick {
namespace {

// What a subscription is counted with: shard channels apart from the others.
int64_t CountOf(const Session& session, ChannelKind kind) {
  if (session.subscriptions == nullptr) return 0;
  const Subscriptions& held = *session.subscriptions;
  if (kind == ChannelKind::kShardChannel) return static_cast<int64_t>(held.count(kind));
  return static_cast<int64_t>(held.count(ChannelKind::kChannel) + held.count(ChannelKind::kPattern));
}

void Confirm(CommandContext& context, std::string_view what, ChannelKind kind, const std::string_view* name) {
  ReplyWriter& reply = context.Reply();
  reply.Push(3);
  reply.Bulk(what);
  if (name != nullptr) {
    reply.Bulk(*name);
  } else {
    reply.Null();
  }
  reply.Integer(CountOf(context.session(), kind));
}

Status SubscribeTo(CommandContext& context, ChannelKind kind, std::string_view what) {
  for (size_t i = 1; i < context.argument_count(); ++i) {
    const std::string_view name = context.Arg(i);
    context.engine().channels().Subscribe(context.session(), kind, name);
    Confirm(context, what, kind, &name);
  }
  return Status::Ok();
}

// Of everything of the kind when no name is given; then there is one confirmation even if that is nothing.
Status UnsubscribeFrom(CommandContext& context, ChannelKind kind, std::string_view what) {
  const auto end_one = [&](std::string_view name) {
    context.engine().channels().Unsubscribe(context.session(), kind, name);
    Confirm(context, what, kind, &name);
  };
  for (size_t i = 1; i < context.argument_count(); ++i) end_one(context.Arg(i));
  if (context.argument_count() > 1) return Status::Ok();
  std::vector<std::string> names;
  if (const Subscriptions* held = context.session().subscriptions.get()) {
    names.assign(held->names(kind).begin(), held->names(kind).end());
  }
  for (const std::string& name : names) end_one(name);
  if (names.empty()) Confirm(context, what, kind, nullptr);
  return Status::Ok();
}

Status Subscribe(CommandContext& context) { return SubscribeTo(context, ChannelKind::kChannel, "subscribe"); }
Status Unsubscribe(CommandContext& context) { return UnsubscribeFrom(context, ChannelKind::kChannel, "unsubscribe"); }
Status PSubscribe(CommandContext& context) { return SubscribeTo(context, ChannelKind::kPattern, "psubscribe"); }
Status PUnsubscribe(CommandContext& context) { return UnsubscribeFrom(context, ChannelKind::kPattern, "punsubscribe"); }

Status SSubscribe(CommandContext& context) {
  if (context.executor().is_in_transaction()) {
    return errors::Generic("SSUBSCRIBE isn't allowed for a DENY BLOCKING client");
  }
  return SubscribeTo(context, ChannelKind::kShardChannel, "ssubscribe");
}

Status SUnsubscribe(CommandContext& context) {
  return UnsubscribeFrom(context, ChannelKind::kShardChannel, "sunsubscribe");
}

Status PublishTo(CommandContext& context, ChannelKind kind) {
  const size_t count = context.engine().channels().Publish(kind, context.Arg(1), context.Arg(2));
  context.Reply().Integer(static_cast<int64_t>(count));
  return Status::Ok();
}

Status Publish(CommandContext& context) { return PublishTo(context, ChannelKind::kChannel); }
Status SPublish(CommandContext& context) { return PublishTo(context, ChannelKind::kShardChannel); }

Status ListChannels(CommandContext& context, ChannelKind kind) {
  if (context.argument_count() > 3) return errors::SubcommandArguments(context.Arg(1), "PUBSUB");
  std::string_view pattern;
  if (context.argument_count() == 3) pattern = context.Arg(2);
  const std::vector<std::string> names =
      context.engine().channels().Names(kind, context.argument_count() == 3 ? &pattern : nullptr);
  context.Reply().Array(names.size());
  for (const std::string& name : names) context.Reply().Bulk(name);
  return Status::Ok();
}

Status CountSubscribers(CommandContext& context, ChannelKind kind) {
  context.Reply().Array(2 * (context.argument_count() - 2));
  for (size_t i = 2; i < context.argument_count(); ++i) {
    context.Reply().Bulk(context.Arg(i));
    context.Reply().Integer(static_cast<int64_t>(context.engine().channels().SubscribersOf(kind, context.Arg(i))));
  }
  return Status::Ok();
}

Status PubSubChannels(CommandContext& context) { return ListChannels(context, ChannelKind::kChannel); }
Status PubSubShardChannels(CommandContext& context) { return ListChannels(context, ChannelKind::kShardChannel); }
Status PubSubNumSub(CommandContext& context) { return CountSubscribers(context, ChannelKind::kChannel); }
Status PubSubShardNumSub(CommandContext& context) { return CountSubscribers(context, ChannelKind::kShardChannel); }

Status PubSubNumPat(CommandContext& context) {
  context.Reply().Integer(static_cast<int64_t>(context.engine().channels().channel_count(ChannelKind::kPattern)));
  return Status::Ok();
}

constexpr uint64_t kSubscribeFlags = kPubSub | kNoScript | kLoading | kStale | kForSubscribers;
constexpr uint64_t kPublishFlags = kPubSub | kLoading | kStale | kFast;
constexpr uint64_t kLookFlags = kPubSub | kLoading | kStale;

constexpr CommandSpec kCommands[] = {
    {
        .name = "PSUBSCRIBE",
        .syntax = "pattern [pattern ...]",
        .summary = "Listens for messages published to channels that match one or more patterns.",
        .since = "2.0.0",
        .group = "pubsub",
        .complexity = "O(N) where N is the number of patterns to subscribe to.",
        .flags = kSubscribeFlags,
        .handler = PSubscribe,
    },
    {
        .name = "PUBLISH",
        .syntax = "channel message",
        .summary = "Posts a message to a channel.",
        .since = "2.0.0",
        .group = "pubsub",
        .complexity = "O(N+M) where N is the number of clients subscribed to the receiving channel and M is the total "
                      "number of subscribed patterns (by any client).",
        .flags = kPublishFlags,
        .handler = Publish,
    },
    {
        .name = "PUBSUB",
        .summary = "A container for Pub/Sub commands.",
        .since = "2.8.0",
        .group = "pubsub",
        .complexity = "Depends on subcommand.",
        .arity = -2,
    },
    {
        .name = "PUBSUB CHANNELS",
        .syntax = "[pattern]",
        .summary = "Returns the active channels.",
        .since = "2.8.0",
        .group = "pubsub",
        .complexity = "O(N) where N is the number of active channels, and assuming constant time pattern matching "
                      "(relatively short channels and patterns)",
        .flags = kLookFlags,
        .handler = PubSubChannels,
    },
    {
        .name = "PUBSUB HELP",
        .summary = "Returns helpful text about the different subcommands.",
        .since = "6.2.0",
        .group = "pubsub",
        .complexity = "O(1)",
        .flags = kLoading | kStale,
        .handler = ReplyHelp,
    },
    {
        .name = "PUBSUB NUMPAT",
        .summary = "Returns a count of unique pattern subscriptions.",
        .since = "2.8.0",
        .group = "pubsub",
        .complexity = "O(1)",
        .flags = kLookFlags,
        .handler = PubSubNumPat,
    },
    {
        .name = "PUBSUB NUMSUB",
        .syntax = "[channel [channel ...]]",
        .summary = "Returns a count of subscribers to channels.",
        .since = "2.8.0",
        .group = "pubsub",
        .complexity = "O(N) for the NUMSUB subcommand, where N is the number of requested channels",
        .flags = kLookFlags,
        .handler = PubSubNumSub,
    },
    {
        .name = "PUBSUB SHARDCHANNELS",
        .syntax = "[pattern]",
        .summary = "Returns the active shard channels.",
        .since = "7.0.0",
        .group = "pubsub",
        .complexity = "O(N) where N is the number of active shard channels, and assuming constant time pattern "
                      "matching (relatively short shard channels).",
        .flags = kLookFlags,
        .handler = PubSubShardChannels,
    },
    {
        .name = "PUBSUB SHARDNUMSUB",
        .syntax = "[shardchannel [shardchannel ...]]",
        .summary = "Returns the count of subscribers of shard channels.",
        .since = "7.0.0",
        .group = "pubsub",
        .complexity = "O(N) for the SHARDNUMSUB subcommand, where N is the number of requested shard channels",
        .flags = kLookFlags,
        .handler = PubSubShardNumSub,
    },
    {
        .name = "PUNSUBSCRIBE",
        .syntax = "[pattern [pattern ...]]",
        .summary = "Stops listening to messages published to channels that match one or more patterns.",
        .since = "2.0.0",
        .group = "pubsub",
        .complexity = "O(N) where N is the number of patterns to unsubscribe.",
        .flags = kSubscribeFlags,
        .handler = PUnsubscribe,
    },
    {
        .name = "SPUBLISH",
        .syntax = "shardchannel message",
        .summary = "Posts a message to a shard channel.",
        .since = "7.0.0",
        .group = "pubsub",
        .complexity = "O(N) where N is the number of clients subscribed to the receiving shard channel.",
        .flags = kPublishFlags,
        .keys = {OneKey(1, kKeyNotKey)},
        .handler = SPublish,
    },
    {
        .name = "SSUBSCRIBE",
        .syntax = "shardchannel [shardchannel ...]",
        .summary = "Listens for messages published to shard channels.",
        .since = "7.0.0",
        .group = "pubsub",
        .complexity = "O(N) where N is the number of shard channels to subscribe to.",
        .flags = kSubscribeFlags,
        .keys = {KeyRange(1, -1, 1, kKeyNotKey)},
        .handler = SSubscribe,
    },
    {
        .name = "SUBSCRIBE",
        .syntax = "channel [channel ...]",
        .summary = "Listens for messages published to channels.",
        .since = "2.0.0",
        .group = "pubsub",
        .complexity = "O(N) where N is the number of channels to subscribe to.",
        .flags = kSubscribeFlags,
        .handler = Subscribe,
    },
    {
        .name = "SUNSUBSCRIBE",
        .syntax = "[shardchannel [shardchannel ...]]",
        .summary = "Stops listening to messages posted to shard channels.",
        .since = "7.0.0",
        .group = "pubsub",
        .complexity = "O(N) where N is the number of shard channels to unsubscribe.",
        .flags = kSubscribeFlags,
        .keys = {KeyRange(1, -1, 1, kKeyNotKey)},
        .handler = SUnsubscribe,
    },
    {
        .name = "UNSUBSCRIBE",
        .syntax = "[channel [channel ...]]",
        .summary = "Stops listening to messages posted to channels.",
        .since = "2.0.0",
        .group = "pubsub",
        .complexity = "O(N) where N is the number of channels to unsubscribe.",
        .flags = kSubscribeFlags,
        .handler = Unsubscribe,
    },
};

}  // namespace

std::span<const CommandSpec> PubSubCommands() { return kCommands; }

}  // namespace kvick
