"""What a Measurement Set says of itself, and how much of it is flagged."""
import collections
import os

import numpy as np

from . import _msio

__all__ = ["metadata", "Metadata", "flags", "Flags"]

Direction = collections.namedtuple("Direction", "value unit frame")
Direction.__doc__ = "A direction: value [terms][2], a polynomial in time, constant first; its unit and frame."
Column = collections.namedtuple("Column", "name type ndim shape manager tile native")
SpectralWindow = collections.namedtuple(
    "SpectralWindow", "name channels frequencies widths reference_frequency bandwidth frame")
SpectralWindow.__doc__ = "A row of SPECTRAL_WINDOW: frequencies and widths in Hz, [channels]; frame: an MFrequency type."
Polarization = collections.namedtuple("Polarization", "types")
DataDescription = collections.namedtuple("DataDescription", "spectral_window polarization flagged")
Field = collections.namedtuple("Field", "name code source time phase_dir reference_dir delay_dir")
Antenna = collections.namedtuple("Antenna", "name station mount position diameter flagged")
Antenna.__doc__ = "A row of ANTENNA: position [3], ITRF, m; diameter in m."
Observation = collections.namedtuple("Observation", "telescope observer project time_range")
Source = collections.namedtuple("Source", "name id spectral_window time interval direction")
State = collections.namedtuple("State", "mode subscan cal sig ref")

# In the order of the extension's subtables.
_subtables = {"spectral_windows": SpectralWindow, "polarizations": Polarization, "data_descriptions": DataDescription,
              "fields": Field, "antennas": Antenna, "observations": Observation, "sources": Source, "states": State}

_ROW_INDEX = ("row", "rows", "field", "spectral_window", "scan", "data_description", "time")


class Metadata:
    """Everything that a Measurement Set says of itself. Immutable; the same object as long as nothing changed.

    Attributes
    ----------
    path : str
    is_ms : bool
    rows, bytes : int
    columns : list of Column
    spectral_windows, polarizations, data_descriptions, fields, antennas, observations, sources, states : list
        The rows of the subtables, as named tuples.
    scans : ndarray of int32
        The SCAN_NUMBERs that occur.
    time_range : (float, float)
        First and last TIME, s (MJD).
    times : int
        Distinct values of TIME.
    integration_time : float
        s
    """

    def __init__(self, facts):
        self._facts = facts
        for name, value in facts.summary().items():
            if name == "columns":
                value = [Column._make(row) for row in value]
            self.__dict__[name] = _frozen(value)

    def __getattr__(self, name):
        if name not in _subtables:
            raise AttributeError(f"Metadata has no attribute {name!r}")
        made = _subtables[name]
        rows = [made._make(_frozen(value) for value in row)
                for row in self._facts.subtable(list(_subtables).index(name))]
        for i, row in enumerate(rows):
            rows[i] = row._replace(**{key: Direction._make(_frozen(part) for part in value)
                                      for key, value in row._asdict().items() if key.endswith(("_dir", "direction"))
                                      and isinstance(value, tuple)})
        self.__dict__[name] = rows
        return rows

    def row_index(self):
        """Consecutive rows with one field, spectral window, scan and time.

        Returns
        -------
        dict of ndarray
            row, rows, field, spectral_window, scan, data_description, time (s, MJD): [runs] each; every row of the
            table lies in one run.
        """
        return dict(zip(_ROW_INDEX, self._facts.row_index()))

    def find_rows(self, field=None, spectral_window=None, scan=None, time=None):
        """Rows of a field, spectral window, scan and span of time.

        Parameters
        ----------
        field, spectral_window, scan : int, optional
        time : (float, float), optional
            s (MJD), both included.

        Returns
        -------
        ndarray of int64
            Ascending.
        """
        first, last = (0.0, 0.0) if time is None else time
        return self._facts.find_rows(*(-1 if value is None else value for value in (field, spectral_window, scan)),
                                     first, last)

    @property
    def fields_with_rows(self):
        """FIELD_IDs that occur."""
        return np.unique(self.row_index()["field"])

    @property
    def spectral_windows_with_rows(self):
        """SPECTRAL_WINDOW rows that occur."""
        return np.unique(self.row_index()["spectral_window"])

    def __repr__(self):
        lines = [f"<Metadata of {self.path}",
                 f"  {self.rows} rows, {len(self.columns)} columns, {self.bytes / 1e6:.3g} MB"]
        if self.is_ms:
            windows = self.spectral_windows
            known = [w.frequencies for w in windows if w.frequencies is not None and len(w.frequencies)]
            span = f", {min(map(np.min, known)) / 1e6:.6g} to {max(map(np.max, known)) / 1e6:.6g} MHz" if known else ""
            lines.append(f"  {len(windows)} spectral windows{span}; {len(self.fields)} fields, {len(self.antennas)} "
                         f"antennas, {len(self.scans)} scans")
            lines.append(f"  {self.times} times of {self.integration_time:.6g} s")
        return "\n".join(lines) + ">"


