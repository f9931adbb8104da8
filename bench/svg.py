"""Line charts as SVG text, small enough to be kept in the repository."""

import math
from xml.sax.saxutils import escape

COLORS = ("#1f6feb", "#d1242f", "#1a7f37", "#9a6700", "#8250df", "#bf3989", "#57606a", "#0a7ea4")
WIDTH, HEIGHT = 760, 420
LEFT, TOP, RIGHT, BOTTOM = 62, 40, 190, 44  # RIGHT has the names of the series


def line_chart(title, labels, series, *, unit, is_logarithmic=False, marked=None):
    """`series`: name to one number (or None) for each of `labels`. `marked`: a value with a dashed line, say 1.0."""
    values = [value for line in series.values() for value in line if value is not None]
    values += [] if marked is None else [marked]
    low, high, ticks = _scale(values, is_logarithmic)

    def x(index):
        return LEFT + (WIDTH - LEFT - RIGHT) * (index / max(len(labels) - 1, 1))

    def y(value):
        share = (_place(value, is_logarithmic) - low) / (high - low)
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * share

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
        f'<text x="{LEFT}" y="22" font-size="15" font-weight="bold">{escape(title)}</text>',
    ]
    for tick in ticks:
        parts.append(f'<line x1="{LEFT}" y1="{y(tick):.1f}" x2="{WIDTH - RIGHT}" y2="{y(tick):.1f}" stroke="#d8dee4"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{y(tick) + 4:.1f}" text-anchor="end">{tick:g}</text>')
    if marked is not None:
        parts.append(f'<line x1="{LEFT}" y1="{y(marked):.1f}" x2="{WIDTH - RIGHT}" y2="{y(marked):.1f}" stroke="#57606a" '
                     'stroke-dasharray="5 4"/>')  # fmt: skip
    step = max(1, math.ceil(len(labels) / 12))
    for index in range(0, len(labels), step):
        parts.append(f'<text x="{x(index):.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{escape(str(labels[index]))}</text>')
    parts.append(f'<text x="{WIDTH - RIGHT}" y="{HEIGHT - 8}" text-anchor="end" fill="#57606a">{escape(unit)}</text>')
    taken = []
    for number, (name, line) in enumerate(series.items()):
        color = COLORS[number % len(COLORS)]
        points = [(x(index), y(value)) for index, value in enumerate(line) if value is not None]
        if not points:
            continue
        path = " ".join(f"{a:.1f},{b:.1f}" for a, b in points)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="2"/>')
        parts += [f'<circle cx="{a:.1f}" cy="{b:.1f}" r="2.5" fill="{color}"/>' for a, b in points]
        height = _free_height(points[-1][1] + 4, taken)
        parts.append(f'<text x="{WIDTH - RIGHT + 8}" y="{height:.1f}" fill="{color}">{escape(name)}</text>')
    return "\n".join([*parts, "</svg>", ""])


def _place(value, is_logarithmic):
    return math.log10(value) if is_logarithmic else value


def _scale(values, is_logarithmic):
    """The ends of the axis, in its own measure, and the values that get a line."""
    if is_logarithmic:
        low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
        high = max(high, low + 1)
        factors = (1, 2, 5) if high - low <= 3 else (1,)
        ticks = [factor * 10.0**power for power in range(low, high + 1) for factor in factors]
        return low, high, [tick for tick in ticks if tick <= 10.0**high]
    step = 10.0 ** math.floor(math.log10(max(values) or 1))
    step = step / 5 if max(values) < 2 * step else step
    count = math.ceil(max(values) / step)
    return 0.0, count * step, [index * step for index in range(count + 1)]


def _free_height(wanted, taken):
    """Names of lines that end together stand below each other."""
    while any(abs(wanted - other) < 14 for other in taken):
        wanted += 14
    taken.append(wanted)
    return wanted
