"""The server's own commands: configuration, introspection, DEBUG aids."""

from compare import (config_values, info_fields, same_kind, shape, time_of_day, within)
from grammar import Family
from plan import Step

family = Family('server', mixed=False)
row = family.row

# Directives that may be set to anything valid without harm to the run, with values good and bad. The runner puts
# them back to the values they had at the start before each sequence.
SAFE = {
    'maxmemory-policy': ['noeviction', 'allkeys-lru', 'volatile-lru', 'allkeys-lfu', 'volatile-lfu', 'allkeys-random',
                         'volatile-random', 'volatile-ttl', 'NOEVICTION', 'bad', ''],
    'maxmemory-samples': ['5', '10', '0', '-1', 'x'],
    'maxmemory-eviction-tenacity': ['10', '100', '101', '-1'],
    'hash-max-listpack-entries': ['4', '128', '512', '-1', 'x', ''],
    'hash-max-listpack-value': ['8', '64', '1kb', '-1'],
    'hash-max-ziplist-entries': ['16', '512'],
    'list-max-listpack-size': ['-2', '-1', '-5', '4', '128', 'x'],
    'list-max-ziplist-size': ['-2', '8'],
    'list-compress-depth': ['0', '1', '2', '-1'],
    'set-max-intset-entries': ['4', '512', '-1'],
    'zset-max-listpack-entries': ['4', '128', 'x'],
    'zset-max-listpack-value': ['8', '64', '1mb'],
    'zset-max-ziplist-value': ['64'],
    'hll-sparse-max-bytes': ['0', '3000', '16000', '-1'],
    'stream-node-max-bytes': ['4096', '4kb', '0', '-1'],
    'stream-node-max-entries': ['100', '0', '-1'],
    'slowlog-max-len': ['0', '1', '128', '-1'],
    'latency-monitor-threshold': ['0', '1000000', '-1'],
    'lfu-log-factor': ['10', '0', '-1'],
    'lfu-decay-time': ['1', '0', '-1'],
    'hz': ['10', '100', '1', '500', '0', '501', '-5', 'x'],
    'dynamic-hz': ['yes', 'no', 'YES', 'maybe', '1'],
    'active-expire-effort': ['1', '10', '0', '11'],
    'activerehashing': ['yes', 'no', 'x'],
    'lazyfree-lazy-eviction': ['yes', 'no'],
    'lazyfree-lazy-expire': ['yes', 'no', ''],
    'lazyfree-lazy-server-del': ['yes', 'no'],
    'lazyfree-lazy-user-del': ['yes', 'no'],
    'lazyfree-lazy-user-flush': ['yes', 'no'],
    'notify-keyspace-events': ['', 'KEA', 'Ex', 'g$lshzxetdmnK', 'AKE', 'y', 'K', 'A'],
    'tcp-keepalive': ['0', '300', '-1'],
    'timeout': ['0', '100000', '-1', 'x'],
    'maxmemory': ['0', '100gb', '100GB', '1099511627776', '-1', 'x', '1tb'],
    'maxmemory-clients': ['0', '1gb', '50%', '101%', '-1', 'x%'],
    'proto-max-bulk-len': ['512mb', '1gb', '1048576', '1', 'x'],
    'client-query-buffer-limit': ['1gb', '1mb', '1', 'x'],
    'client-output-buffer-limit': ['normal 0 0 0', 'normal 1gb 512mb 60', 'pubsub 64mb 16mb 90', 'normal 0 0',
                                   'bad 0 0 0', 'replica 512mb 128mb 60 pubsub 32mb 8mb 60', 'normal x 0 0',
                                   'slave 256mb 64mb 60', ''],
    'loglevel': ['notice', 'verbose', 'warning', 'debug', 'nothing', 'NOTICE', ''],
    'repl-backlog-size': ['1mb', '16kb', '1', 'x', '5mb'],
    'repl-timeout': ['60', '100', '0', 'x'],
    'busy-reply-threshold': ['5000', '1000', '-1'],
    'lua-time-limit': ['5000', '2000'],
    'min-replicas-max-lag': ['10', '0', '-1'],
    'replica-priority': ['100', '0', '-1'],
    'acllog-max-len': ['128', '0', '-1'],
    'tracking-table-max-keys': ['1000000', '0', '-1'],
    'auto-aof-rewrite-percentage': ['100', '0', '-1'],
    'auto-aof-rewrite-min-size': ['64mb', '1', 'x'],
    'aof-use-rdb-preamble': ['yes', 'no', 'x'],
    'appendfsync': ['everysec', 'always', 'no', 'sometimes'],
    'no-appendfsync-on-rewrite': ['yes', 'no'],
    'rdbcompression': ['yes', 'no', '2'],
    'stop-writes-on-bgsave-error': ['yes', 'no'],
    'slave-read-only': ['yes', 'no'],
    'replica-read-only': ['yes', 'no', 'bad'],
    'lua-replicate-commands': ['yes'],
    'latency-tracking': ['yes', 'no', 'x'],
    'latency-tracking-info-percentiles': ['50 99 99.9', '50', '', '101', '-1', 'x'],
    'shutdown-timeout': ['10', '0', '-1'],
    'shutdown-on-sigterm': ['default', 'nosave now', 'save nosave', 'bad', 'save', 'force'],
    'crash-log-enabled': ['yes', 'no'],
    'proc-title-template': ['{title} {listen-addr} {server-mode}', '{bad}', '{title}', ''],
}
NAMES = list(SAFE)

