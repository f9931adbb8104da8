#include "server/process_title.h"

#include <bsd/unistd.h>
#include <unistd.h>

#include <string_view>

#include "base/bytes.h"

namespace kvick {
namespace {

// Where clients find the server first.
std::string ListenAddress(const Settings& settings) {
  const int port = settings.port != 0 ? settings.port : settings.tls_port;
  if (port == 0 && !settings.unix_socket.empty()) return "unixsocket:" + settings.unix_socket;
  std::string_view address = settings.bind.empty() ? "*" : std::string_view(settings.bind.front());
  if (address.starts_with('-')) address.remove_prefix(1);
  return std::string(address) + ":" + std::to_string(port);
}

}  // namespace

void KeepTitleArea(int argc, char** argv) { setproctitle_init(argc, argv, environ); }

std::string ExpandTitle(const Settings& settings, const std::string& title, const std::string& config_path) {
  const std::string_view text = settings.proc_title_template;
  std::string expanded;
  for (size_t i = 0; i < text.size();) {
    const size_t end = text[i] == '{' ? text.find('}', i) : std::string_view::npos;
    if (end == std::string_view::npos) {
      expanded += text[i++];
      continue;
    }
    const std::string_view variable = text.substr(i + 1, end - i - 1);
    if (variable == "title") expanded += title;
    if (variable == "listen-addr") expanded += ListenAddress(settings);
    if (variable == "port") expanded += std::to_string(settings.port);
    if (variable == "tls-port") expanded += std::to_string(settings.tls_port);
    if (variable == "unixsocket") expanded += settings.unix_socket;
    if (variable == "config-file") expanded += config_path.empty() ? "-" : config_path;
    // {server-mode} is empty outside of a cluster.
    i = end + 1;
  }
  return std::string(TrimBlanks(expanded));
}

void ShowTitle(const Settings& settings, const std::string& title, const std::string& config_path) {
  if (!settings.set_proc_title) return;
  setproctitle("-%s", ExpandTitle(settings, title, config_path).c_str());
}

}  // namespace kvick
