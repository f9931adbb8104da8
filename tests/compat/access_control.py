#!/usr/bin/env python3
"""Random users on kvick and on a stock server: are they shown alike, and may they do the same?

    tests/compat/access_control.py --kvick build/release/kvick-server --users 2000
    tests/compat/access_control.py --kvick BIN --seed 7

For each user, a sequence of ACL SETUSER with random rules, right and wrong, goes to both servers. Then
- the replies and what ACL GETUSER shows are compared. Commands are compared by what they mean: the stock server (7.0)
  shows them in an order of its own, so it is given what kvick shows and must show the same as for the original rules;
- random commands go to ACL DRYRUN of both;
- kvick's DRYRUN is held to what happens when a client of that user really sends the command: NOPERM or not, as a
  command, in a transaction, and from a script.

The last line is `N passed, N failed`; one user is one test.
"""

import argparse
import pathlib
import random
import re
import shutil
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / 'support')]

import grammar  # noqa: E402  (the paths come first)
from dice import KEY_KINDS, Dice  # noqa: E402
from plan import Step  # noqa: E402
from resp import Closed  # noqa: E402
from server_process import ServerProcess  # noqa: E402

FAMILIES = ('string', 'bitmap', 'geo', 'hyperloglog', 'generic', 'list', 'hash', 'set', 'zset', 'stream')
COMMANDS_PER_USER = 25
FAILURES_MAX = 5
USER = 'ada'

CATEGORIES = ('keyspace read write set sortedset list hash string bitmap hyperloglog geo stream pubsub admin fast slow '
              'blocking dangerous connection transaction scripting all nothing').split()
CONTAINERS = ('config|get config|set config|resetstat client|id client|setname object|encoding xinfo|stream acl|whoami '
              'script|exists pubsub|channels command|count memory|usage config|nothing').split()
FIRST_ARGUMENTS = 'select|0 select|1 get|string:1 set|free:0 sort|list:1 ping| get|a|b config|get|x nothing|x'.split()
CHANNELS = ('news', 'news.a', 'other', 'x')

# Commands beside those of the families: what is no data, and what nobody may do here but ask about.
OTHERS = [words.encode().split() for words in (
    'CONFIG GET maxmemory', 'CONFIG SET maxmemory 0', 'CONFIG RESETSTAT', 'CLIENT ID', 'CLIENT SETNAME x', 'ACL WHOAMI',
    'ACL LIST', 'PING', 'ECHO x', 'SELECT 0', 'PUBLISH news x', 'PUBLISH news.a x', 'PUBLISH other x',
    'SPUBLISH news x', 'SPUBLISH x y', 'DBSIZE', 'RANDOMKEY', 'KEYS string*', 'SCAN 0', 'TIME', 'INFO server',
    'COMMAND COUNT', 'COMMAND', 'OBJECT ENCODING string:1', 'OBJECT FREQ', 'SCRIPT EXISTS x', 'PUBSUB CHANNELS',
    'MEMORY USAGE list:1', 'WATCH string:1 list:1', 'UNWATCH', 'LASTSAVE', 'XINFO STREAM stream:1', 'NOTHING x', 'GET',
    'EVAL redis.call(KEYS[1]) 1 string:1', 'EVALSHA x 2 string:1 list:1', 'FCALL f 1 set:1',
)]
ONLY_ASKED = [words.encode().split() for words in (
    'SUBSCRIBE news x', 'PSUBSCRIBE news', 'PSUBSCRIBE news.*', 'SSUBSCRIBE news.a', 'UNSUBSCRIBE other', 'SHUTDOWN',
    'FLUSHALL', 'FLUSHDB', 'SWAPDB 0 1', 'DEBUG OBJECT string:1', 'MONITOR', 'CLIENT KILL x', 'BLPOP list:1 list:2 0',
    'BLMOVE list:1 list:2 LEFT LEFT 0', 'BZPOPMIN zset:1 0', 'BRPOPLPUSH list:0 list:3 0', 'AUTH x', 'HELLO 3', 'RESET',
    'XREAD BLOCK 0 STREAMS stream:1 0', 'QUIT', 'ACL SETUSER x', 'MULTI', 'EXEC', 'MIGRATE h 1 string:1 0 1',
    'MIGRATE h 1  0 1 KEYS string:1 list:2', 'SORT list:1 BY x* STORE set:1', 'SLOWLOG GET',
)]

