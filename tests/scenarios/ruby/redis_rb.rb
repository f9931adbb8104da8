# redis-rb: pipelines, transactions, scripts, blocking calls, Pub/Sub, iteration, streams.

require 'redis'

$stdout.sync = true

def check(what)
  yield
  puts "ok #{what}"
end

def same(actual, expected)
  raise "got #{actual.inspect}, expected #{expected.inspect}" unless actual == expected
end

url = ENV.fetch('SERVER_URL')
redis = Redis.new(url: url)

check('strings, hashes, lists, sets, sorted sets') do
  same redis.set('a', 'x', nx: true, ex: 100), true
  same redis.set('a', 'y', nx: true), false
  same redis.get('a'), 'x'
  same redis.mapped_mget('a', 'absent'), { 'a' => 'x', 'absent' => nil }
  same redis.incrbyfloat('f', 1.5), 1.5
  redis.hset('hash', { 'name' => 'Ada', 'born' => 1815 })
  same redis.hgetall('hash'), { 'name' => 'Ada', 'born' => '1815' }
  redis.rpush('list', %w[a b c])
  same redis.lmove('list', 'other', 'LEFT', 'RIGHT'), 'a'
  redis.sadd('set', %w[a b])
  same redis.smembers('set').sort, %w[a b]
  redis.zadd('zset', [[1, 'a'], [2.5, 'b'], [3, 'c']])
  same redis.zrange('zset', 0, -1, with_scores: true), [['a', 1.0], ['b', 2.5], ['c', 3.0]]
  same redis.zrangebyscore('zset', '(1', '+inf', limit: [0, 1]), ['b']
  same redis.zpopmax('zset'), ['c', 3.0]
  same redis.type('zset'), 'zset'
end

check('pipelines, transactions, watch') do
  replies = redis.pipelined { |pipeline| 500.times { |n| pipeline.incr('n') } }
  same replies, (1..500).to_a
  same redis.multi { |transaction| transaction.set('t', 1); transaction.incr('t') }, ['OK', 2]
  lost = redis.watch('t') do
    Redis.new(url: url).set('t', 'changed')
    redis.multi { |transaction| transaction.set('t', 'lost') }
  end
  same lost, nil
  same redis.get('t'), 'changed'
  begin
    redis.multi { |transaction| transaction.set('t', 'x'); transaction.lpush('t', 1) }
    raise 'no error'
  rescue Redis::CommandError => e
    same e.message, 'WRONGTYPE Operation against a key holding the wrong kind of value'
  end
  same redis.get('t'), 'x'
end

check('scripts') do
  same redis.eval('return {KEYS[1], ARGV[1], 3}', keys: ['k'], argv: ['v']), ['k', 'v', 3]
  sha = redis.script(:load, 'return redis.call("incr", KEYS[1])')
  same redis.evalsha(sha, ['counter']), 1
  begin
    redis.evalsha('0' * 40)
    raise 'no error'
  rescue Redis::CommandError => e
    same e.message, 'NOSCRIPT No matching script. Please use EVAL.'
  end
end

check('a blocking call is woken, and times out') do
  waiting = Thread.new { Redis.new(url: url).blpop('queue', timeout: 60) }
  sleep 0.05
  redis.rpush('queue', 'job')
  same waiting.value, %w[queue job]
  same redis.brpop('queue', timeout: 0.1), nil
end

check('Pub/Sub with patterns') do
  heard = []
  ready = Queue.new
  listener = Thread.new do
    Redis.new(url: url).psubscribe('news.*') do |on|
      on.psubscribe { ready << true }
      on.pmessage do |_pattern, channel, message|
        heard << [channel, message]
        throw :done if message == 'end'
      end
    end
  rescue UncaughtThrowError
    nil
  end
  ready.pop
  same redis.publish('news.art', 'one'), 1
  redis.publish('other', 'no')
  redis.publish('news.tech', 'end')
  listener.join(5) or raise 'the listener does not end'
  same heard, [%w[news.art one], %w[news.tech end]]
end

check('iteration') do
  redis.mapped_mset((1..500).to_h { |n| ["key:#{n}", n] })
  same redis.scan_each(match: 'key:*', count: 50).to_a.uniq.size, 500
  redis.hset('big', (1..1000).to_h { |n| [n.to_s, n] })
  same redis.hscan_each('big').to_a.uniq.sum { |_field, value| value.to_i }, 500_500
end

check('streams with a consumer group') do
  redis.xgroup(:create, 'stream', 'group', '$', mkstream: true)
  id = redis.xadd('stream', { n: 1 })
  same redis.xreadgroup('group', 'ada', 'stream', '>'), { 'stream' => [[id, { 'n' => '1' }]] }
  same redis.xpending('stream', 'group')['size'], 1
  same redis.xack('stream', 'group', id), 1
end

redis.close
puts 'done'
