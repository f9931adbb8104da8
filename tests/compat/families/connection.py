"""The connection's own commands. What ends a connection or silences it is in the protocol family."""

from compare import client_fields, hello, same_kind, shape
from grammar import Family

family = Family('connection', mixed=False)
row = family.row

NAMES = [b'worker', b'a', b'', b'with space', b'new\nline', b'tab\t', b'na\xc3\xafve', b'!~', b'x' * 100]


@row('PING', weight=4)
def ping(dice):
    return [b'PING', *dice.some(dice.value, 0, 1)]


@row('ECHO', weight=4)
def echo(dice):
    return [b'ECHO', dice.value()]


@row('SELECT', weight=3)
def select(dice):
    return [b'SELECT', dice.number(-1, 17)]


@row('HELLO', weight=4, compare=hello)
def hello_(dice):
    words = [b'HELLO']
    if dice.chance(0.9):
        words.append(dice.pick([b'2', b'3', b'3', b'2', b'3', b'1', b'4', b'0', b'-1', b'abc', b'', b'03', b'99999999999']))
    return words + dice.options(
        lambda: [dice.word('SETNAME'), dice.pick(NAMES)],
        lambda: [dice.word('AUTH'), b'default', dice.pick([b'', b'secret'])],
        lambda: [dice.word('AUTH'), b'nobody', b'secret'],
        lambda: [dice.pick([b'SETNAME', b'AUTH', b'BAD', b''])],
        each=0.15)


@row('RESET', weight=1, mutate=False)
def reset(dice):
    return [b'RESET']


@row('AUTH', weight=3)
def auth(dice):
    return [b'AUTH', *dice.pick([[], [b'secret'], [b''], [b'default', b'secret'], [b'default', b''], [b'nobody', b'x'],
                                 [b'Default', b'x'], [b'default', b'x', b'y']])]


@row('CLIENT|GETNAME', weight=3)
def client_getname(dice):
    return [b'CLIENT', dice.word('GETNAME')]


@row('CLIENT|SETNAME', weight=3)
def client_setname(dice):
    return [b'CLIENT', dice.word('SETNAME'), dice.pick(NAMES)]


@row('CLIENT|SETINFO', weight=2)
def client_setinfo(dice):
    return [b'CLIENT', dice.word('SETINFO'), dice.word(dice.pick(['LIB-NAME', 'LIB-VER', 'LIB-BAD'])), dice.pick(NAMES)]


@row('CLIENT|ID', weight=1, compare=shape)
def client_id(dice):
    return [b'CLIENT', dice.word('ID')]


STABLE_FIELDS = [b'name', b'db', b'sub', b'psub', b'multi', b'user', b'redir', b'resp', b'flags']


@row('CLIENT|INFO', weight=2, compare=client_fields(STABLE_FIELDS + [b'cmd']))
def client_info(dice):
    return [b'CLIENT', dice.word('INFO')]


@row('CLIENT|LIST', weight=2, compare=client_fields(STABLE_FIELDS))
def client_list(dice):
    return [b'CLIENT', dice.word('LIST'), *dice.pick([
        [], [b'TYPE', b'normal'], [b'type', b'NORMAL'], [b'TYPE', b'bad'], [b'TYPE'], [b'ID'], [b'ID', b'abc'],
        [b'ID', b'0'], [b'ID', b'-1'], [b'BAD'], [b'TYPE', b'normal', b'extra'], [b'BAD', b'normal']])]


@row('CLIENT|LIST', weight=1, mutate=False)
def client_list_of_nobody(dice):
    return [b'CLIENT', b'LIST', *dice.pick([[b'TYPE', b'pubsub'], [b'TYPE', b'replica'], [b'TYPE', b'master'],
                                            [b'ID', b'999999'], [b'ID', b'999998', b'999999']])]


@row('CLIENT|NO-EVICT', weight=2)
def client_no_evict(dice):
    return [b'CLIENT', dice.word('NO-EVICT'), dice.word(dice.pick(['ON', 'OFF', 'BAD', '']))]


@row('CLIENT|NO-TOUCH', weight=2)
def client_no_touch(dice):
    return [b'CLIENT', dice.word('NO-TOUCH'), dice.word(dice.pick(['ON', 'OFF', 'BAD', '']))]


