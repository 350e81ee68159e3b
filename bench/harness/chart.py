"""Charts as SVG: bars for systems, curves for growth. PNG beside them where rsvg-convert is installed."""
import math
import shutil
import subprocess
from html import escape

COLORS = ["#1f77b4", "#d62728", "#2ca02c", "#9467bd", "#ff7f0e", "#8c564b", "#17becf", "#7f7f7f"]
FONT = 'font-family="DejaVu Sans, sans-serif" font-size="12"'


def text(x, y, what, anchor="start", extra=""):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" {extra}>{escape(what)}</text>'


def svg(width, height, parts):
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" {FONT}>'
            f'<rect width="100%" height="100%" fill="white"/>{"".join(parts)}</svg>\n')


def bars(title, groups):
    """`groups`: [(name, [(label, value, low, high)])]; horizontal bars with their spread on one scale, cut where one is far above
    the rest."""
    values = sorted(bar[1] for _, rows in groups for bar in rows)
    top = max(bar[3] for _, rows in groups for bar in rows if bar[1] <= 10 * values[len(values) // 2])
    left, width, line = 110, 520, 20
    parts, y = [text(10, 20, title, extra='font-weight="bold"')], 40
    for name, rows in groups:
        parts.append(text(10, y + 12, name, extra='font-style="italic"'))
        y += line
        for system, value, low, high in rows:
            size = min(1.0, value / top) * width
            color = COLORS[0] if system == "linegate" else "#b0b0b0"
            parts.append(text(left - 8, y + 13, system, "end"))
            parts.append(f'<rect x="{left}" y="{y + 2}" width="{size:.1f}" height="14" fill="{color}"/>')
            if high <= top:
                x1, x2 = left + low / top * width, left + high / top * width
                parts.append(f'<path d="M{x1:.1f} {y + 9}H{x2:.1f}" stroke="black"/>')
            label = f"{value:.1f}" + (" (cut)" if value > top else "")
            parts.append(text(left + max(size, min(high, top) / top * width) + 6, y + 13, label))
            y += line
        y += 8
    return svg(left + width + 110, y + 10, parts)


def curves(title, x_title, y_title, series):
    """`series`: {name: [(x, y)]}; both axes logarithmic, x = 0 drawn at the left edge."""
    left, top, width, height = 84, 40, 560, 320
    points = [point for line in series.values() for point in line]
    least = min((x for x, _ in points if x > 0), default=1)
    xs = [math.log10(max(x, least / 3)) for x, _ in points]
    ys = [math.log10(y) for _, y in points if y > 0]
    x0, x1, y0, y1 = min(xs), max(xs) + 1e-9, math.floor(min(ys) * 2) / 2, math.ceil(max(ys) * 2) / 2 + 1e-9

    def place(x, y):
        return (left + (math.log10(max(x, least / 3)) - x0) / (x1 - x0) * width, top + height - (math.log10(y) - y0) / (y1 - y0) * height)

    parts = [text(10, 20, f"{title}, {y_title}", extra='font-weight="bold"'), text(left + width / 2, top + height + 40, x_title, "middle"),
             f'<rect x="{left}" y="{top}" width="{width}" height="{height}" fill="none" stroke="#888"/>']
    for x in sorted({x for x, _ in points}):
        parts.append(text(place(x, 10**y0)[0], top + height + 18, f"{x:,.0f}", "middle"))
    for step in range(round((y1 - y0) * 2) + 1):
        value = 10 ** (y0 + step / 2)
        y = place(least, value)[1]
        parts += [f'<path d="M{left} {y:.1f}h{width}" stroke="#ddd"/>', text(left - 6, y + 4, two_digits(value), "end")]
    for i, (name, line) in enumerate(series.items()):
        color = COLORS[i % len(COLORS)]
        spots = [place(x, y) for x, y in sorted(line) if y > 0]
        parts.append(f'<polyline fill="none" stroke="{color}" stroke-width="2" points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in spots)}"/>')
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{color}"/>' for x, y in spots]
        parts.append(text(left + width + 10, top + 14 + 18 * i, name, extra=f'fill="{color}"'))
    return svg(left + width + 120, top + height + 60, parts)


def two_digits(value):
    return f"{round(value, 1 - math.floor(math.log10(value))):,.10g}"


def write(path, content):
    path.write_text(content)
    if shutil.which("rsvg-convert"):
        subprocess.run(["rsvg-convert", "-z", "2", "-o", str(path.with_suffix(".png")), str(path)], check=False)
