"""Scripts: every type of reply through redis.call to a Lua value and back, errors with their texts, the libraries.

Keys are declared or not, at random; what is stored must be the same in the end either way.
"""

from grammar import Family

family = Family('script', mixed=False)
row = family.row

# Calls whose replies are of all types, on whatever the keys hold.
CALLS = [
    b"'get', K", b"'set', K, ARGV[1]", b"'incr', K", b"'append', K, ARGV[1]", b"'strlen', K", b"'del', K", b"'type', K",
    b"'lpush', K, ARGV[1], 'x'", b"'lrange', K, 0, -1", b"'rpop', K", b"'sadd', K, ARGV[1], 'y'", b"'scard', K",
    b"'hset', K, 'f', ARGV[1]", b"'hget', K, 'f'", b"'hmget', K, 'f', 'g'", b"'hlen', K", b"'zadd', K, 1.5, 'm'",
    b"'zscore', K, 'm'", b"'zrange', K, 0, -1, 'withscores'", b"'mget', K, 'nokey'", b"'exists', K", b"'ping'",
    b"'echo', ARGV[1]", b"'expire', K, 1000", b"'persist', K", b"'nosuch'", b"'get'", b"'get', {}", b"'multi'",
    b"'config', 'get', 'port'", b"'eval', 'return 1', 0", b"'lpop', K, 2", b"'getset', K, ARGV[1]",
]  # fmt: skip
SHAPES = [
    b"return %s(CALL)", b"local r = %s(CALL) return {r, type(r)}", b"return {%s(CALL), 1}",
    b"local ok, r = pcall(%s, CALL) return {tostring(ok), type(r), r}",
    b"%s(CALL)\nreturn 1", b"local r = %s(CALL) if type(r) == 'table' then return #r end return r",
    b"redis.setresp(3) return %s(CALL)",
]  # fmt: skip
VALUES = [
    b'1', b'-3.7', b'1e30', b'0/0', b'true', b'false', b'nil', b"'text'", b"''", b'{}', b'{1,2,nil,4}', b"{ok='fine'}",
    b"{err='ERR x'}", b"{err='x'}", b'{ok=1}', b'{err=1}', b'{double=1.5}', b'{map={a=1}}', b'{set={a=true}}',
    b"{big_number='123'}", b"{verbatim_string={string='x',format='txt'}}", b'{1,{2,{3,{4}}}}', b'{true,false}',
    b"redis.error_reply('word')", b"redis.error_reply('-TWO words')", b"redis.status_reply('s')", b"redis.sha1hex('x')",
    b'function() end', b'redis.REPL_ALL', b'redis.LOG_WARNING', b'{1.5, 2.5}', b'redis.acl_check_cmd("get", "x")',
]  # fmt: skip
PROGRAMS = [
    b'x = 1', b'return y', b'redis.call = 1', b"error('boo')", b"error({err='MY own'})", b'local t return t.x', b'bad bad',
    b'return redis.call()', b'return redis.log(1)', b'return redis.setresp(4)', b'return redis.set_repl(9)',
    b"return cjson.encode({1, 2, {a = 1}})", b"return cjson.decode(ARGV[1])", b"return cjson.encode(ARGV)",
    b"return tostring(cjson.decode('{\"a\":[1,null,true]}').a[1])", b"return cmsgpack.unpack(cmsgpack.pack({1, 'a', 2.5}))",
    b"return cmsgpack.pack(ARGV)", b"return struct.pack('>I2h', 1, -2)", b"return {struct.unpack('>I2', ARGV[1])}",
    b'return bit.tohex(bit.bxor(0xff, 0x0f))', b"return string.format('%s|%5.1f|%q', 'a', 1.25, ARGV[1])",
    b"return {string.find(ARGV[1], '%d+')}", b"return table.concat(ARGV, ',')", b'return #KEYS + #ARGV',
    b"local t = {} for k in pairs({a = 1, b = 2, c = 3, id = 4, name = 5}) do t[#t + 1] = k end return t",
    b'return select(2, pcall(error))', b"return {tostring(pcall(redis.call, 'nosuch'))}", b'return unpack(ARGV)',
    b"return tostring(xpcall(function() x = 1 end, function(e) return e end))",
]  # fmt: skip
SHEBANGS = [b'#!lua\n', b'#!lua flags=no-writes\n', b'#!lua flags=wrong\n', b'#!lua x=y\n', b'#!other\n', b'#!lua']


def run(dice, text, key):
    """EVAL or EVAL_RO, with the key declared or not."""
    name = b'EVAL' if dice.chance(0.8) else b'EVAL_RO'
    if dice.chance(0.1):
        text = dice.pick(SHEBANGS) + text
    value = dice.value()
    if dice.chance(0.6):
        return [name, text.replace(b'K,', b'KEYS[1],').replace(b', K', b', KEYS[1]'), b'1', key, value]
    return [name, text.replace(b', K', b', ARGV[2]'), b'0', value, key]


@row('EVAL', weight=10, mutate=False)
def call(dice):
    shape = dice.pick(SHAPES) % dice.pick([b'redis.call', b'redis.pcall'])
    return run(dice, shape.replace(b'(CALL', b'(' + dice.pick(CALLS)).replace(b', CALL', b', ' + dice.pick(CALLS)), dice.any_key())


@row('EVAL', weight=4, mutate=False)
def value(dice):
    return run(dice, b'return ' + dice.pick(VALUES), dice.any_key())


@row('EVAL', weight=4, mutate=False)
def program(dice):
    return run(dice, dice.pick(PROGRAMS), dice.any_key())


@row('EVAL')
def arguments(dice):
    return [b'EVAL', b'return {KEYS, ARGV}', dice.number(-2, 4), dice.any_key(), dice.value()]


@row('SCRIPT|LOAD')
def load(dice):
    return [b'SCRIPT', b'LOAD', b'return ' + dice.pick(VALUES)]


@row('SCRIPT|FLUSH', weight=0.3)
def flush(dice):
    return [b'SCRIPT', b'FLUSH', dice.pick([b'SYNC', b'ASYNC', b'NEVER'])]


@row('EVALSHA')
def by_digest(dice):
    return [b'EVALSHA', dice.pick([b'e0e1f9fabfc9d4800c877a703b823ac0578ff8db', b'short']), b'0']


@row('FUNCTION|LOAD', mutate=False)
def library(dice):
    code = b"#!lua name=l%d\nredis.register_function('f%d', function(keys, args) return redis.call('get', keys[1]) end)"
    words = [b'FUNCTION', b'LOAD', code % (dice.integer(1, 3), dice.integer(1, 3))]
    if dice.chance(0.5):
        words.insert(2, b'REPLACE')
    return words


@row('FUNCTION|DELETE', weight=1)
def delete(dice):
    return [b'FUNCTION', b'DELETE', b'l%d' % dice.integer(1, 4)]


@row('FCALL', weight=4)
def fcall(dice):
    return [dice.pick([b'FCALL', b'FCALL_RO']), b'f%d' % dice.integer(1, 4), b'1', dice.any_key()]
