"""What a Measurement Set says of itself, and how much of it is flagged."""
import functools
import operator
import os
import threading

import numpy as np

from . import _msio
from ._progress import progress as _progress
from ._record import record as _row

__all__ = ["metadata", "Metadata", "flags", "Flags"]

_ANY = -(2**31)  # the library's MSIO_ANY


# ---------------------------------------------------------------- rows of subtables

def _short(value):
    if not isinstance(value, np.ndarray):
        return repr(value)
    text = np.array2string(value, threshold=6, edgeitems=1, separator=", ").replace("\n", "")
    return text if value.size <= 6 else f"{text} {value.shape}"


class _Row:
    """An immutable row: its members by name, a repr in which long arrays are short, equality by values."""

    __slots__ = ()

    def _values(self):
        return [getattr(self, name) for name in self.__slots__]

    def __repr__(self):
        members = (f"{name}={_short(getattr(self, name))}" for name in self.__slots__)
        return f"{type(self).__name__}({', '.join(members)})"

    def __eq__(self, other):
        if type(other) is not type(self):
            return NotImplemented
        return all(np.array_equal(a, b) if isinstance(a, np.ndarray) else a == b
                   for a, b in zip(self._values(), other._values()))

    __hash__ = None


@_row
class Direction(_Row):
    """A direction: a polynomial in time.

    Attributes
    ----------
    value : ndarray of float64, [terms][2]
        Longitude and latitude of each coefficient, constant first.
    unit, frame : str
        "rad", "J2000"; "" where the column names none.
    """

    value: np.ndarray
    unit: str
    frame: str


@_row
class Column(_Row):
    """A column of the main table.

    Attributes
    ----------
    name, type, manager : str
        type: casacore's name; manager: the storage manager's.
    ndim : int
        Axes of a cell; 0: a scalar, -1: it varies.
    shape, tile : tuple of int or None
        Of a cell in numpy's order, None where cells differ; of a tile, None where there are none.
    native : bool
        Whether msio reads it, or casacore has to.
    """

    name: str
    type: str
    ndim: int
    shape: tuple
    manager: str
    tile: tuple
    native: bool


@_row
class SpectralWindow(_Row):
    """A row of SPECTRAL_WINDOW.

    Attributes
    ----------
    name : str
    channels : int
    frequencies, widths : ndarray of float64, [channels], or None
        Hz; None where they were never written.
    reference_frequency, bandwidth : float
        Hz
    frame : int
        casacore's MFrequency type (1 LSRK, 5 TOPO); -1: none is named.
    """

    name: str
    channels: int
    frequencies: np.ndarray
    widths: np.ndarray
    reference_frequency: float
    bandwidth: float
    frame: int


@_row
class Polarization(_Row):
    """A row of POLARIZATION.

    Attributes
    ----------
    types : ndarray of int32, [correlations]
        Stokes codes: 5 RR, 8 LL, 9 XX, 12 YY.
    """

    types: np.ndarray


@_row
class DataDescription(_Row):
    """A row of DATA_DESCRIPTION: the rows of SPECTRAL_WINDOW and POLARIZATION that it pairs, and its flag."""

    spectral_window: int
    polarization: int
    flagged: bool


@_row
class Field(_Row):
    """A row of FIELD.

    Attributes
    ----------
    name, code : str
    source : int
        SOURCE_ID
    time : float
        s (MJD)
    phase_dir, reference_dir, delay_dir : Direction or None
        None where never written.
    """

    name: str
    code: str
    source: int
    time: float
    phase_dir: Direction
    reference_dir: Direction
    delay_dir: Direction


@_row
class Antenna(_Row):
    """A row of ANTENNA.

    Attributes
    ----------
    name, station, mount : str
    position : ndarray of float64, [3]
        ITRF, m
    diameter : float
        m
    flagged : bool
    """

    name: str
    station: str
    mount: str
    position: np.ndarray
    diameter: float
    flagged: bool


@_row
class Observation(_Row):
    """A row of OBSERVATION; time_range: (first, last), s (MJD)."""

    telescope: str
    observer: str
    project: str
    time_range: tuple


@_row
class Source(_Row):
    """A row of SOURCE; time and interval: s (MJD); direction: a Direction, or None where never written."""

    name: str
    id: int
    spectral_window: int
    time: float
    interval: float
    direction: Direction


