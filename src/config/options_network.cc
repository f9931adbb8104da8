// Directives of the network and of access: where kvick listens, who may do dangerous things.
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "config/option_rows.h"
#include "config/option_spec.h"
#include "config/settings.h"

namespace kvick {
namespace {

constexpr size_t kBindAddressesMax = 16;

// `bind`: addresses, each with an optional '-' before it; none at all means not to listen on TCP.
OptionSpec Bind() {
  OptionSpec spec;
  spec.name = "bind";
  spec.flags = kOptionMultiArg;
  spec.store = [](const OptionSpec&, const std::vector<std::string>& words, OptionSource, Settings* settings) {
    if (words.size() > kBindAddressesMax) return Status::Error("Too many bind addresses specified.");
    settings->bind = words;
    return Status::Ok();
  };
  spec.format = [](const OptionSpec&, const Settings& settings) { return JoinWords(settings.bind); };
  spec.rewrite = [](const Settings& settings) {
    std::vector<RewriteLine> lines;
    // At its default the line goes away altogether.
    if (settings.bind != Settings().bind) lines.push_back({JoinWords(settings.bind), true});
    if (settings.bind.empty()) lines.back().value = "\"\"";
    return lines;
  };
  return spec;
}

}  // namespace

std::vector<OptionSpec> NetworkOptions() {
  return {
      Choice("acl-pubsub-default", &Settings::acl_pubsub_allows_all_channels,
             {{"allchannels", true}, {"resetchannels", false}}),
      Text("aclfile", &Settings::acl_file, kOptionImmutable),
      Integer("acllog-max-len", &Settings::acl_log_entries_max, {0, kInt64Max}),
      Text("audit-file", &Settings::audit_file, kOptionImmutable),
      Integer("auth-failures-max", &Settings::auth_failures_max, {0, kInt64Max}),
      Bind(),
      Text("bind-source-addr", &Settings::bind_source_address, kOptionUnsetIfEmpty),
      Choice("enable-debug-command", &Settings::debug_command,
             {{"no", AccessPermission::kNo}, {"yes", AccessPermission::kYes}, {"local", AccessPermission::kLocal}},
             kOptionImmutable),
      Choice("enable-module-command", &Settings::module_command,
             {{"no", AccessPermission::kNo}, {"yes", AccessPermission::kYes}, {"local", AccessPermission::kLocal}},
             kOptionImmutable),
      Choice("enable-protected-configs", &Settings::protected_configs,
             {{"no", AccessPermission::kNo}, {"yes", AccessPermission::kYes}, {"local", AccessPermission::kLocal}},
             kOptionImmutable),
      Integer("port", &Settings::port, {0, 65535}),
      Bool("protected-mode", &Settings::protected_mode),
      Text("requirepass", &Settings::require_password, kOptionSensitive | kOptionUnsetIfEmpty),
      Integer("socket-mark-id", &Settings::socket_mark_id, {0, kUint32Max}, kOptionImmutable),
      Integer("tcp-backlog", &Settings::tcp_backlog, {0, kIntMax}, kOptionImmutable),
      Integer("tcp-keepalive", &Settings::tcp_keepalive_s, {0, kIntMax}),
      Integer("unauthenticated-timeout", &Settings::unauthenticated_timeout_s, {0, kIntMax}),
      Text("unixsocket", &Settings::unix_socket, kOptionImmutable | kOptionUnsetIfEmpty),
      Octal("unixsocketperm", &Settings::unix_socket_permissions, {0, 0777}, kOptionImmutable),
  };
}

}  // namespace kvick