# Which argument counts the keys.
COUNT_OF_KEYS = {name: 1 for name in (b'zunion', b'zinter', b'zdiff', b'zintercard', b'sintercard', b'lmpop', b'zmpop')}
COUNT_OF_KEYS |= {name: 2 for name in (b'zunionstore', b'zinterstore', b'zdiffstore', b'blmpop', b'bzmpop', b'eval',
                                       b'evalsha', b'fcall')}

# What such commands wait for would come from nobody here.
BLOCKING = re.compile(rb'^(B[LRZ]|XREAD|WAIT)', re.IGNORECASE)


class Difference(Exception):
    pass


def is_error(reply):
    return isinstance(reply, Exception)


def text_of(reply):
    return reply.decode('utf-8', 'replace') if isinstance(reply, bytes) else str(reply)


class Rules:
    """Random rules."""

    def __init__(self, dice):
        self.dice = dice

    def glob(self):
        pick = self.dice.pick
        kind = pick(KEY_KINDS)
        return pick([f'{kind}:*', f'{kind}:{pick("0123")}', f'*:{pick("0123")}', f'{kind[0]}*', f'{kind}:[12]', '*', ''])

    def command(self):
        pick = self.dice.pick
        roll = self.dice.random.random()
        if roll < 0.35:
            return '@' + pick(CATEGORIES)
        if roll < 0.5:
            return pick(CONTAINERS)
        if roll < 0.58:
            return pick(FIRST_ARGUMENTS)
        if roll < 0.63:
            return pick(('config', 'client', 'acl', 'script', 'xinfo', 'object', 'nothing', '', 'pubsub', 'command'))
        return random_command(self.dice)[0].decode('utf-8', 'replace').lower()

    def of_selector(self):
        pick = self.dice.pick
        roll = self.dice.random.random()
        if roll < 0.5:
            return pick('+++-') + self.command()
        if roll < 0.75:
            return pick(('~', '~', '%R~', '%W~', '%RW~', '%w~', '%', '%X~')) + self.glob()
        if roll < 0.85:
            return '&' + pick((*CHANNELS, 'news*', '*', ''))
        return pick(('allkeys', 'resetkeys', 'allchannels', 'resetchannels', 'allcommands', 'nocommands', '~*', '&*',
                     '+@all', '-@all', 'AllKeys', 'foo', 'on off', '~a b'))

    def one(self):
        pick = self.dice.pick
        roll = self.dice.random.random()
        if roll < 0.7:
            return self.of_selector()
        if roll < 0.85:
            # Without quotes, and closed: of what is neither, kvick has another opinion (JoinSelectors, SplitArguments).
            words = self.dice.some(self.of_selector, 0, 4)
            return pick(('(', '( ')) + pick((' ', '  ')).join(words) + ')'
        if roll < 0.95:
            return pick(('on', 'off', 'nopass', 'resetpass', 'sanitize-payload', 'skip-sanitize-payload', '>one', '>two',
                         '<one', '<three', '#abc', '!' + 'a' * 64, '#' + 'b' * 64, '!' + 'b' * 64, ''))
        return pick(('reset', 'clearselectors', 'clearselectors'))

    def sequence(self):
        """The arguments of one ACL SETUSER."""
        return [word for rule in self.dice.some(self.one, 1, 5)
                for word in (rule.split(' ') if rule.startswith('(') and self.dice.chance(0.3) else [rule])]


def random_command(dice):
    if not hasattr(random_command, 'rows'):
        random_command.rows = [row for name in FAMILIES for row in grammar.load(name).rows]
    while True:
        row = dice.pick(random_command.rows)
        if not dice.has_command(row.commands[0].partition('|')[0]):
            continue
        steps = [part for part in grammar.make_unit(row, dice).parts if isinstance(part, Step)]
        if steps:
            return dice.pick(steps).arguments