@_row
class State(_Row):
    """A row of STATE; mode: OBS_MODE; cal: noise calibration, K."""

    mode: str
    subscan: int
    cal: float
    sig: bool
    ref: bool


@_row
class StorageManager(_Row):
    """A storage manager of the main table: its type and name, the N of its file table.f<N>, its bytes on disk."""

    type: str
    name: str
    sequence: int
    bytes: int


def _direction(value):
    return None if value is None else Direction(*value)


def _field(name, code, source, time, *directions):
    return Field(name, code, source, time, *map(_direction, directions))


def _source(*values):
    return Source(*values[:-1], _direction(values[-1]))


# What makes a row of each subtable, in the extension's order.
_subtables = {"spectral_windows": SpectralWindow, "polarizations": Polarization, "data_descriptions": DataDescription,
              "fields": _field, "antennas": Antenna, "observations": Observation, "sources": _source, "states": State,
              "managers": StorageManager}


# ---------------------------------------------------------------- metadata

class Metadata:
    """Everything that a Measurement Set says of itself. Immutable; the same object as long as nothing changed.

    Members are made when they are first asked for. Arrays are read-only: they lie in the memory that msio keeps.
    A table that is no Measurement Set has rows, bytes, columns and managers only.

    Attributes
    ----------
    path : str
        Absolute.
    is_ms : bool
        Whether ANTENNA, SPECTRAL_WINDOW, DATA_DESCRIPTION and FIELD are there.
    rows, bytes : int
        Of the main table; bytes: on disk, of all its files table.f*.
    columns : tuple of Column
    managers : tuple of StorageManager
    spectral_windows : tuple of SpectralWindow
    polarizations : tuple of Polarization
    data_descriptions : tuple of DataDescription
    fields : tuple of Field
    antennas : tuple of Antenna
    observations : tuple of Observation
    sources : tuple of Source
    states : tuple of State
        The rows of the subtables; none where a subtable is missing.
    scans : ndarray of int32, [scans]
        The SCAN_NUMBERs that occur, ascending.
    time_range : (float, float)
        First and last TIME, s (MJD); zeros without rows.
    times : int
        Distinct values of TIME.
    integration_time : float
        Median of INTERVAL, s; 0 without rows.
    """

    def __init__(self, facts):
        members = facts.summary()
        members["columns"] = tuple(Column(*row) for row in members["columns"])
        self.__dict__.update(members, _facts=facts)

    def __setattr__(self, name, value):
        raise AttributeError(f"metadata are shared by all who ask for them: {name} cannot be set")

    def __delattr__(self, name):
        raise AttributeError(f"metadata are shared by all who ask for them: {name} cannot be removed")

    def __getattr__(self, name):
        """The rows of a subtable, when they are first asked for."""
        if name not in _subtables:
            raise AttributeError(f"Metadata has no attribute {name!r}")
        made = _subtables[name]
        rows = tuple(made(*row) for row in self._facts.subtable(list(_subtables).index(name)))
        return self.__dict__.setdefault(name, rows)

    def __dir__(self):
        return sorted({*super().__dir__(), *_subtables})

    def row_index(self):
        """Which rows belong to what: stretches of rows with one field, spectral window, scan and time.

        Built when it is first asked for, from the four columns; afterwards it costs nothing.

        Returns
        -------
        structured ndarray, [runs]
            row and rows (int64): where a stretch begins and how long it is; field, spectral_window, scan,
            data_description (int32); time (float64, s, MJD). In the rows' order; every row of the table lies in one
            stretch. Read-only.

        Raises
        ------
        ChangedError
            The Measurement Set changed since: `msio.metadata(path)` gives what holds now.
        """
        return self._facts.row_index()

    def find_rows(self, field=None, spectral_window=None, scan=None, time=None):
        """Rows of a field, spectral window, scan and span of time.

        Parameters
        ----------
        field, spectral_window, scan : int, optional
            FIELD_ID, SPECTRAL_WINDOW row, SCAN_NUMBER; None: any. Negative ones are found where rows have them;
            spectral window -1 is that of rows whose DATA_DESC_ID has no row in DATA_DESCRIPTION.
        time : (float, float), optional
            First and last TIME, s (MJD), both included.

        Returns
        -------
        ndarray of int64, [rows found]
            Ascending; what `rows=` of `msio.read` takes.

        Raises
        ------
        ChangedError
            As `row_index`.
        """
        asked = (field, spectral_window, scan)
        first, last = (0.0, 0.0) if time is None else time
        if time is not None and first == last == 0:
            last = 5e-324  # to the library, zero and zero are no span at all
        return self._facts.find_rows(*(_ANY if value is None else value for value in asked), first, last)

    def _occurring(self, name):
        values = np.unique(self.row_index()[name])
        values.flags.writeable = False
        return values

    @functools.cached_property
    def fields_with_rows(self):
        """FIELD_IDs that occur, ascending: what np.unique of the column gives."""
        return self._occurring("field")

    @functools.cached_property
    def spectral_windows_with_rows(self):
        """SPECTRAL_WINDOW rows that occur by way of DATA_DESC_ID, ascending."""
        return self._occurring("spectral_window")

    @functools.cached_property
    def data_descriptions_with_rows(self):
        """DATA_DESC_IDs that occur, ascending: what np.unique of the column gives."""
        return self._occurring("data_description")

    def __repr__(self):
        lines = [f"<Metadata of {self.path}",
                 f"  {self.rows} rows, {len(self.columns)} columns, {self.bytes / 1e6:.3g} MB"]
        if self.is_ms:
            lines += [f"  {_count(self.spectral_windows, 'spectral window')}{self._span()}; "
                      f"{_count(self.polarizations, 'polarization')}",
                      f"  {_count(self.fields, 'field')}, {_count(self.antennas, 'antenna')}, "
                      f"{_count(self.scans, 'scan')}",
                      f"  {_plural(self.times, 'time')} of {self.integration_time:.6g} s, "
                      f"{self.time_range[0]:.3f} to {self.time_range[1]:.3f} s (MJD)"]
        return "\n".join(lines) + ">"

    def _span(self):
        known = [w.frequencies for w in self.spectral_windows if w.frequencies is not None and len(w.frequencies)]
        if not known:
            return ""
        return f", {min(map(np.min, known)) / 1e6:.6g} to {max(map(np.max, known)) / 1e6:.6g} MHz"