# Not changeable at run time, unknown, or refused for what they are.
REFUSED = ['databases', 'nosuch', '', 'daemonize', 'unixsocket', 'always-show-logo', 'pidfile', 'tcp-backlog',
           'aclfile', 'io-threads', 'supervised', 'syslog-enabled', 'appendfilename', 'include', 'rename-command',
           'user', 'enable-debug-command', 'cluster-enabled', 'server\r\nname', 'logfile', 'set-proc-title', 'loadmodule']

CONFIG_PATTERNS = ['maxmemory*', '*max*entries', 'save', 'nosuch', '*', '', 'lazyfree*', '[hl]z', 'slave-*', 'replica*',
                   '*ziplist*', 'MaxMemory', 'client-*', 'appendonly', 'databases', 'port', 'bind', 'tls-port']
comparable_config = config_values({name.encode() for name in NAMES} | {b'databases', b'appendonly', b'save'})


def safe_name(dice):
    return dice.word(dice.pick(NAMES)).replace(b'_', b'-')


@row('CONFIG|SET', weight=10, mutate=False)
def config_set(dice):
    words = []
    for _ in range(dice.pick([1, 1, 1, 1, 2, 3])):
        name = dice.pick(NAMES)
        words += [dice.word(name), dice.pick(SAFE[name])]
    if dice.chance(0.05):
        words = words[:-1]
    return [b'CONFIG', dice.word('SET'), *words]


@row('CONFIG|SET', weight=2, mutate=False)
def config_set_refused(dice):
    words = [dice.pick(REFUSED), dice.pick(['yes', '1', ''])]
    if dice.chance(0.3):
        name = dice.pick(NAMES)
        words += [name, dice.pick(SAFE[name])]
    return [b'CONFIG', b'SET', *words]


@row('CONFIG|GET', weight=8, compare=comparable_config)
def config_get(dice):
    return [b'CONFIG', dice.word('GET'), *dice.some(lambda: dice.word(dice.pick(NAMES)), 1, 3)]


@row('CONFIG|GET', weight=2, compare=comparable_config)
def config_get_pattern(dice):
    return [b'CONFIG', dice.word('GET'), *dice.some(lambda: dice.pick(CONFIG_PATTERNS), 1, 2)]


@row('CONFIG|RESETSTAT', weight=1)
def config_resetstat(dice):
    return [b'CONFIG', dice.word('RESETSTAT')]


@row('CONFIG|REWRITE', weight=0.5)
def config_rewrite(dice):
    """Both servers run without a configuration file."""
    return [b'CONFIG', dice.word('REWRITE')]


