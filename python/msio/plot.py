"""Draws density grids with matplotlib: every visibility of an observation in one picture.

    import msio, msio.plot
    msio.plot.draw(msio.density("obs.ms", "uvdist", "amp"), "amp.png")

    python -m msio.plot png|svg < GRID > PICTURE        what `msio plot` runs; `read` tells what a GRID is
"""
import io
import json
import sys

import numpy as np

from .visibilities import Density

__all__ = ["draw", "figure", "read"]

_NAMES = {"time": "Time (UTC)", "freq": "Frequency", "chan": "Channel", "uvdist": "Projected baseline", "baseline": "Baseline",
          "antenna": "Antenna", "amp": "Amplitude", "phase": "Phase", "real": "Real part", "imag": "Imaginary part",
          "flag": "Flag", "u": "u", "v": "v"}
_UNIX = 40587  # days from MJD's beginning to 1970


def read(stream):
    """A density grid as `msio plot` hands it over.

    Parameters
    ----------
    stream : file-like
        Of bytes: a line of JSON with the members of `Density`, x and y as [axis, unit, bins, low, width] and flagged as
        true or false; then count, and flagged where it is true: 64 bit whole numbers in this machine's order, [y][x].

    Returns
    -------
    Density
    """
    told = json.loads(stream.readline())
    size = 8 * told["x"][2] * told["y"][2]
    count = stream.read(size)
    told["flagged"] = stream.read(size) if told["flagged"] else None
    if len(count) != size or (told["flagged"] is not None and len(told["flagged"]) != size):
        raise ValueError("the grid ends before all of it has come")
    return Density(count=count, **told)


def _label(name, unit):
    if name == "time":
        return _NAMES[name]
    unit = {"Hz": "MHz", "deg": "degrees"}.get(unit, unit)
    return f"{_NAMES[name]} ({unit})" if unit else _NAMES[name]


def _edges(name, edges):
    """First and last edge as they are drawn."""
    ends = edges[[0, -1]]
    if name == "time":
        return ends / 86400 - _UNIX
    return ends / 1e6 if name == "freq" else ends


def _ticks(axis, name, antennas):
    from matplotlib import dates
    if name == "time":
        locator = dates.AutoDateLocator()
        axis.set_major_locator(locator)
        axis.set_major_formatter(dates.ConciseDateFormatter(locator))
    elif name == "flag":
        axis.set_ticks([0, 1], ["not flagged", "flagged"])
    elif name == "baseline":
        first = np.arange(0, antennas, max(1, antennas // 12))
        axis.set_ticks(first * antennas - first * (first - 1) // 2, [f"{i}-" for i in first])


def _shown(density):
    """What is drawn, masked where there are no points, and what it is called."""
    if density.flagged is not None:
        return np.ma.masked_array(density.flagged / np.maximum(density.count, 1), density.count == 0), "Flagged fraction"
    count = density.count
    if {density.x, density.y} == {"u", "v"}:
        x, y = density.x_edges, density.y_edges
        if x[0] == -x[-1] and y[0] == -y[-1]:
            count = count + count[::-1, ::-1]
            return np.ma.masked_equal(count, 0), "Visibilities and their conjugates"
    return np.ma.masked_equal(count, 0), "Visibilities"


def figure(density, title=None):
    """A figure of a density grid: a cell's colour tells how many visibilities are in it, or, of a grid with `flagged`, which
    fraction of them is flagged. Of u against v conjugates are shown too.

    Parameters
    ----------
    density : Density
    title : str, optional

    Returns
    -------
    matplotlib.figure.Figure
    """
    from matplotlib.colors import LogNorm, Normalize
    from matplotlib.figure import Figure
    shown, called = _shown(density)
    rows, columns = shown.shape
    made = Figure(figsize=(12, 7), dpi=120 * max(1, columns / 1024, rows / 600), layout="constrained")
    axes = made.add_subplot()
    most = shown.max() if shown.count() else 1
    norm = Normalize(0, 1) if density.flagged is not None else LogNorm(1, max(float(most), 10.0))
    extent = (*_edges(density.x, density.x_edges), *_edges(density.y, density.y_edges))
    picture = axes.imshow(shown, norm=norm, extent=extent, origin="lower", aspect="auto", interpolation="nearest")
    if called.endswith("conjugates"):
        axes.set_aspect("equal")
    axes.set_xlabel(_label(density.x, density.x_unit))
    axes.set_ylabel(_label(density.y, density.y_unit))
    _ticks(axes.xaxis, density.x, density.antennas)
    _ticks(axes.yaxis, density.y, density.antennas)
    if title:
        axes.set_title(title, parse_math=False)
    made.colorbar(picture, ax=axes, label=called)
    return made


def draw(density, out, format=None, title=None):
    """Draws a density grid into a file.

    Parameters
    ----------
    density : Density
    out : path-like or file-like of bytes
    format : {"png", "svg"}, optional
        Else what the file's name ends in; any that matplotlib has.
    title : str, optional
    """
    figure(density, title).savefig(out, format=format)


def main(arguments):
    if len(arguments) not in (1, 2) or arguments[0] not in ("png", "svg"):
        print(__doc__.strip(), file=sys.stderr)
        return 2
    import matplotlib.figure  # before anything is read: who waits is to know at once that it is missing
    print("ready", file=sys.stderr, flush=True)
    density, picture = read(sys.stdin.buffer), io.BytesIO()
    draw(density, picture, arguments[0], *arguments[1:])
    sys.stdout.buffer.write(picture.getbuffer())
    sys.stdout.buffer.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