def _plural(n, what):
    return f"{n} {what}{'' if n == 1 else 's'}"


def _count(rows, what):
    return _plural(len(rows), what)


# The last answers by path, so that one that still holds costs its check and nothing else: path -> Metadata. The lock is
# for changes; a look needs none.
_kept = {}
_KEPT_MOST = 64
_keeping = threading.Lock()


def _after_fork():
    global _keeping
    _keeping = threading.Lock()  # a thread that the child does not have may hold the parent's


os.register_at_fork(after_in_child=_after_fork)


def _keep(name, made):
    with _keeping:
        _kept.pop(name, None)
        _kept[name] = made
        while len(_kept) > _KEPT_MOST:
            del _kept[next(iter(_kept))]


def metadata(path, checked=True):
    """What a Measurement Set (or any table) says of itself, remembered and never stale.

    Parameters
    ----------
    path : path-like
        The table's folder.
    checked : bool
        True: true at one moment within the call, under the tables' read locks. False: as it was found first in this
        process; the caller says that nobody writes.

    Returns
    -------
    Metadata
        The same object as before while nothing changed. An older one stays as it was.

    Raises
    ------
    NotFoundError
        There is no table.
    ChangedError
        It changed each of the three times that it was read.

    Examples
    --------
    >>> facts = msio.metadata("obs.ms")
    >>> facts.spectral_windows[0].frequencies           # Hz
    >>> msio.read("obs.ms", "DATA", rows=facts.find_rows(field=3, scan=1))
    """
    name = os.fspath(path)
    before = _kept.get(name)
    facts = _msio.metadata(name, checked, before and before._facts)
    if before is not None and facts is before._facts:
        return before
    made = Metadata(facts)
    _keep(name, made)
    return made


# ---------------------------------------------------------------- flags

# The members that tell the entries of a breakdown apart; time is float64, the others are int32.
_keys = {"baseline": ("antenna1", "antenna2"), "channel": ("spw", "channel")}
_counts = [("flagged", "i8"), ("total", "i8"), ("from_flag_row", "i8"), ("fraction", "f8")]


