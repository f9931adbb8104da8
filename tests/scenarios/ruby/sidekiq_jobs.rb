# Sidekiq: one process with five threads; retries, delays, a crowd of jobs, the process that ends in the middle.

require 'json'
require 'redis'
require 'sidekiq/api'

$stdout.sync = true
Redis.silence_deprecations = true # Sidekiq's, as Debian packages it
URL = ENV.fetch('SERVER_URL')
Sidekiq.configure_client { |config| config.redis = { url: URL } }
REDIS = Redis.new(url: URL)

# The names of the jobs' classes; sidekiq_workers.rb has what they do.
class CountJob
  include Sidekiq::Job
end

class FailAtFirstJob
  include Sidekiq::Job
  sidekiq_options retry: 3
end

class FailJob
  include Sidekiq::Job
  sidekiq_options retry: 0
end

class SlowJob
  include Sidekiq::Job
end

def check(what)
  yield
  puts "ok #{what}"
end

def same(actual, expected)
  raise "got #{actual.inspect}, expected #{expected.inspect}" unless actual == expected
end

def wait_until(what, timeout_s = 60)
  deadline = Process.clock_gettime(Process::CLOCK_MONOTONIC) + timeout_s
  until yield
    raise "not in time: #{what}" if Process.clock_gettime(Process::CLOCK_MONOTONIC) > deadline
    sleep 0.02
  end
end

# Three seconds to end: idle threads wait in BRPOP for up to two, and one that is killed in it takes a job with it.
def start_server
  spawn('sidekiq', '-r', File.join(__dir__, 'sidekiq_workers.rb'), '-c', '5', '-t', '3', '-q', 'default',
        out: 'sidekiq.log', err: 'sidekiq.log')
end

def stop(pid, signal = 'TERM')
  Process.kill(signal, pid)
  Process.wait(pid)
end

server = start_server
begin
  check('500 jobs: none lost, none twice') do
    CountJob.perform_bulk((0...500).map { |number| [number] })
    wait_until('all jobs ran') { REDIS.llen('ran') >= 500 }
    same REDIS.lrange('ran', 0, -1).map(&:to_i).sort, (0...500).to_a
    same Sidekiq::Queue.new.size, 0
  end

  check('a job that fails is tried again, one that may not is buried') do
    FailAtFirstJob.perform_async
    FailJob.perform_async
    wait_until('it is in the set of retries') { Sidekiq::RetrySet.new.size == 1 }
    wait_until('it succeeded') do
      Sidekiq::RetrySet.new.each(&:add_to_queue) # instead of waiting for its time
      REDIS.get('attempts') == '3'
    end
    wait_until('no retries are left') { Sidekiq::RetrySet.new.size.zero? }
    same Sidekiq::DeadSet.new.map(&:klass), ['FailJob']
    same REDIS.get('failed'), '1'
  end

  check('a job at a later time is in the schedule, and runs from it') do
    CountJob.perform_in(3600, 1000)
    CountJob.perform_in(1, 1001)
    same Sidekiq::ScheduledSet.new.size, 2
    wait_until('the scheduled job ran', 30) { REDIS.lrange('ran', -1, -1) == ['1001'] }
    same Sidekiq::ScheduledSet.new.size, 1
  end

  check('what a process that is told to end had begun goes back to the queue') do
    SlowJob.perform_async
    wait_until('it began') { REDIS.get('slow') == '1' }
    wait_until('the process shows it') { Sidekiq::ProcessSet.new.any? }
    stop(server)
    server = nil
    same Sidekiq::Queue.new.map(&:klass), ['SlowJob']
    REDIS.set('hurry', 1)
    server = start_server
    wait_until('it ran to its end') { REDIS.get('slow') == 'done' }
  end
rescue StandardError
  puts File.read('sidekiq.log')[-3000..] || File.read('sidekiq.log')
  raise
ensure
  stop(server) if server
end

puts 'done'