@row('CONFIG', weight=1)
def config_unknown(dice):
    return [b'CONFIG', *dice.pick([[], [b'BAD'], [b'GET'], [b'SET'], [b'SET', b'hz'], [b'bad\r\nword']])]


@row('COMMAND|GETKEYS', weight=6)
def command_getkeys(dice):
    return [b'COMMAND', dice.word('GETKEYS'), *sample_command(dice)]


@row('COMMAND|GETKEYSANDFLAGS', weight=6)
def command_getkeysandflags(dice):
    return [b'COMMAND', dice.word('GETKEYSANDFLAGS'), *sample_command(dice)]


SAMPLES = [
    [b'GET', b'a'], [b'get'], [b'SET', b'a', b'b'], [b'SET', b'a', b'b', b'GET'], [b'SET', b'a', b'b', b'EX', b'10'],
    [b'MSET', b'a', b'1', b'b', b'2'], [b'MGET', b'a', b'b', b'c'], [b'DEL', b'a', b'b'], [b'PING'], [b'nosuch', b'a'],
    [b'BITOP', b'AND', b'd', b'a', b'b'], [b'BITFIELD', b'a', b'GET', b'u8', b'0'], [b'RENAME', b'a', b'b'],
    [b'BITFIELD', b'a', b'SET', b'u8', b'0', b'1'], [b'COPY', b'a', b'b'], [b'OBJECT', b'ENCODING', b'a'],
    [b'MEMORY', b'USAGE', b'a'], [b'GETEX', b'a'], [b'LCS', b'a', b'b'], [b'EXPIRE', b'a', b'1'], [b'DBSIZE'],
    [b'SORT', b'a', b'STORE', b'b'], [b'SORT', b'a', b'BY', b'x*', b'store', b'c', b'STORE', b'd'], [b'MSET', b'a'],
    [b'XREAD', b'STREAMS', b'a', b'b', b'0', b'0'], [b'XREAD', b'COUNT', b'1', b'STREAMS', b'a', b'0'],
    [b'ZUNIONSTORE', b'd', b'2', b'a', b'b'], [b'ZUNION', b'2', b'a', b'b'], [b'ZUNION', b'9', b'a', b'b'],
    [b'EVAL', b'return 1', b'2', b'a', b'b'], [b'EVAL', b'return 1', b'0'], [b'EVAL', b'return 1', b'-1', b'a'],
    [b'MIGRATE', b'h', b'1', b'', b'0', b'1', b'KEYS', b'a', b'b'], [b'MIGRATE', b'h', b'1', b'a', b'0', b'1'],
    [b'LMPOP', b'2', b'a', b'b', b'LEFT'], [b'BLPOP', b'a', b'b', b'0'], [b'GEORADIUS', b'a', b'1', b'1', b'1', b'm'],
    [b'GEORADIUS', b'a', b'1', b'1', b'1', b'm', b'STORE', b'b'], [b'SINTERCARD', b'2', b'a', b'b'],
    [b'CLIENT', b'ID'], [b'CONFIG', b'GET', b'a'], [b'XGROUP', b'CREATE', b'a', b'g', b'0'], [b'SPUBLISH', b'c', b'm'],
    [b'PUBLISH', b'c', b'm'], [b'WATCH', b'a', b'b'], [b'PFCOUNT', b'a', b'b'], [b'PFMERGE', b'a', b'b'], [b'KEYS', b'*'],
]


def sample_command(dice):
    """Commands that one server lacks would only say so again and again; `nosuch` stands for them."""
    words = dice.pick(SAMPLES)
    return words if dice.has_command(words[0].decode()) else [b'nosuch', *words[1:]]


@row('COMMAND|INFO', weight=1, mutate=False)
def command_info_of_nothing(dice):
    return [b'COMMAND', dice.word('INFO'), *dice.pick([[b'nosuch'], [b'nosuch', b'geta'], [b'']])]


@row('COMMAND', weight=0.5, mutate=False)
def command_unknown(dice):
    return [b'COMMAND', *dice.pick([[b'BAD'], [b'GETKEYS'], [b'LIST', b'BAD'], [b'LIST', b'FILTERBY'],
                                    [b'LIST', b'FILTERBY', b'BAD', b'x'], [b'LIST', b'FILTERBY', b'PATTERN', b'getr*'],
                                    [b'COUNT', b'x']])]