def _frozen(value):
    if isinstance(value, np.ndarray):
        value.flags.writeable = False
    return value


# The last answers, so that one that still holds costs a check and nothing else. path -> (facts, Metadata)
_kept = collections.OrderedDict()
_KEPT_MOST = 64


def metadata(path, checked=True):
    """What a Measurement Set (or any table) says of itself, remembered and never stale.

    Parameters
    ----------
    path : path-like
    checked : bool
        True: true at one moment within the call, under the tables' read locks. False: as it was found first in this
        process; the caller says that nobody writes.

    Returns
    -------
    Metadata
        The same object as before while nothing changed.
    """
    name = os.fspath(path)
    before = _kept.get(name)
    facts = _msio.metadata(name, checked, before and before[0])
    if before is not None and facts is before[0]:
        return before[1]
    made = Metadata(facts)
    _kept[name] = (facts, made)
    _kept.move_to_end(name)
    while len(_kept) > _KEPT_MOST:
        _kept.popitem(last=False)
    return made


class Flags:
    """Counts of flags.

    Attributes
    ----------
    flagged, total : int
        Elements of FLAG; a set FLAG_ROW flags its whole row.
    from_flag_row : int
        Of flagged, those that FLAG_ROW alone added.
    undefined_rows : int
        Rows whose FLAG was never written; they count nowhere.
    fraction : float
    low, high : float
        The interval that holds the fraction (95 %) when it was sampled; else the fraction.
    sampled : bool
    by : dict of dict of ndarray
        For each breakdown its keys ("spw", or "antenna1" and "antenna2", ...) and flagged, total, from_flag_row, fraction.
    """

    _keys = {"baseline": ("antenna1", "antenna2"), "channel": ("spw", "channel")}

    def __init__(self, counted):
        breakdowns = counted.pop("breakdowns")
        self.__dict__.update(counted)
        self.by = {}
        for name, key, time, flagged, total, from_flag_row in breakdowns:
            if name == "time":
                found = {"time": time}
            else:
                found = {part: key[:, i] for i, part in enumerate(self._keys.get(name, (name,)))}
            fraction = np.divide(flagged, total, out=np.zeros(len(total)), where=total > 0)
            self.by[name] = {**found, "flagged": flagged, "total": total, "from_flag_row": from_flag_row,
                             "fraction": fraction}

    def __repr__(self):
        how = f", from {self.low:.4%} to {self.high:.4%} by a sample" if self.sampled else ""
        parts = "".join(f"; by {name}: {len(found['total'])}" for name, found in self.by.items())
        return f"<Flags: {self.flagged} of {self.total}, {self.fraction:.4%}{how}{parts}>"


def flags(path, by=(), flag_row=True, sample=0.0, seed=1, threads=0, checked=True):
    """How much of a Measurement Set is flagged: every element counted, in one pass, from the packed bits.

    Parameters
    ----------
    path : path-like
    by : str or sequence of str
        Breakdowns: "spw", "field", "scan", "antenna", "baseline", "channel", "correlation", "time".
    flag_row : bool
        Whether a set FLAG_ROW flags its whole row.
    sample : float
        0: exact. Else tiles are drawn until half the interval's width is at most this.
    seed : int
        Of the draws.
    threads : int
    checked : bool
        See `metadata`.

    Returns
    -------
    Flags
    """
    names = (by,) if isinstance(by, str) else tuple(by)
    return Flags(_msio.flags(path, names, flag_row, sample, seed, threads, checked))
