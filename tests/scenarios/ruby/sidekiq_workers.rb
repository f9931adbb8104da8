# The jobs of sidekiq_jobs.rb, as the process that runs them loads them.

require 'redis'
require 'sidekiq'

Redis.silence_deprecations = true
Sidekiq.configure_server do |config|
  config.redis = { url: ENV.fetch('SERVER_URL') }
  config.options[:poll_interval_average] = 0.5
end
REDIS = Redis.new(url: ENV.fetch('SERVER_URL'))

class CountJob
  include Sidekiq::Job

  def perform(number)
    REDIS.rpush('ran', number)
  end
end

class FailAtFirstJob
  include Sidekiq::Job
  sidekiq_options retry: 3

  def perform
    raise 'not yet' if REDIS.incr('attempts') < 3
  end
end

class FailJob
  include Sidekiq::Job
  sidekiq_options retry: 0

  def perform
    REDIS.incr('failed')
    raise 'for good'
  end
end

class SlowJob
  include Sidekiq::Job

  def perform
    REDIS.set('slow', 1)
    sleep 0.05 until REDIS.exists?('hurry')
    REDIS.set('slow', 'done')
  end
end