@row('TIME', weight=1, compare=time_of_day)
def time(dice):
    return [b'TIME']


@row('LASTSAVE', weight=0.5, compare=within(1000))
def lastsave(dice):
    return [b'LASTSAVE']


@row('INFO', weight=1, compare=info_fields)
def info(dice):
    return [b'INFO', *dice.pick([[], [b'server'], [b'SERVER'], [b'clients'], [b'memory'], [b'stats'], [b'replication'],
                                 [b'cpu'], [b'keyspace'], [b'persistence'], [b'errorstats'], [b'nosuch'], [b'cluster'],
                                 [b'all'], [b'everything'], [b'default'], [b'server', b'clients'], [b'modules']])]


@row('DBSIZE', weight=1)
def dbsize(dice):
    return [b'DBSIZE']


@row('SLOWLOG|LEN', weight=1)
def slowlog_len(dice):
    """The log is switched off at the start of each sequence."""
    return [b'SLOWLOG', dice.word('LEN')]


@row('SLOWLOG|GET', weight=1)
def slowlog_get(dice):
    return [b'SLOWLOG', dice.word('GET'), *dice.pick([[], [b'10'], [b'-1'], [b'-2'], [b'x'], [b'0']])]


@row('SLOWLOG|RESET', weight=0.5)
def slowlog_reset(dice):
    return [b'SLOWLOG', dice.word('RESET')]


@row('LATENCY|RESET', weight=0.5, mutate=False)
def latency_reset(dice):
    return [b'LATENCY', dice.word('RESET'), *dice.some(lambda: b'nosuch', 0, 2)]


@row('LATENCY|HISTORY', weight=0.5)
def latency_history(dice):
    return [b'LATENCY', dice.word('HISTORY'), b'nosuch']


@row('MEMORY|DOCTOR', weight=0.3, compare=same_kind)
def memory_doctor(dice):
    return [b'MEMORY', dice.word('DOCTOR')]


@row('ACL|WHOAMI', weight=1)
def acl_whoami(dice):
    return [b'ACL', dice.word('WHOAMI')]


@row('ACL|USERS', weight=0.5)
def acl_users(dice):
    return [b'ACL', dice.word('USERS')]


@row('ROLE', weight=0.5)
def role(dice):
    return [b'ROLE']


@row('LOLWUT', weight=0.3, compare=same_kind)
def lolwut(dice):
    return [b'LOLWUT', *dice.pick([[], [b'VERSION', b'5'], [b'VERSION', b'x']])]


@row('DEBUG', weight=5, mutate=False)
def debug_protocol(dice):
    return [b'DEBUG', b'PROTOCOL', dice.word(dice.pick([
        'STRING', 'INTEGER', 'DOUBLE', 'NULL', 'ARRAY', 'SET', 'MAP', 'ATTRIB', 'VERBATIM', 'TRUE', 'FALSE', 'BIGNUM']))]


@row('DEBUG', weight=2, mutate=False)
def debug(dice):
    return [b'DEBUG', *dice.pick([
        [b'SLEEP', b'0'], [b'BAD'], [], [b'PROTOCOL', b'bad'], [b'ERROR', b'MYERR text'], [b'LOG', b'a line'],
        [b'SET-ACTIVE-EXPIRE', b'0'], [b'SET-ACTIVE-EXPIRE', b'1'], [b'OBJECT'], [b'OBJECT', b'nosuchkey'], [b'SLEEP']])]


@row('DEBUG+SET', weight=1, mutate=False)
def debug_digest_is_of_the_content(dice):
    """The digest itself is each server's own; what must hold is that an empty data set gives zeros."""
    return [Step([b'FLUSHALL']), Step([b'DEBUG', b'DIGEST']), Step([b'SET', b'a', dice.value()]),
            Step([b'DEBUG', b'DIGEST'], shape)]


@row('SET', weight=1)
def set_(dice):
    return [b'SET', dice.key('string'), dice.value()]