def shown(connection, user):
    """ACL GETUSER as a dictionary, with texts."""
    reply = connection.call('ACL', 'GETUSER', user)
    if reply is None:
        return None

    def fields(items):
        return {items[i].decode(): items[i + 1] for i in range(0, len(items), 2)}

    found = fields(reply)
    found['selectors'] = [fields(selector) for selector in found['selectors']]
    return found


def without_order(found):
    """What must be equal as it stands: all but the commands, whose order is each server's own."""
    def rest(fields):
        # %RW~* is one pattern among others. 7.0 shows it as ~*, which it would not read back among others.
        keys = re.sub(rb'(^| )%RW~\*(?= |$)', rb'\1~*', fields['keys'])
        return {**{name: value for name, value in fields.items() if name not in ('commands', 'selectors')}, 'keys': keys}

    flags = [flag for flag in found['flags'] if flag != b'sanitize-payload']  # 7.0 has a third state: neither
    return [{**rest(found), 'flags': flags}] + [rest(selector) for selector in found['selectors']]


def commands_of(found):
    return [fields['commands'].decode() for fields in (found, *found['selectors'])]


class Test:
    """One user."""

    def __init__(self, kvick, oracle, dice):
        self.kvick = kvick
        self.oracle = oracle
        self.dice = dice
        self.said = []

    def both(self, *words):
        self.said.append(words)
        return self.kvick.call(*words), self.oracle.call(*words)

    def run(self, client):
        rules = Rules(self.dice)
        self.both('ACL', 'SETUSER', USER, 'reset', 'on', 'nopass')
        for _ in range(self.dice.integer(1, 4)):
            sequence = rules.sequence()
            ours, theirs = self.both('ACL', 'SETUSER', USER, *sequence)
            if text_of(ours) != text_of(theirs):
                raise Difference(f'ACL SETUSER {sequence}: {ours} and {theirs}')
            self.compare_shown()
        if self.dice.chance(0.7):
            self.both('ACL', 'SETUSER', USER, '+@all' if self.dice.chance(0.5) else '+@read', '(~string:* +@string)')
            self.compare_shown()
        for _ in range(COMMANDS_PER_USER):
            roll = self.dice.random.random()
            words = (self.dice.pick(OTHERS) if roll < 0.2 else self.dice.pick(ONLY_ASKED) if roll < 0.3
                     else random_command(self.dice))
            name = words[0].decode('utf-8', 'replace')
            if name != 'NOTHING' and not self.dice.has_command(name):
                continue
            denied = self.compare_dry_run(words)
            if denied is not None and roll >= 0.3 and not BLOCKING.match(words[0]):
                self.compare_real(client, words, denied)
            elif denied is not None and roll < 0.2:
                self.compare_real(client, words, denied)

    def compare_shown(self):
        ours, theirs = shown(self.kvick, USER), shown(self.oracle, USER)
        if without_order(ours) != without_order(theirs):
            raise Difference(f'ACL GETUSER: {without_order(ours)} and {without_order(theirs)}')
        for mine, yours in zip(commands_of(ours), commands_of(theirs)):
            given = self.oracle.call('ACL', 'SETUSER', 'probe', 'reset', *mine.split())
            if is_error(given):
                raise Difference(f'the stock server does not read {mine!r}: {given}')
            again = shown(self.oracle, 'probe')['commands'].decode()
            if again != yours:
                raise Difference(f'commands: kvick shows {mine!r}, which means {again!r} and not {yours!r}')
        line = next(line for line in self.kvick.call('ACL', 'LIST') if line.startswith(b'user ada ')).decode()
        copied = self.kvick.call('ACL', 'SETUSER', 'copy', 'reset', *line.split(' ')[2:])
        if is_error(copied) or shown(self.kvick, 'copy') != ours:
            raise Difference(f'the line {line!r} does not make the same user: {copied}')

    def compare_dry_run(self, words):
        """Whether kvick denies it; None when it is no command."""
        ours, theirs = self.both('ACL', 'DRYRUN', USER, *words)
        mine = text_of(ours).replace(f'User {USER} has', 'This user has')
        if mine != text_of(theirs) and not is_known_difference(words, mine, text_of(theirs)):
            raise Difference(f'ACL DRYRUN {words}: {mine!r} and {text_of(theirs)!r}')
        return None if is_error(ours) else ours != b'OK'

    def compare_real(self, client, words, denied):
        def differs(how, reply):
            return Difference(f'{how} {words} is {"denied" if denied else "allowed"} by DRYRUN, but answers {reply!r}')

        may_queue = self.kvick.call('ACL', 'DRYRUN', USER, 'MULTI') == b'OK' == self.kvick.call(
            'ACL', 'DRYRUN', USER, 'EXEC')
        if may_queue and self.dice.chance(0.3):
            if words[0].upper() == b'WATCH':
                return
            client.call('MULTI')
            queued = client.call(*words)
            ended = client.call('EXEC')
            if str(queued).startswith('NOPERM') != denied or str(ended).startswith('EXECABORT') != is_error(queued):
                raise differs('in a transaction', (queued, ended))
            return
        may_script = self.kvick.call('ACL', 'DRYRUN', USER, 'EVAL', 'x', '0') == b'OK'
        if may_script and self.dice.chance(0.3):
            reply = client.call('EVAL', 'return redis.pcall(unpack(ARGV))', '0', *words)
            if 'not allowed from script' not in str(reply) and (
                    str(reply).startswith('NOPERM ACL failure in script: ') != denied):
                raise differs('in a script', reply)
            return
        reply = client.call(*words)
        if str(reply).startswith('NOPERM') != denied:
            raise differs('sent', reply)


