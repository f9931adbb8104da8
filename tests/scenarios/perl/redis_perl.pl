# Redis.pm: commands, pipelined callbacks, Pub/Sub, scripts, the tied hash.

use strict;
use warnings;

use Redis;
use Redis::Hash;

$| = 1;

sub check {
    my ($what, $act) = @_;
    $act->();
    print "ok $what\n";
}

sub same {
    my ($actual, $expected) = map { ref $_ ? join(',', map { $_ // 'undef' } @$_) : $_ // 'undef' } @_;
    die "got $actual, expected $expected" unless $actual eq $expected;
}

my ($server) = $ENV{SERVER_URL} =~ m{^redis://(.+)};
my $redis = Redis->new(server => $server);

check 'commands', sub {
    same $redis->set('a', 'x', 'EX', 100), 'OK';
    same [$redis->mget('a', 'absent')], ['x', undef];
    same $redis->incrby('n', 5), 5;
    $redis->hmset('hash', name => 'Ada', born => 1815);
    my %hash = $redis->hgetall('hash');
    same "$hash{name} $hash{born}", 'Ada 1815';
    $redis->rpush('list', 'a' .. 'e');
    same [$redis->lrange('list', 1, 3)], ['b', 'c', 'd'];
    $redis->zadd('zset', 1, 'one', 2, 'two');
    same [$redis->zrange('zset', 0, -1, 'WITHSCORES')], ['one', 1, 'two', 2];
    same [sort $redis->keys('*')], ['a', 'hash', 'list', 'n', 'zset'];
    ok_info($redis->info);
};

sub ok_info {
    my ($info) = @_;
    die 'no redis_version' unless $info->{redis_version} =~ /^\d+\.\d+/;
}

check 'pipelined callbacks', sub {
    my @replies;
    $redis->incr('many', sub { my ($reply, $error) = @_; push @replies, $error // $reply }) for 1 .. 500;
    $redis->incr('a', sub { my ($reply, $error) = @_; push @replies, $error // $reply });
    $redis->wait_all_responses;
    same $replies[499], 500;
    same $replies[500], 'ERR value is not an integer or out of range';
};

check 'transactions and scripts', sub {
    $redis->multi;
    $redis->set('t', 1);
    $redis->incr('t');
    same [$redis->exec], ['OK', 2];
    same [$redis->eval('return {KEYS[1], ARGV[1], 3}', 1, 'k', 'v')], ['k', 'v', 3];
    eval { $redis->eval('return redis.call("incr", KEYS[1])', 1, 'a') };
    die "no such error: $@" unless $@ =~ /value is not an integer or out of range/;
};

check 'Pub/Sub', sub {
    my @heard;
    my $listener = Redis->new(server => $server);
    $listener->subscribe('news', sub { my ($message, $topic) = @_; push @heard, "$topic: $message" });
    same $redis->publish('news', $_), 1 for 1 .. 3;
    while (@heard < 3) { $listener->wait_for_messages(1) or die 'nothing came' }
    same \@heard, ['news: 1', 'news: 2', 'news: 3'];
    $listener->quit;
};

check 'a hash of Perl whose values live in the server', sub {
    tie my %colors, 'Redis::Hash', 'colors', server => $server;
    %colors = (sky => 'blue', sun => 'yellow');
    same $redis->get('colors:sky'), 'blue';
    delete $colors{sky};
    same [keys %colors], ['sun'];
};

$redis->quit;
print "done\n";
