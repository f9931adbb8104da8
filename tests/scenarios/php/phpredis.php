<?php
// phpredis: values of every type, pipelines, transactions, scripts, iteration, streams, sessions.

declare(strict_types=1);

function check(string $what, callable $act): void
{
    $act();
    fwrite(STDOUT, "ok $what\n"); // not echo, after which a session could not begin
}

function same(mixed $actual, mixed $expected): void
{
    if ($actual !== $expected) {
        throw new Exception('got ' . var_export($actual, true) . ', expected ' . var_export($expected, true));
    }
}

set_error_handler(fn (int $level, string $text) => throw new ErrorException($text, 0, $level));

$port = parse_url(getenv('SERVER_URL'), PHP_URL_PORT);
$redis = new Redis();
$redis->connect('127.0.0.1', $port, 5.0);

check('strings, counters, expiry, bytes', function () use ($redis): void {
    same($redis->set('a', 'x', ['nx', 'ex' => 100]), true);
    same($redis->set('a', 'y', ['nx']), false);
    same($redis->get('a'), 'x');
    same($redis->get('absent'), false);
    same($redis->ttl('a') > 95, true);
    same([$redis->incrBy('n', 5), $redis->decr('n'), $redis->incrByFloat('f', 1.5)], [5, 4, 1.5]);
    $bytes = implode('', array_map('chr', range(0, 255)));
    $redis->mSet(["bin\0ary" => $bytes, 'b' => 'z']);
    same($redis->mGet(["bin\0ary", 'absent', 'b']), [$bytes, false, 'z']);
    same($redis->unlink('a', 'b', 'absent'), 2);
});

check('hashes, lists, sets, sorted sets, geo', function () use ($redis): void {
    $redis->hMSet('hash', ['name' => 'Ada', 'born' => 1815]);
    same($redis->hGetAll('hash'), ['name' => 'Ada', 'born' => '1815']);
    same($redis->hIncrBy('hash', 'born', 1), 1816);
    $redis->rPush('list', 'a', 'b', 'c');
    same([$redis->lRange('list', 0, -1), $redis->lPop('list'), $redis->blPop(['list'], 1)],
        [['a', 'b', 'c'], 'a', ['list', 'b']]);
    $redis->sAdd('one', 'a', 'b');
    $redis->sAdd('two', 'b', 'c');
    same([$redis->sInter('one', 'two'), $redis->sCard('one'), $redis->sIsMember('one', 'c')], [['b'], 2, false]);
    $redis->zAdd('zset', 1, 'a', 2.5, 'b', 3, 'c');
    same($redis->zRevRange('zset', 0, 1, true), ['c' => 3.0, 'b' => 2.5]);
    same($redis->zRangeByScore('zset', '(1', '+inf', ['limit' => [0, 1]]), ['b']);
    $redis->geoAdd('geo', 13.361389, 38.115556, 'Palermo', 15.087269, 37.502669, 'Catania');
    same(round($redis->geoDist('geo', 'Palermo', 'Catania', 'km')), 166.0);
});

check('pipeline, transaction, watch', function () use ($redis, $port): void {
    $pipeline = $redis->multi(Redis::PIPELINE);
    foreach (range(1, 500) as $number) {
        $pipeline->set("p:$number", (string) $number)->get("p:$number");
    }
    $replies = $pipeline->exec();
    same([count($replies), $replies[999]], [1000, '500']);
    same($redis->multi()->set('t', '1')->incr('t')->exec(), [true, 2]);
    $other = new Redis();
    $other->connect('127.0.0.1', $port);
    $redis->watch('t');
    $other->set('t', 'changed');
    same($redis->multi()->set('t', 'lost')->exec(), false);
    same($redis->get('t'), 'changed');
});

check('scripts and errors', function () use ($redis): void {
    same($redis->eval('return {KEYS[1], ARGV[1], 3}', ['k', 'v'], 1), ['k', 'v', 3]);
    $sha = $redis->script('load', "return redis.call('incrby', KEYS[1], ARGV[1])");
    same($redis->evalSha($sha, ['counter', '7'], 1), 7);
    same($redis->evalSha(str_repeat('0', 40), [], 0), false);
    same(rtrim($redis->getLastError(), "\0"), 'NOSCRIPT No matching script. Please use EVAL.');
    $redis->clearLastError();
    $redis->set('text', 'x');
    same($redis->incr('text'), false);
    same(rtrim($redis->getLastError(), "\0"), 'ERR value is not an integer or out of range');
});

check('iteration over keys and members', function () use ($redis): void {
    $redis->setOption(Redis::OPT_SCAN, (string) Redis::SCAN_RETRY);
    $seen = [];
    $cursor = null;
    while (($keys = $redis->scan($cursor, 'p:*', 50)) !== false) {
        $seen = array_merge($seen, $keys);
    }
    same(count(array_unique($seen)), 500);
    $redis->hMSet('big', array_combine(range(1, 1000), range(1, 1000)));
    $sum = 0;
    $cursor = null;
    while (($fields = $redis->hScan('big', $cursor)) !== false) {
        $sum += array_sum($fields);
    }
    same($sum, 500500);
});

check('streams with a consumer group', function () use ($redis): void {
    $first = $redis->xAdd('stream', '*', ['n' => '1']);
    $redis->xAdd('stream', '*', ['n' => '2']);
    same($redis->xGroup('CREATE', 'stream', 'group', '0'), true);
    $read = $redis->xReadGroup('group', 'ada', ['stream' => '>'], 1);
    same($read, ['stream' => [$first => ['n' => '1']]]);
    same([$redis->xAck('stream', 'group', [$first]), $redis->xLen('stream')], [1, 2]);
});

check('values that the extension serializes', function () use ($redis): void {
    $redis->setOption(Redis::OPT_SERIALIZER, (string) Redis::SERIALIZER_PHP);
    $redis->setOption(Redis::OPT_PREFIX, 'app:');
    $redis->set('object', ['a' => [1, 2.5, null, true]]);
    same($redis->get('object'), ['a' => [1, 2.5, null, true]]);
    $redis->setOption(Redis::OPT_SERIALIZER, (string) Redis::SERIALIZER_NONE);
    $redis->setOption(Redis::OPT_PREFIX, '');
    same($redis->exists('app:object'), 1);
});

check('PHP sessions, with locks', function () use ($redis, $port): void {
    ini_set('session.save_handler', 'redis');
    ini_set('session.save_path', "tcp://127.0.0.1:$port?prefix=sess:");
    ini_set('redis.session.locking_enabled', '1');
    ini_set('session.use_cookies', '0');
    ini_set('session.cache_limiter', '');
    session_id('session1');
    session_start();
    $_SESSION['user'] = 'ada';
    same($redis->exists('sess:session1_LOCK'), 1);
    session_write_close();
    same($redis->exists('sess:session1_LOCK'), 0);
    $_SESSION = [];
    session_id('session1');
    session_start();
    same($_SESSION, ['user' => 'ada']);
    same($redis->ttl('sess:session1') > 1000, true);
    session_destroy();
    same($redis->exists('sess:session1'), 0);
});

$redis->close();
fwrite(STDOUT, "done\n");
