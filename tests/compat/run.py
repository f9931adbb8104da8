#!/usr/bin/env python3
"""Sends the same random commands to kvick and to a stock server and compares every reply and the final state.

    tests/compat/run.py --kvick build/release/kvick-server --commands 50000
    tests/compat/run.py --kvick BIN --family string,generic --resp 3 --seed 7

One test is one family in one protocol; the family `mixed` deals from all families that only touch keys. A failure is
shrunk to the shortest sequence that still fails and printed as a conversation. Exit status 1 when a test failed.
"""

import argparse
import pathlib
import random
import shlex
import shutil
import signal
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / 'support')]

import conversation  # noqa: E402  (the paths come first)
import final_state  # noqa: E402
import grammar  # noqa: E402
import intended_differences  # noqa: E402
from dice import Dice  # noqa: E402
from families.server import SAFE  # noqa: E402
from pair import Mismatch, Pair  # noqa: E402
from resp import Closed  # noqa: E402
from server_process import ServerProcess  # noqa: E402
from shrink import only_the_same_keys, shrink, with_short_arguments  # noqa: E402

SERVER_OPTIONS = {
    'enable-debug-command': 'yes',
    'slowlog-log-slower-than': '-1',  # what is slow differs from run to run
    'save': '',
    'loglevel': 'notice',
}


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--kvick', required=True, help='server under test')
    parser.add_argument('--oracle', default='redis-server', help='server that is right')
    parser.add_argument('--commands', type=int, default=20_000, help='for each test')
    parser.add_argument('--seed', type=int)
    parser.add_argument('--family', default='', help='names with commas between; default: all and mixed')
    parser.add_argument('--resp', type=int, choices=(2, 3), help='default: both')
    parser.add_argument('--threads', type=int, help='threads of the server under test')
    parser.add_argument('--failures', type=int, default=5,
                        help='after a failure go on without its command, up to this number of failures for each test')
    parser.add_argument('--without', default='', help='rows to leave out, by command or label, for example GET,SCAN/scan_errors')
    parser.add_argument('--kvick-config', action='append', default=[], metavar='"NAME VALUE"',
                        help='a directive for the server under test only, to plant a difference')
    parser.add_argument('--shrink-seconds', type=float, default=60)
    parser.add_argument('--notifications', action='store_true',
                        help='compare what is told to subscribers of keyspace notifications, too')
    parser.add_argument('--all-commands', action='store_true', help='a command that kvick lacks is a failure')
    return parser.parse_args()


def make_servers(options):
    kvick_options = dict(SERVER_OPTIONS)
    if options.threads:
        kvick_options['io-threads'] = str(options.threads)
    for directive in options.kvick_config:
        name, *value = shlex.split(directive)
        kvick_options[name] = value
    return [ServerProcess(pathlib.Path(shutil.which(binary) or binary).absolute(), server_options)
            for binary, server_options in ((options.kvick, kvick_options), (options.oracle, SERVER_OPTIONS))]


# So many differences of one test may go away when the same commands are sent again.
PASSING_MAX = 3


class Commands:
    """Which commands a server has, asked once each."""

    def __init__(self, server):
        self.connection = server.connect()
        self.known = {}

    def has(self, name):
        if name not in self.known:
            reply = self.connection.call('COMMAND', 'INFO', name.lower())
            self.known[name] = isinstance(reply, list) and len(reply) == 1 and reply[0] is not None
        return self.known[name]


