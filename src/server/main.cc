#include <csignal>
#include <thread>

#include "base/clock.h"
#include "server/features.h"
#include "serving/listener.h"

int main(int argc, char** argv) {
  using namespace kvick;
  Settings settings;
  settings.port = argc > 1 ? std::atoi(argv[1]) : 6379;
  settings.threads = argc > 2 ? std::atoi(argv[2]) : 2;
  std::signal(SIGPIPE, SIG_IGN);
  Engine engine(&settings, SystemClock::Instance());
  RegisterFeatures(engine);
  engine.set_concurrent(settings.threads > 1);
  std::vector<std::unique_ptr<Worker>> workers;
  for (int i = 0; i < settings.threads; ++i) workers.push_back(std::make_unique<Worker>(engine, i, settings.threads));
  Listeners listeners(engine, workers);
  if (const Status status = listeners.Open(); !status.ok()) {
    Log(LogLevel::kWarning, status.text());
    return 1;
  }
  for (auto& worker : workers) worker->Start();
  Log(LogLevel::kNotice, "Ready to accept connections tcp");
  for (auto& worker : workers) worker->Join();
}
