"""Prints a sequence of units so that it can be pasted: commands as redis-cli and the .kvt files write them."""

from plan import Pause, RawExchange, ScanWalk, Step

PLAIN = set(b'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:_-.*?[]{}()+=<>,/!@%^&$#~;|')
ESCAPES = {ord('"'): '\\"', ord('\\'): '\\\\', ord('\n'): '\\n', ord('\r'): '\\r', ord('\t'): '\\t', 7: '\\a', 8: '\\b'}


def quoted(data):
    return '"' + ''.join(ESCAPES.get(byte) or (chr(byte) if 32 <= byte < 127 else f'\\x{byte:02x}') for byte in data) + '"'


def word(data):
    return data.decode('ascii') if data and all(byte in PLAIN for byte in data) else quoted(data)


def command_line(arguments):
    return ' '.join(map(word, arguments))


def reply_lines(reply):
    """A reply as redis-cli shows it; nested replies are numbered and indented."""
    kind, payload = reply
    if kind == '':
        return [payload]
    if kind in ('scan', 'raw'):
        return [f'{payload!r}']
    if kind == '+':
        return [payload.decode('latin-1')]
    if kind in '-!':
        return ['(error) ' + payload.decode('latin-1')]
    if payload is None:
        return ['(nil)']
    if kind == ':':
        return [f'(integer) {payload}']
    if kind == ',':
        return [f'(double) {payload.decode()}']
    if kind == '#':
        return ['(true)' if payload == b't' else '(false)']
    if kind == '(':
        return [f'(big number) {payload.decode()}']
    if kind in '$=':
        return [quoted(payload)]
    if kind == '|':
        return [f'attribute {payload[0]}', *reply_lines(payload[1])]
    if kind == '%':
        items = [f'{" ".join(reply_lines(key))} => {" / ".join(reply_lines(value))}' for key, value in payload]
        return [f'{number}# {item}' for number, item in enumerate(items, 1)] or ['(empty hash)']
    lines = []
    mark = {'*': ')', '~': '~', '>': '>'}[kind]
    for number, item in enumerate(payload, 1):
        inner = reply_lines(item)
        head = f'{number}{mark} '
        lines.append(head + inner[0])
        lines.extend(' ' * len(head) + line for line in inner[1:])
    return lines or ['(empty array)' if kind != '~' else '(empty set)']


def part_lines(part):
    if isinstance(part, Step):
        return ['> ' + command_line(part.arguments)]
    if isinstance(part, Pause):
        return [f'# wait {part.seconds} s']
    if isinstance(part, ScanWalk):
        return ['# until the cursor is 0:', '> ' + command_line(part.arguments)]
    if isinstance(part, RawExchange):
        return ['# on a fresh connection, these bytes:'] + [f'# {piece[:400]!r}' for piece in part.pieces]
    raise TypeError(part)


def conversation(units, protocol):
    lines = ['> HELLO 3'] if protocol == 3 else []
    for unit in units:
        for part in unit.parts:
            lines += part_lines(part)
    return lines
