"""The page's own drawings as SVG elements: a panel of a strip, an interval against its margin, a dot on a line.

Each function returns markup that needs no script: every point carries its value as a title, and as data for the step
slider (page.js). Colours and dashes are classes of page.css.
"""

from collections.abc import Mapping
from math import copysign, isfinite, log1p, log10
from typing import Any

import pandas as pd
from markupsafe import Markup

from workflow_scripts.ticketlab.report.page.strip import Panel, Series
from workflow_scripts.ticketlab.report.words import interval, number

WIDTH, HEIGHT = 320, 212  # of a panel, in its own units
LEFT, RIGHT, TOP, BOTTOM = 46, 10, 10, 26
ACROSS, DOWN = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
TINY = (120, 18)  # of an interval in a cell


def across(step: float, last: float) -> float:
    """The place of a step: steps are spaced as log(step + 1)."""
    return LEFT + ACROSS * min(log1p(max(step, 0.0)) / log1p(last), 1.0)


def panel(drawn: Panel, last: int) -> Markup:
    """A panel over the steps 0 to `last`, with a hidden cursor that the step slider moves."""
    inside = _marks(drawn, last) if drawn.marks else _curves(drawn, last)
    cursor = Markup('<line class="cursor" x1="0" x2="0" y1="{}" y2="{}"/>').format(TOP, TOP + DOWN)
    return Markup(
        '<svg class="panel" viewBox="0 0 {} {}" role="img" aria-label="{}: {}" data-left="{}" data-across="{}" '
        'data-last="{}">{}{}{}</svg>'
    ).format(WIDTH, HEIGHT, drawn.title, drawn.unit, LEFT, ACROSS, last, _steps(last), inside, cursor)


def _steps(last: int) -> Markup:
    """The axis of steps: 0, the powers of ten, the last step."""
    powers = [10**power for power in range(len(str(last)))]
    ticks = [0, *(tick for tick in powers if across(last, last) - across(tick, last) > 28), last]
    parts = [
        Markup('<line class="grid" x1="{0:.1f}" x2="{0:.1f}" y1="{1}" y2="{2}"/>').format(
            across(tick, last), TOP, TOP + DOWN
        )
        + Markup('<text class="tick" x="{:.1f}" y="{}" text-anchor="middle">{}</text>').format(
            across(tick, last), TOP + DOWN + 14, tick
        )
        for tick in ticks
    ]
    return Markup("").join(parts)


def _curves(drawn: Panel, last: int) -> Markup:
    if not drawn.series:
        return Markup('<text class="absent" x="{}" y="{}" text-anchor="middle">not measured</text>').format(
            LEFT + ACROSS / 2, TOP + DOWN / 2
        )
    values = pd.concat([one.rows[["estimate", "ci_low", "ci_high"]] for one in drawn.series]).stack()
    low, high = min(0.0, float(values.min())), float(values.max())
    # One seed that is far off would flatten all curves: the axis ends where the estimates do, and a half more.
    estimates = pd.concat([one.rows["estimate"] for one in drawn.series])
    span = float(estimates.max()) - min(0.0, float(estimates.min())) or 1.0
    low = max(low, min(0.0, float(estimates.min())) - span / 4)
    high = min(high, float(estimates.max()) + span / 4)
    high = high if high > low else low + 1

    def down(value: float) -> float:
        return TOP + DOWN * (1 - (min(max(value, low), high) - low) / (high - low))

    parts = [
        Markup('<line class="grid" x1="{}" x2="{}" y1="{:.1f}" y2="{:.1f}"/>').format(
            LEFT, LEFT + ACROSS, down(tick), down(tick)
        )
        + Markup('<text class="tick" x="{}" y="{:.1f}" text-anchor="end">{}</text>').format(
            LEFT - 4, down(tick) + 3.5, number(tick)
        )
        for tick in _round_ticks(low, high)
    ]
    parts += [_curve(one, last, down) for one in drawn.series]
    return Markup("").join(parts)