@row('CLIENT|REPLY', weight=1, mutate=False)
def client_reply(dice):
    return [b'CLIENT', dice.word('REPLY'), *dice.pick([[b'ON'], [b'on'], [b'BAD'], [], [b'ON', b'OFF']])]


@row('CLIENT|KILL', weight=2, mutate=False)
def client_kill_nobody(dice):
    return [b'CLIENT', dice.word('KILL'), *dice.pick([
        [], [b'1.2.3.4:5'], [b'ID', b'999999'], [b'ID', b'abc'], [b'ID', b'0'], [b'ID', b'-5'], [b'ADDR', b'1.2.3.4:5'],
        [b'LADDR', b'1.2.3.4:5'], [b'USER', b'nobody'], [b'TYPE', b'pubsub'], [b'TYPE', b'bad'], [b'SKIPME'],
        [b'SKIPME', b'maybe'], [b'TYPE', b'replica', b'SKIPME', b'yes'], [b'ID', b'999999', b'ADDR'], [b'bad', b'x'],
        [b'TYPE', b'normal', b'SKIPME', b'yes', b'ID', b'999999']])]


@row('CLIENT|UNBLOCK', weight=1, mutate=False)
def client_unblock(dice):
    return [b'CLIENT', dice.word('UNBLOCK'), *dice.pick([[], [b'999999'], [b'999999', b'TIMEOUT'],
                                                         [b'999999', b'error'], [b'999999', b'BAD'], [b'abc'], [b'']])]


@row('CLIENT|GETREDIR', weight=1)
def client_getredir(dice):
    return [b'CLIENT', dice.word('GETREDIR')]


@row('CLIENT|TRACKINGINFO', weight=1)
def client_trackinginfo(dice):
    return [b'CLIENT', dice.word('TRACKINGINFO')]


@row('CLIENT|TRACKING', weight=1, mutate=False)
def client_tracking_errors(dice):
    return [b'CLIENT', dice.word('TRACKING'), *dice.pick([
        [], [b'OFF'], [b'BAD'], [b'ON', b'REDIRECT'], [b'ON', b'REDIRECT', b'999999'], [b'ON', b'REDIRECT', b'abc'],
        [b'ON', b'OPTIN', b'OPTOUT'], [b'ON', b'PREFIX', b'a'], [b'ON', b'BCAST', b'OPTIN'], [b'ON', b'BAD'],
        [b'ON', b'BCAST', b'PREFIX', b'a', b'PREFIX', b'ab'], [b'ON', b'PREFIX']])]


@row('CLIENT|CACHING', weight=1)
def client_caching(dice):
    return [b'CLIENT', dice.word('CACHING'), dice.word(dice.pick(['YES', 'NO', 'BAD']))]


@row('CLIENT|PAUSE', weight=1, mutate=False)
def client_pause_errors(dice):
    return [b'CLIENT', dice.word('PAUSE'), *dice.pick([[], [b'abc'], [b'-1'], [b''], [b'10', b'BAD'],
                                                       [b'9223372036854775808'], [b'1', b'ALL', b'x']])]


@row('CLIENT|UNPAUSE', weight=1)
def client_unpause(dice):
    return [b'CLIENT', dice.word('UNPAUSE')]


@row('CLIENT', weight=1)
def client_unknown(dice):
    return [b'CLIENT', *dice.pick([[], [b'BAD'], [b'bad\r\nword'], [b'GETNAMES'], [b'']])]


# The text grows with every version; that there is one, in the form of an array, is what counts.
@row('CLIENT|HELP', weight=0.5, compare=same_kind)
def client_help(dice):
    return [b'CLIENT', dice.word('HELP')]


@row('PING', weight=2)
def unknown_commands(dice):
    """Sent as they are; the name only says that the server is there."""
    return dice.pick([
        [b'NOSUCH'], [b'nosuch', b'a', b'b'], [b''], [b'NO\r\nSUCH', b'x\r\ny'], [b'x' * 200, b'y' * 200],
        [b'NOSUCH', *[b'argument'] * 40], [b'NOSUCH', b"it's", b'"quoted"', b'\xff'],
        [b'\xff\xfe'], [b'GET '], [b'NOSUCH', b'']])


@row('PING', weight=0.3, mutate=False)
def unknown_command_with_nul(dice):
    """The oracle writes its error texts as C strings, which end at a NUL."""
    return [b'NOSUCH', b'before\x00after', b'next']
