"""What is computed with visibilities: models predicted into columns, statistics, flags, and functions over blocks of rows."""
import operator

import numpy as np

from . import _msio
from ._progress import progress as _progress
from ._selecting import rows as _rows

__all__ = ["model", "stats", "Stats", "density", "Density", "extend_flags", "map"]

_MODES = {"replace": 0, "add": 1, "subtract": 2}

# msio_stats_values as the library has it.
_VALUES = np.dtype([("count", "i8"), ("nan", "i8"), ("inf", "i8"), ("mean", "c16"), ("amplitude", "f8"), ("rms", "f8"),
                    ("min", "f8"), ("max", "f8"), ("median", "f8"), ("mad", "f8")])
_CHI2 = np.dtype([("value", "f8"), ("dof", "i8")])
_KEYS = {"baseline": ("antenna1", "antenna2"), "channel": ("spw", "channel")}


def model(path, sky, column="MODEL_DATA", mode="replace", smear=(), memory=64 << 20, threads=0, lock_seconds=10.0,
          progress=False):
    """Predicts the visibilities of a sky into a column of a Measurement Set.

    Parameters
    ----------
    path : path-like
        The Measurement Set's folder.
    sky : path-like
        A model in the text format that makesourcedb, DP3 and WSClean (-save-source-list) share: points and Gaussians,
        Stokes I Q U V, spectral indices; or a component list of CASA's. What msio does not know of it is an error that tells
        line and column, or the component.
    column : str
        Where it goes. MODEL_DATA is made with the other imaging columns where it is missing, any other like DATA.
    mode : {"replace", "add", "subtract"}
        What becomes of the values that are there.
    smear : str or sequence of str
        "frequency", "time": means over channels (CHAN_WIDTH), integrations (INTERVAL); () the values at their middles.
    memory : int
        Bytes of the batches in flight; as much again for the components' spectra.
    threads : int
        0: all that the process may use. The result does not depend on it.
    lock_seconds : float
        How long to wait for another process's lock.
    progress : bool
        Whether to show how far it is.

    Returns
    -------
    int
        Rows that were predicted.

    Notes
    -----
    The sum over components of S exp(2 pi i (u l + v m + w (n - 1)) f / c) with each row's own UVW and phase centre, phases
    in double precision; without smearing unless asked for. XX = I + Q, XY = U + iV; RR = I + V, RL = Q + iU, and so on.

    Examples
    --------
    >>> msio.model("obs.ms", "calibrator.txt")
    >>> msio.model("obs.ms", "sources.txt", column="CORRECTED_DATA", mode="subtract")
    """
    if mode not in _MODES:
        raise ValueError(f"mode is {mode!r}: it is one of replace, add, subtract")
    kinds = {smear} if isinstance(smear, str) else set(smear)
    if kinds - {"frequency", "time"}:
        raise ValueError(f"smear is {smear!r}: it names frequency, time, or both")
    with _progress(progress, "predicting") as told:
        return _msio.model(path, sky, column, _MODES[mode], "frequency" in kinds, "time" in kinds, operator.index(memory), threads, lock_seconds, told)[1]


def _breakdown(columns, name, keys, times, values, chi2):
    """The entries of one breakdown as a structured array."""
    kinds = [(key, "i4") for key in _KEYS.get(name, (name,))] if name != "time" else [("time", "f8")]
    whole = [name for name in _VALUES.names if name not in ("median", "mad")]
    short = np.dtype([(name, _VALUES[name]) for name in whole])
    kinds += [(column, short) for column in columns] + [("chi2", "f8"), ("dof", "i8")]
    keys, chi2 = np.frombuffer(keys, "i4").reshape(-1, 2), np.frombuffer(chi2, _CHI2)
    entries = np.empty(len(keys), kinds)
    if name == "time":
        entries["time"] = np.frombuffer(times, "f8")
    else:
        for i, key in enumerate(_KEYS.get(name, (name,))):
            entries[key] = keys[:, i]
    values = np.frombuffer(values, _VALUES).reshape(len(keys), len(columns))
    for c, column in enumerate(columns):
        for member in whole:
            entries[column][member] = values[:, c][member]
    entries["chi2"], entries["dof"] = chi2["value"], chi2["dof"]
    return entries


