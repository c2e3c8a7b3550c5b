"""The comparison as one SVG of four panels, drawn here: no plotting library for one picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from benchmarks.synthetic_market import measures
from benchmarks.synthetic_market.measures import Floats, Tape

Tapes = Mapping[tuple[str, str], Tape]
Curve = tuple[Floats, Floats]
_SPOT, _PERP = ("binance", "BTC"), ("binanceusdm", "BTC")
_COLOURS = {"recorded": "#1f6f8b", "synthetic": "#d1495b"}
_WIDTH, _HEIGHT, _EDGE = 330, 190, 46


def svg(real: Tapes, made: Tapes) -> str:
    """BTC's spread, depth, pauses between trades on spot, and how spot follows the perpetual."""
    pairs = (("recorded", real), ("synthetic", made))
    panels = (
        ("spread, bps (share at most)", True, {n: _shares(t[_SPOT].spreads_bps) for n, t in pairs}),
        ("USD a side within so many bps", True, {n: _depth(t[_SPOT]) for n, t in pairs}),
        ("pause between trades, ms (share at most)", True, {n: _pauses(t[_SPOT]) for n, t in pairs}),
        ("correlation, spot later by ms", False, {n: _lags(t) for n, t in pairs}),
    )
    drawn = [_panel(title, log, curves, i % 2, i // 2) for i, (title, log, curves) in enumerate(panels)]
    width, height = 2 * (_WIDTH + _EDGE) + _EDGE, 2 * (_HEIGHT + 2 * _EDGE)
    legend = "".join(
        f'<text x="{_EDGE + 90 * i}" y="16" fill="{colour}">{name}</text>'
        for i, (name, colour) in enumerate(_COLOURS.items())
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" font-family="sans-serif" '
        f'font-size="11"><rect width="100%" height="100%" fill="white"/>{legend}{"".join(drawn)}</svg>\n'
    )


def _panel(title: str, log: bool, curves: Mapping[str, Curve], column: int, row: int) -> str:
    left, top = _EDGE + column * (_WIDTH + _EDGE), _EDGE + row * (_HEIGHT + 2 * _EDGE)
    xs = np.concatenate([x for x, _ in curves.values()])
    ys = np.concatenate([y for _, y in curves.values()])
    low_y, high_y = min(0.0, float(ys.min())), float(ys.max())
    lines = "".join(
        f'<polyline fill="none" stroke="{_COLOURS[name]}" stroke-width="1.5" points="'
        + " ".join(
            f"{left + _part(x, xs, log) * _WIDTH:.1f},{top + _HEIGHT * (1 - (y - low_y) / (high_y - low_y)):.1f}"
            for x, y in zip(*curve, strict=True)
        )
        + '"/>'
        for name, curve in curves.items()
    )
    ticks = "".join(
        f'<text x="{left + _part(x, xs, log) * _WIDTH:.0f}" y="{top + _HEIGHT + 14}" text-anchor="middle">{x:g}</text>'
        for x in _marks(xs, log)
    )
    return (
        f'<rect x="{left}" y="{top}" width="{_WIDTH}" height="{_HEIGHT}" fill="none" stroke="#999"/>'
        f'<text x="{left}" y="{top - 6}">{title}</text>{ticks}{lines}'
        f'<text x="{left - 4}" y="{top + 9}" text-anchor="end">{_short(high_y)}</text>'
        f'<text x="{left - 4}" y="{top + _HEIGHT}" text-anchor="end">{_short(low_y)}</text>'
    )


def _part(x: float, xs: Floats, log: bool) -> float:
    low, high = float(xs.min()), float(xs.max())
    return float(np.log(x / low) / np.log(high / low)) if log else (x - low) / (high - low)


def _marks(xs: Floats, log: bool) -> Sequence[float]:
    low, high = float(xs.min()), float(xs.max())
    if not log:
        return [float(x) for x in np.linspace(low, high, 5)]
    return [10.0**n for n in range(int(np.ceil(np.log10(low))), int(np.floor(np.log10(high))) + 1)]


def _short(value: float) -> str:
    return f"{value / 1e6:.1f} M" if abs(value) >= 1e6 else f"{value:.2g}"


def _shares(values: Floats) -> Curve:
    shares = np.linspace(0.005, 0.995, 100)
    return np.maximum(np.quantile(values, shares), 1e-3), shares


def _pauses(tape: Tape) -> Curve:
    """What comes within 5 ms is one event, as often as the synthetic market is looked at."""
    pauses = measures.pauses_ms(np.floor(tape.trade_ms / 5) * 5)
    return _shares(pauses)


def _depth(tape: Tape) -> Curve:
    return np.array(measures.DEPTH_BPS), tape.depth_usd


def _lags(tapes: Tapes) -> Curve:
    return np.array(measures.LAGS_MS, float), measures.lag_profile(tapes[_PERP], tapes[_SPOT])