class Test:
    """One family in one protocol."""

    def __init__(self, name, rows, share, protocol, pair, has_command, options, seed):
        self.name = name
        self.count = max(1, int(options.commands * share))
        self.rows = rows
        self.protocol = protocol
        self.pair = pair
        self.has_command = has_command
        self.options = options
        self.seed = seed
        self.failed_rows = []
        self.crash_logs = []
        self.passing_count = 0

    def run(self):
        """True when the servers agree."""
        started = time.monotonic()
        while self.rows:
            units = self.make_units()
            mismatch = self.attempt(units)
            if mismatch is None:
                break
            if self.is_passing(units, mismatch):
                continue
            row = self.report(units, mismatch)
            self.failed_rows.append(row)
            self.rows = [other for other in self.rows if other.label != row]
            if len(self.failed_rows) >= self.options.failures:
                print(f'{self.label()}: {len(self.failed_rows)} failures, the rest is not looked at')
                break
        seconds = time.monotonic() - started
        verdict = 'FAILED (' + ', '.join(self.failed_rows) + ')' if self.failed_rows else 'ok'
        print(f'{self.label()}: {self.count} commands in {seconds:.1f} s: {verdict}', flush=True)
        return not self.failed_rows

    def label(self):
        return f'{self.name} RESP{self.protocol}'

    def make_units(self):
        dice = Dice(f'{self.seed}/{self.name}/{self.protocol}', self.has_command)
        rows = dice.random.choices(self.rows, [row.weight for row in self.rows], k=self.count)
        return [grammar.make_unit(row, dice) for row in rows]

    def attempt(self, units):
        """Runs the units on fresh servers; returns the first Mismatch of replies or of the final state, or None."""
        pair = self.pair
        self.reach_servers()
        mismatch = pair.run(units)
        if mismatch:
            return mismatch
        states = [final_state.read_state(server, self.has_command) for server in pair.servers]
        lines = final_state.differences(*states, intended_differences.is_intended_encoding)
        if lines:
            return Mismatch(len(units) - 1, None, ('', '\n'.join(lines[:5])), ('', ''), 'the final state differs')
        return None

    def reach_servers(self):
        """Connects; a server that an earlier attempt crashed is started again.

        One that is still writing its crash report refuses connections and is waited for.
        """
        try:
            self.pair.connect()
        except (OSError, Closed):
            for server in self.pair.servers:
                try:
                    server.connect().call('PING')
                except (OSError, Closed):
                    server.stop()
                    self.crash_logs.append(server.log())
                    server.log_path.write_bytes(b'')
                    server.start()
            self.pair.connect()

    def is_passing(self, units, mismatch):
        """True for a difference that goes away when the same commands are sent again, up to four times.

        When a key expires, and therefore whether DBSIZE still counts it, depends on the moment, which two servers on a
        busy machine do not share. Such a difference is said, but fails nothing; one that stays, or a crash, does. The
        number of times is bounded, so that a fault that shows now and then is not excused for ever.
        """
        if self.crash_logs or self.passing_count >= PASSING_MAX:
            return False
        for _ in range(4):
            found = self.attempt(units)
            if found is None:
                self.passing_count += 1
                print(f'{self.label()}: {mismatch.what} at command {mismatch.unit_index + 1} '
                      f'({units[mismatch.unit_index].row_label}), but not when sent again')
                return True
        return False

    def report(self, units, mismatch):
        """Shrinks and prints a failure; returns the label of the row that shows it."""
        print(f'\n{self.label()}: {mismatch.what} at command {mismatch.unit_index + 1}; shrinking', flush=True)
        units = units[:mismatch.unit_index + 1]
        last = mismatch

        def still_fails(candidate):
            nonlocal last
            found = self.attempt(candidate)
            if found is None or found.what != mismatch.what:
                return False
            last = found
            return True

        if not still_fails(units):
            print('  the same sequence does not fail again: the difference depends on timing')
            last = mismatch
        else:
            guess = only_the_same_keys(units, units[-1])
            if len(guess) < len(units) and still_fails(guess):
                units = guess
            units = shrink(units, still_fails, self.options.shrink_seconds)
            units = with_short_arguments(units, still_fails)
            last = self.attempt(units) or last
        for line in conversation.conversation(units[-60:], self.protocol):
            print('  ' + line)
        print_both(last)
        self.reach_servers()
        if self.crash_logs:
            print('  a server ended; its log:')
            print('    ' + '\n    '.join(crash_lines(self.crash_logs[-1])))
            self.crash_logs.clear()
        print('  again: ' + self.command_line(), flush=True)
        return units[-1].row_label

    def command_line(self):
        options = self.options
        words = ['tests/compat/run.py', '--kvick', options.kvick, '--commands', str(options.commands), '--seed',
                 str(self.seed), '--family', self.name, '--resp', str(self.protocol)]
        left_out = [name for name in options.without.split(',') if name] + self.failed_rows
        if left_out:
            words += ['--without', ','.join(left_out)]
        if options.threads:
            words += ['--threads', str(options.threads)]
        for directive in options.kvick_config:
            words += ['--kvick-config', directive]
        return shlex.join(words)


def crash_lines(log):
    """The part of a log from the report of the crash on, else its end."""
    lines = log.splitlines()
    start = next((number for number, line in enumerate(lines) if 'crashed by signal' in line or 'ASSERTION' in line), -20)
    return lines[start:][:25]


def print_both(mismatch):
    for name, reply in (('kvick', mismatch.kvick), ('oracle', mismatch.oracle)):
        text = '\n'.join(conversation.reply_lines(reply))
        if text:
            print(f'  # {name}:')
            print('  ' + text[:3000].replace('\n', '\n  '))


def choose_tests(options, pair, seed):
    """The tests that were asked for, with the rows that both servers can run; the commands that kvick lacks; and the
    question whether both have a command.
    """
    names = [name for name in options.family.split(',') if name] or [*grammar.NAMES, 'mixed']
    left_out = set(options.without.split(','))
    ours, theirs = map(Commands, pair.servers)
    lacking = set()

    def usable(rows):
        chosen = []
        for row in rows:
            if left_out.intersection((row.name, row.label)) or not all(map(theirs.has, row.commands)):
                continue
            missing = [name for name in row.commands if not ours.has(name)]
            lacking.update(missing)
            if not missing:
                chosen.append(row)
        return chosen

    tests = []
    for name in names:
        if name == 'mixed':
            rows = [row for family in map(grammar.load, grammar.NAMES) if family.mixed for row in family.rows]
            share = 1
        else:
            family = grammar.load(name)
            rows, share = family.rows, family.share
        for protocol in (options.resp,) if options.resp else (2, 3):
            chosen = usable(rows)
            if chosen:
                tests.append((name, chosen, share, protocol))
            elif protocol == (options.resp or 2):
                print(f'{name}: kvick has none of its commands')
    return tests, lacking, lambda name: ours.has(name) and theirs.has(name)


def main():
    options = parse_arguments()
    seed = options.seed if options.seed is not None else random.randrange(10**9)
    print(f'seed {seed}', flush=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the servers are ended, too
    passed = failed = 0
    kvick, oracle = make_servers(options)
    try:
        kvick.start()
        oracle.start()
        pair = Pair(kvick, oracle, 2, intended_differences.is_intended, options.notifications)
        pair.remember_configuration(SAFE)
        tests, lacking, has_command = choose_tests(options, pair, seed)
        if lacking:
            print('kvick lacks, so not compared: ' + ' '.join(sorted(lacking)))
            failed += options.all_commands
        for name, rows, share, protocol in tests:
            pair.protocol = protocol
            if Test(name, rows, share, protocol, pair, has_command, options, seed).run():
                passed += 1
            else:
                failed += 1
        pair.close()
        if pair.intended_count:
            print(f'{pair.intended_count} intended differences (intended_differences.py)')
    finally:
        kvick.dispose()
        oracle.dispose()
    print(f'{passed} passed, {failed} failed')
    return 1 if failed or not passed else 0


if __name__ == '__main__':
    sys.exit(main())