class Stats:
    """Statistics of columns.

    Attributes
    ----------
    rows : int
    columns : dict of structured scalar
        For each column: count (neither flagged nor NaN or infinite), nan and inf (not flagged), mean (complex), amplitude
        (mean of amplitudes), rms, min, max, median and mad (of amplitudes; from a histogram, right to 1 in 1000).
        NaN where nothing counts.
    chi2 : float or None
        The sum of weight x |data - model|^2 over what counts in both.
    dof : int or None
        Degrees of freedom: two for each visibility.
    weights : str
        The column that chi2 was weighted with; "" where there is none.
    by : dict of structured ndarray
        For each breakdown its entries, ascending. Members: what it is by, as in `Flags.by`; each column's name, with the
        members above but median and mad; chi2 and dof.
    """

    def __init__(self, rows, columns, values, chi2, weights, breakdowns):
        self.rows = rows
        self.columns = dict(zip(columns, np.frombuffer(values, _VALUES)))
        self.chi2, self.dof = chi2 or (None, None)
        self.weights = weights
        self.by = {parts[0]: _breakdown(columns, *parts) for parts in breakdowns}

    def __repr__(self):
        lines = [f"<Stats: {self.rows} rows"]
        for name, v in self.columns.items():
            lines.append(f"  {name}: {v['count']} count, mean {v['mean']:.6g}, rms {v['rms']:.6g}, "
                         f"{v['min']:.6g} to {v['max']:.6g}, {v['nan']} NaN, {v['inf']} infinite")
        if self.chi2 is not None:
            lines.append(f"  chi-squared {self.chi2:.6g} of {self.dof} degrees of freedom")
        return "\n".join(lines + [f"  by {name}: {len(found)}" for name, found in self.by.items()]) + ">"


def stats(path, columns="DATA", by=(), chi2=None, flag_row=True, medians=True, memory=64 << 20, threads=0,
          checked=True, progress=False):
    """Statistics of columns by any keys, and chi-squared, in one read of each column.

    Parameters
    ----------
    path : path-like
        The Measurement Set's folder.
    columns : str or sequence of str
        Complex or Float columns; (): `chi2` alone.
    by : str or sequence of str
        Breakdowns: "spw", "field", "scan", "antenna", "baseline", "channel", "correlation", "time".
    chi2 : (str, str), optional
        Two columns, data and model: chi-squared of their difference, weighted by WEIGHT_SPECTRUM, else WEIGHT.
    flag_row : bool
        Whether a set FLAG_ROW flags its whole row.
    medians : bool
        Whether median and mad are told: False leaves them NaN, and the histogram of amplitudes out.
    memory : int
        Bytes of the batches in flight.
    threads : int
        0: all that the process may use. The answer does not depend on it.
    checked : bool
        See `metadata`.
    progress : bool
        Whether to show how far it is.

    Returns
    -------
    Stats

    Examples
    --------
    >>> found = msio.stats("obs.ms", by="antenna", chi2=("CORRECTED_DATA", "MODEL_DATA"))
    >>> data = found.by["antenna"]["DATA"]
    >>> snr = data["amplitude"] / np.sqrt(data["rms"]**2 - data["amplitude"]**2)
    """
    names = (columns,) if isinstance(columns, str) else tuple(columns)
    keys = (by,) if isinstance(by, str) else tuple(by)
    pair = () if chi2 is None else tuple(chi2)
    if chi2 is not None and (isinstance(chi2, str) or len(pair) != 2):
        raise ValueError(f"chi2 is {chi2!r}: it names two columns, data and model")
    if not names and not pair:
        raise ValueError("no column is named")
    with _progress(progress, "reading") as told:
        return Stats(*_msio.stats(path, names, keys, pair, flag_row, medians, operator.index(memory), threads, checked, told))


_ANY = -2**31


class Density:
    """Points counted on a grid of two axes.

    Attributes
    ----------
    x, y : str
        What the axes show, as in `density`.
    x_unit, y_unit : str
        "s", "Hz", "m", "wavelengths", "deg" or "".
    x_edges, y_edges : ndarray of float64
        The edges of the bins: one more than there are bins.
    count : ndarray of int64, (y bins, x bins)
        Points of each cell.
    flagged : ndarray of int64 or None
        Those of `count` that are flagged, where `flags` was asked for.
    rows : int
        That were looked at.
    points, outside, not_finite : int
        Points that are in a cell, beyond a range (or of no known antenna), and those with a NaN or an infinity.
    antennas : int
        The number n in the numbers of baselines: that of antennas i <= j is i n - i (i - 1) / 2 + j - i.
    """

    def __init__(self, x, y, count, flagged, rows, points, outside, not_finite, antennas):
        self.x, self.x_unit, self.x_edges = x[0], x[1], x[3] + np.arange(x[2] + 1) * x[4]
        self.y, self.y_unit, self.y_edges = y[0], y[1], y[3] + np.arange(y[2] + 1) * y[4]
        self.count = np.frombuffer(count, "i8").reshape(y[2], x[2])
        self.flagged = None if flagged is None else np.frombuffer(flagged, "i8").reshape(y[2], x[2])
        self.rows, self.points, self.outside, self.not_finite = rows, points, outside, not_finite
        self.antennas = antennas

    def __repr__(self):
        return (f"<Density: {self.points} points of {self.rows} rows, {self.y} against {self.x}, "
                f"{self.count.shape[0]} x {self.count.shape[1]} cells>")