def _breakdown(name, key, time, flagged, total, from_flag_row):
    """The entries of one breakdown as records."""
    names = _keys.get(name, (name,))
    found = np.empty(len(total), [(part, "f8" if part == "time" else "i4") for part in names] + _counts)
    for i, part in enumerate(names):
        found[part] = time if part == "time" else key[:, i]
    found["flagged"], found["total"], found["from_flag_row"] = flagged, total, from_flag_row
    found["fraction"] = np.divide(flagged, total, out=np.zeros(len(total)), where=total > 0)
    return found


class Flags:
    """Counts of flags.

    Attributes
    ----------
    flagged, total : int
        Elements of FLAG; a set FLAG_ROW flags its whole row, unless that was declined. Cells never written count
        nowhere.
    from_flag_row : int
        Of flagged, those that FLAG_ROW alone added.
    undefined_rows : int
        Rows whose FLAG was never written.
    fraction : float
        flagged / total, or its estimate; 0 without elements.
    low, high : float
    interval : (float, float)
        What holds the fraction with 95 % when it was sampled; else the fraction twice.
    sampled : bool
        Whether flagged, total and the breakdowns are of a sample.
    rows_sampled : int
    way : str
        How they were counted: "packed bits", "bytes", "casacore".
    by : dict of structured ndarray
        For each breakdown that was asked for its entries, [entries], ascending. Members: what it is by (int32 spw,
        field, scan, antenna, correlation; antenna1 and antenna2 of a baseline; spw and channel of a channel; time in s,
        MJD, float64), then flagged, total, from_flag_row (int64) and fraction (float64). spw is the SPECTRAL_WINDOW
        row, correlation its index. An antenna counts every row that it takes part in, an autocorrelation once.
        Numbers that stand for no row of their subtable, negative ones too, are entries like all others; rows whose
        DATA_DESC_ID has no row in DATA_DESCRIPTION are those of spw -1.
    """

    def __init__(self, counted):
        breakdowns = counted.pop("breakdowns")
        self.__dict__.update(counted)
        self.by = {parts[0]: _breakdown(*parts) for parts in breakdowns}

    @property
    def interval(self):
        return self.low, self.high

    def __repr__(self):
        lines = [f"<Flags: {self.flagged} of {self.total}{' sampled' if self.sampled else ''}, {self.fraction:.4%}"]
        if self.sampled:
            lines.append(f"  between {self.low:.4%} and {self.high:.4%}, from {_plural(self.rows_sampled, 'row')}")
        if self.from_flag_row:
            lines.append(f"  {self.from_flag_row} by FLAG_ROW alone")
        if self.undefined_rows:
            lines.append(f"  FLAG was never written in {_plural(self.undefined_rows, 'row')}")
        for name, found in self.by.items():
            if len(found):
                low, high = found["fraction"].min(), found["fraction"].max()
                lines.append(f"  by {name}: {len(found)}, {low:.4%} to {high:.4%}")
            else:
                lines.append(f"  by {name}: none")
        return "\n".join(lines) + ">"


def flags(path, by=(), flag_row=True, sample=0.0, seed=1, threads=0, checked=True, progress=False):
    """How much of a Measurement Set is flagged: every element counted, in one pass, from the packed bits.

    Parameters
    ----------
    path : path-like
        The Measurement Set's folder.
    by : str or sequence of str
        Breakdowns: "spw", "field", "scan", "antenna", "baseline", "channel", "correlation", "time".
    flag_row : bool
        Whether a set FLAG_ROW flags its whole row.
    sample : float
        0: exact. Else tiles are drawn until half the interval's width is at most this.
    seed : int
        Of the draws, from 0 to 2**64 - 1.
    threads : int
        0: all that the process may use.
    checked : bool
        See `metadata`.
    progress : bool
        Whether to show how far it is.

    Returns
    -------
    Flags

    Raises
    ------
    ColumnError
        There is no FLAG, or a breakdown's column is missing.

    Examples
    --------
    >>> counted = msio.flags("obs.ms", by=["antenna", "channel"])
    >>> antennas = counted.by["antenna"]
    >>> antennas["antenna"][antennas["fraction"] > 0.5]
    """
    names = (by,) if isinstance(by, str) else tuple(by)
    with _progress(progress, "counting flags") as told:
        return Flags(_msio.flags(path, names, flag_row, sample, operator.index(seed), threads, checked, told))