def is_known_difference(words, ours, theirs):
    """Where 8.10 has other commands, arities, categories or keys than 7.0."""
    if is_arity(ours) or is_arity(theirs):
        return True  # how many arguments a command takes is the affair of the command table's test
    # Where the count of keys is none, the servers see other keys or none in a request that both will answer with an error.
    counted = COUNT_OF_KEYS.get(words[0].lower())
    if counted is not None and not re.fullmatch(b'[1-9][0-9]*', words[counted] if counted < len(words) else b''):
        return True
    # 7.0 finds no keys at all when one of the specs reaches beyond the last argument, and allows what it cannot find.
    return words[0].lower() == b'pfmerge' and len(words) == 2 and theirs == 'OK'


def is_arity(text):
    return text.startswith('ERR wrong number of arguments')


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--kvick', required=True, help='server under test')
    parser.add_argument('--oracle', default='redis-server', help='server that is right')
    parser.add_argument('--users', type=int, default=500)
    parser.add_argument('--seed', type=int)
    return parser.parse_args()


def main():
    options = parse_arguments()
    seed = options.seed if options.seed is not None else random.randrange(10**9)
    print(f'seed {seed}', flush=True)
    servers = [ServerProcess(pathlib.Path(shutil.which(binary) or binary).absolute(), {'save': ''})
               for binary in (options.kvick, options.oracle)]
    passed = failed = 0
    try:
        for server in servers:
            server.start()
        kvick, oracle = (server.connect() for server in servers)
        known = {}

        def has_command(name):
            if name not in known:
                known[name] = all(connection.call('COMMAND', 'INFO', name.lower())[0] is not None
                                  for connection in (kvick, oracle))
            return known[name]

        client = None
        for number in range(options.users):
            test = Test(kvick, oracle, Dice(f'{seed}/{number}', has_command))
            try:
                if client is None:
                    test.both('ACL', 'SETUSER', USER, 'on', 'nopass')
                    client = servers[0].connect()
                    client.call('AUTH', USER, 'x')
                test.run(client)
                passed += 1
            except Closed:
                client = None
                print(f'user {number}: the connection was closed')
                failed += 1
            except Difference as difference:
                failed += 1
                client = None
                print(f'\nuser {number}: {difference}')
                for words in test.said:
                    if words[1] == 'SETUSER':
                        print('    ' + ' '.join(repr(text_of(word))[1:-1] for word in words))
            if failed >= FAILURES_MAX:
                print(f'{failed} failures, the rest is not looked at')
                break
        if failed:
            print(f'again: tests/compat/access_control.py --kvick {options.kvick} --users {options.users} --seed {seed}')
    finally:
        for server in servers:
            server.dispose()
    print(f'{passed} passed, {failed} failed')
    return 1 if failed or not passed else 0


if __name__ == '__main__':
    sys.exit(main())