def density(path, x="time", y="amp", column="DATA", flags=False, bins=(1024, 512), x_range=None, y_range=None,
            wavelengths=False, field=None, spw=None, corr=None, flag_row=True, memory=64 << 20, threads=0, checked=True,
            progress=False):
    """Counts visibilities on a grid of two axes, in one read: what a plot of all of them shows.

    Parameters
    ----------
    path : path-like
        The Measurement Set's folder.
    x, y : {"time", "freq", "chan", "uvdist", "baseline", "antenna", "amp", "phase", "real", "imag", "flag", "u", "v"}
        Two different axes. A point is one visibility, a row's channel and correlation; on "antenna" it is one of each of
        its two. "phase" is in degrees.
    column : str
        Complex or Float: what "amp", "phase", "real" and "imag" are of. Not read for other axes.
    flags : bool
        Flagged points are counted too, and apart as well. Else they count only where an axis is "flag".
    bins : (int, int)
        Bins of x and y, at most.
    x_range, y_range : (float, float), optional
        What the axis spans. Else it is found: from the metadata, or, of "amp", "real", "imag", "u", "v" and "uvdist", while
        the columns are read. The bins of the latter are a power of two wide and begin at a multiple of it.
    wavelengths : bool
        "u", "v" and "uvdist" are in wavelengths of each channel, not in m.
    field, spw, corr : int, optional
        Only rows of this field and spectral window; the index of the only correlation.
    flag_row : bool
        Whether a set FLAG_ROW flags its whole row.
    memory : int
        Bytes of the batches in flight; 8 bytes a cell and thread come to it (16 with `flags`).
    threads : int
        0: all that the process may use. The answer does not depend on it.
    checked : bool
        See `metadata`.
    progress : bool
        Whether to show how far it is.

    Returns
    -------
    Density

    Examples
    --------
    >>> found = msio.density("obs.ms", "uvdist", "amp", column="CORRECTED_DATA")
    >>> msio.plot.draw(found, "amp.png")                                      # needs matplotlib
    >>> flags = msio.density("obs.ms", "time", "freq", flags=True)
    >>> occupancy = flags.flagged / np.maximum(flags.count, 1)
    """
    ranges = []
    for name, span in (("x_range", x_range), ("y_range", y_range)):
        low, high = (0.0, 0.0) if span is None else (float(value) for value in span)
        if span is not None and not low < high:
            raise ValueError(f"{name} is {span!r}: it goes from a low to a high value")
        ranges += low, high
    x_bins, y_bins = (operator.index(number) for number in bins)
    chosen = [_ANY if number is None else operator.index(number) for number in (field, spw, corr)]
    with _progress(progress, "reading") as told:
        return Density(*_msio.density(path, x, y, column, flags, x_bins, y_bins, *ranges, wavelengths, *chosen, flag_row,
                                      operator.index(memory), threads, checked, told))


def _limit(value):
    """As the library has it: -1 is none."""
    return -1.0 if value is None else float(value)