def _round_ticks(low: float, high: float) -> list[float]:
    """Three to six round values between."""
    raw = (high - low) / 4
    power = 10 ** int(log10(raw) // 1)
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= raw * 0.999)
    first = int(-(-low // step))
    return [round(step * count, 12) for count in range(first, int(high // step) + 1)]


def _curve(one: Series, last: int, down: Any) -> Markup:
    rows = one.rows.to_dict("records")
    line = " ".join(f"{across(row['step'], last):.1f},{down(row['estimate']):.1f}" for row in rows)
    known = [row for row in rows if isfinite(row["ci_low"]) and isfinite(row["ci_high"])]
    band = [f"{across(row['step'], last):.1f},{down(row['ci_high']):.1f}" for row in known]
    band += [f"{across(row['step'], last):.1f},{down(row['ci_low']):.1f}" for row in reversed(known)]
    points = [
        Markup('<circle cx="{:.1f}" cy="{:.1f}" r="2.6" class="{}" data-step="{}" data-value="{}"><title>').format(
            across(row["step"], last),
            down(row["estimate"]),
            "hollow" if row["step"] in one.hollow else "",
            f"{row['step']:.0f}",
            interval(row),
        )
        + Markup("{}, step {}: {} (n = {})</title></circle>").format(
            one.name, number(row["step"]), interval(row), f"{row['n']:.0f}"
        )
        for row in rows
    ]
    shade = Markup('<polygon class="band" points="{}"/>').format(" ".join(band)) if len(known) > 1 else Markup("")
    return Markup('<g class="{}" data-series="{}">{}<polyline points="{}"/>{}</g>').format(
        one.look, one.name, shade, line, Markup("").join(points)
    )


def _marks(drawn: Panel, last: int) -> Markup:
    """Half-way steps: a line each, its name on the side with more room."""
    if not drawn.series:
        return Markup('<text class="absent" x="{}" y="{}" text-anchor="middle">no half-way step</text>').format(
            LEFT + ACROSS / 2, TOP + DOWN / 2
        )
    parts, pitch = [], DOWN / len(drawn.series)
    for place, one in enumerate(drawn.series):
        row, height = one.rows.iloc[0].to_dict(), TOP + pitch * (place + 0.5)
        at = across(row["step"], last)
        low, high = (across(row[key], last) if isfinite(row[key]) else at for key in ("ci_low", "ci_high"))
        left = at > LEFT + ACROSS / 2
        parts.append(
            Markup(
                '<g class="{}" data-series="{}"><line class="bar" x1="{:.1f}" x2="{:.1f}" y1="{:.1f}" y2="{:.1f}"/>'
            ).format(one.look, one.name, low, high, height, height)
            + Markup('<circle cx="{:.1f}" cy="{:.1f}" r="3.4" data-step="{}"><title>').format(at, height, row["step"])
            + Markup("{}: half-way at step {} (n = {})</title></circle>").format(
                one.name, interval(row), f"{row['n']:.0f}"
            )
            + Markup('<text class="label" x="{:.1f}" y="{:.1f}" text-anchor="{}">{}</text></g>').format(
                low - 5 if left else high + 5, height + 3.2, "end" if left else "start", one.name
            )
        )
    return Markup("").join(parts)


def in_margins(value: float, margin: float) -> float:
    """A difference in units of its margin: straight up to ±1, then one more for each factor of ten; at most ±3."""
    units = value / margin
    return max(-3.0, min(3.0, units if abs(units) <= 1 else copysign(1 + log10(abs(units)), units)))


def against_margin(row: Mapping[str, Any], *, share: bool) -> Markup:
    """An estimate with its interval against its margin: a difference to dense in units of δ (shaded: within ±δ), or a
    share from 0 to 1 with the margin as a line. Nothing where nothing was estimated."""
    if pd.isna(row["estimate"]) or not row["margin"] > 0:
        return Markup("")
    wide, tall = TINY

    def place(value: float) -> float:
        unit = min(max(value, 0.0), 1.0) if share else (in_margins(value, row["margin"]) + 3) / 6
        return 4 + (wide - 8) * unit

    if share:
        margin = Markup('<line class="threshold" x1="{0:.1f}" x2="{0:.1f}" y1="1" y2="{1}"/>').format(
            place(row["margin"]), tall - 1
        )
    else:
        edges = place(-row["margin"]), place(row["margin"])
        margin = Markup('<rect class="margin" x="{:.1f}" y="1" width="{:.1f}" height="{}"/>').format(
            edges[0], edges[1] - edges[0], tall - 2
        )
    ends = [row[key] if not pd.isna(row[key]) else row["estimate"] for key in ("ci_low", "ci_high")]
    words = f"{interval(row)}, margin {number(row['margin'])}"
    return Markup(
        '<svg class="tiny" viewBox="0 0 {w} {t}" role="img" aria-label="{words}"><title>{words}</title>'
        '<line class="axis" x1="4" x2="{right}" y1="{mid}" y2="{mid}"/>{margin}'
        '<line class="ci" x1="{low:.1f}" x2="{high:.1f}" y1="{mid}" y2="{mid}"/>'
        '<circle class="dot" cx="{at:.1f}" cy="{mid}" r="3.6"/></svg>'
    ).format(
        w=wide,
        t=tall,
        words=words,
        right=wide - 4,
        mid=tall / 2,
        margin=margin,
        low=place(ends[0]),
        high=place(ends[1]),
        at=place(row["estimate"]),
    )


def on_a_line(at: tuple[float, float, float] | None, words: str, *, sure: bool) -> Markup:
    """A dot with its interval on the line from built (0) to latent (1); hollow where it decides nothing."""
    if at is None:
        return Markup("")

    def place(value: float) -> float:
        return 12 + 136 * min(max((value + 0.25) / 1.5, 0.0), 1.0)

    dose, low, high = map(place, at)
    return Markup(
        '<svg class="views" viewBox="0 0 160 18" role="img" aria-label="{words}"><title>{words}</title>'
        '<line class="axis" x1="12" x2="148" y1="9" y2="9"/><line class="threshold" x1="{b:.1f}" x2="{b:.1f}" y1="3" '
        'y2="15"/><line class="threshold" x1="{l:.1f}" x2="{l:.1f}" y1="3" y2="15"/><line class="ci" x1="{low:.1f}" '
        'x2="{high:.1f}" y1="9" y2="9"/><circle class="dot {kind}" cx="{at:.1f}" cy="9" r="4"/></svg>'
    ).format(words=words, b=place(0), l=place(1), low=low, high=high, at=dose, kind="" if sure else "hollow")