def extend_flags(path, amp=None, chi2=None, uvdist=None, correlation=None, channel=None, time=None, baseline=None,
                 column="DATA", chi2_columns=("DATA", "MODEL_DATA"), wavelengths=False, rows=None, flag_row=True,
                 dry_run=False, memory=64 << 20, threads=0, progress=False):
    """Flags visibilities beyond limits, then those of whose neighbours enough are flagged, in one pass that reads and writes.

    Parameters
    ----------
    path : path-like
        The Measurement Set's folder.
    amp, uvdist : (float or None, float or None), optional
        What lies below the first or above the second is flagged: amplitudes of `column`; distances in m.
    chi2 : float, optional
        What has a larger weight x |data - model|^2 is flagged. NaN and infinities are beyond any limit.
    correlation, channel, time, baseline : float, optional
        All flags of a set are set where more than this fraction of it is, 0: any. The sets: the correlations of a row's
        channel; the channels of a row's correlation; the times of a baseline in a scan; all rows of a time. In this order,
        after the limits, each sees what those before it flagged.
    column : str
        Of `amp`: Complex or Float.
    chi2_columns : (str, str)
        Data and model. Weights are WEIGHT_SPECTRUM, else WEIGHT.
    wavelengths : bool
        `uvdist` is in wavelengths of each channel.
    rows : None, slice, int, or array of int or bool
        Which rows are looked at, as in `read`.
    flag_row : bool
        Whether a set FLAG_ROW flags its whole row, and is set for rows that are flagged whole afterwards.
    dry_run : bool
        Only tell what would be flagged.
    memory : int
        Bytes of the batches in flight.
    threads : int
        0: all that the process may use. The result does not depend on it.
    progress : bool
        Whether to show how far it is.

    Returns
    -------
    dict of int
        rows and total (their flags), before and after (flags that were set, and are), what each of amp, chi2, uvdist,
        correlation, channel, time and baseline added to those before it, and flag_rows: rows whose FLAG_ROW was set.

    Examples
    --------
    >>> msio.extend_flags("obs.ms", channel=0.5)
    >>> msio.extend_flags("obs.ms", amp=(None, 100), uvdist=(30, None), correlation=0, time=0.8)
    """
    pairs = []
    for name, pair in (("amp", amp), ("uvdist", uvdist)):
        low, high = (None, None) if pair is None else pair
        for value in (low, high):
            if value is not None and not value >= 0:
                raise ValueError(f"{name} is {pair!r}: limits are not negative")
        pairs.append((_limit(low), _limit(high)))
    data, model_column = chi2_columns
    with _msio.Table(path, writable=not dry_run) as table, _progress(progress, "flagging") as told:
        rows = _rows(rows, lambda: table.nrows)
        return _msio.extend_flags(table, pairs[0], _limit(chi2), pairs[1],
                                  tuple(_limit(fraction) for fraction in (correlation, channel, time, baseline)), column,
                                  (data, model_column), wavelengths, [rows] if isinstance(rows, int) else rows, flag_row,
                                  dry_run, operator.index(memory), threads, told)


def map(path, inputs, outputs, function, rows=None, memory=64 << 20, block=4 << 20, threads=0, progress=False):
    """Calls a function for blocks of rows of columns, and writes what it returns into columns, in one pass.

    The next blocks are read and those before written meanwhile. The function is called by several threads, one at a time:
    Python's lock is held in it alone.

    Parameters
    ----------
    path : path-like
        A Measurement Set or any table.
    inputs : str or sequence of str
        Columns that are read: numbers or bools, of one shape in these rows.
    outputs : str or sequence of str
        Columns that are written; (): none. One may be an input too.
    function : callable
        Gets an array for each input, [row] and the cell's axes, which may not be written nor kept: its memory is used
        again. Returns an array for each output (of several a tuple), of the block's rows.
    rows : None, slice, int, or array of int or bool
        Which rows, as in `read`.
    memory : int
        Bytes of all batches in flight.
    block : int
        Bytes of a block, in and out.
    threads : int
        0: all that the process may use. Blocks do not depend on it.
    progress : bool
        Whether to show how far it is.

    Returns
    -------
    list or None
        Without outputs what the function returned, in the order of rows; arrays are copied.

    Raises
    ------
    ValueError, TypeError
        What the function returned is of another shape, or type, than the outputs; or it kept an input. What the function
        raises ends the pass, and is raised.

    Examples
    --------
    >>> msio.map("obs.ms", ["DATA", "MODEL_DATA"], "CORRECTED_DATA", lambda data, model: data - model)
    >>> sum(msio.map("obs.ms", "FLAG", (), lambda flag: int(flag.sum())))
    """
    inputs, outputs = ((names,) if isinstance(names, str) else tuple(names) for names in (inputs, outputs))
    if not callable(function):
        raise TypeError(f"{function!r} cannot be called")
    with _msio.Table(path, writable=bool(outputs)) as table, _progress(progress, "going through") as told:
        rows = _rows(rows, lambda: table.nrows)
        if isinstance(rows, int):
            rows = [rows]
        found = _msio.map(table, inputs, outputs, function, rows, operator.index(memory), operator.index(block), threads,
                          told)
    return None if found is None else [result for _, result in sorted(found, key=operator.itemgetter(0))]
