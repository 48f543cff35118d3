"""Groups of subband files, and loading them into one array."""
import os

import numpy as np

from . import _msio
from ._errors import NotFoundError
from ._progress import progress as _progress
from ._selecting import axis as _axis

__all__ = ["groups", "Group", "Groups", "load", "load_stream", "check", "Subbands", "uvh5_header"]

_ARRAYS = {"visdata": 1, "flags": 2, "nsamples": 4}
_LAYOUTS = {"row-chan-pol": 0, "subband-row-chan-pol": 1}
_MISSING = {"error": 0, "skip": 1, "flag": 2}
_TYPES = {np.dtype("c8"): 9, np.dtype("c16"): 10}


class Group:
    """The files of one observation time.

    Attributes
    ----------
    time : str
        Of the first file, ISO 8601 (UTC).
    seconds : float
        The same, since 1970.
    complete : bool
    files : list of (int, str)
        Subband and path; ascending by subband.
    missing : ndarray of int32
    duplicate, late : list of (int, str)
    """

    def __init__(self, found):
        self.__dict__.update(found)

    @property
    def paths(self):
        """The paths of its files, ascending by subband."""
        return [path for _, path in self.files]

    def __repr__(self):
        missing = f", missing {', '.join(map(str, self.missing))}" if len(self.missing) else ""
        return f"<Group of {self.time}: {len(self.files)} of {self.expected} subbands{missing}>"


class Groups(list):
    """Groups, by time, and what else the folders hold.

    Attributes
    ----------
    incomplete : list of str
        Files that are still being written.
    unexpected : list of str
        Files of subbands beyond those expected.
    unreadable : list of (str, str)
        Files whose headers had to be asked and could not be read, with the reason.
    ignored : int
        Other names.
    """

    def __init__(self, found):
        super().__init__(map(Group, found["groups"]))
        self.incomplete = [path for _, path in found["incomplete"]]
        self.unexpected = [path for _, path in found["unexpected"]]
        self.unreadable = found["unreadable"]
        self.ignored = found["ignored"]


def groups(folders, pattern=None, window=60.0, subbands=16, first_frequency=0.0, frequency_step=0.0):
    """Finds groups of subband files by their names, or by their headers where the pattern leaves something out.

    Parameters
    ----------
    folders : path-like or sequence of path-like
        One pool of files.
    pattern : str, optional
        Names, with {time}, {subband} and * for any text; default "{time}_sb{subband}.hdf5".
    window : float
        s; how far a group's files may lie from its first.
    subbands : int
        That make a group complete.
    first_frequency, frequency_step : float
        Hz: the middle of subband 0 and the distance to the next lower one, where headers tell the subband; 0: found.

    Returns
    -------
    Groups
    """
    return Groups(_msio.groups(folders, pattern, window, subbands, first_frequency, frequency_step))


def _is_folder_of_files(path):
    return os.path.isdir(path) and not os.path.exists(os.path.join(path, "table.dat"))


def _source(what, time, pattern, subbands):
    """What is to be loaded, as the extension takes it."""
    if isinstance(what, (str, bytes)) or hasattr(what, "__fspath__"):
        if not _is_folder_of_files(what):
            return {"paths": [what]}
        found = [group for group in groups(what, pattern, subbands=subbands)
                 if time is None or group.time.rstrip("Z") == time.rstrip("Z")]
        if len(found) != 1:
            times = ", ".join(group.time for group in found[:4])
            raise NotFoundError(f"{os.fspath(what)}: {len(found)} groups stand here ({times}), one is needed; choose by "
                                "time=, or give its files" if found else f"{os.fspath(what)}: no group of subband files"
                                " stands here; see pattern=")
        what = found[0]
    if isinstance(what, Group):
        return {"paths": what.paths, "numbers": [number for number, _ in what.files], "missing_numbers": what.missing,
                "time": what.time}
    return {"paths": list(what)}


def _first_shape(source):
    """Channels of a subband and polarizations, for slices that count from the end."""
    path = source["paths"][0]
    if os.path.isdir(path):
        from .meta import metadata
        found = metadata(path)
        return found.spectral_windows[0].channels, len(found.polarizations[0].types)
    header = _msio.uvh5_header(path)
    return int(header["Nfreqs"]), int(header["Npols"])


def _wish(what, arrays, missing, layout, rows, times, chans, corrs, subbands, memory, threads, time, pattern, expected):
    arrays = (arrays,) if isinstance(arrays, str) else arrays
    for name, known in ((layout, _LAYOUTS), (missing, _MISSING), *((array, _ARRAYS) for array in arrays)):
        if name not in known:
            raise ValueError(f"there is no {name!r}: {', '.join(known)} are there")
    wish = _source(what, time, pattern, expected)
    wish.update(what=sum({_ARRAYS[name] for name in arrays}), layout=_LAYOUTS[layout], missing=_MISSING[missing],
                threads=threads)
    if memory is not None:
        wish["memory"] = memory
    if chans is not None or corrs is not None:
        channels, pols = _first_shape(wish)
        wish.update(chans=_axis(chans, channels, "chans"), corrs=_axis(corrs, pols, "corrs"))
    if times is not None:
        start, stop = (times.start or 0, times.stop) if isinstance(times, slice) else (times, times + 1)
        if start < 0 or (stop is not None and stop < start) or (isinstance(times, slice) and times.step not in (None, 1)):
            raise ValueError(f"times are a span of integrations, ascending and not from the end; not {times!r}")
        wish["times"] = (start, -1 if stop is None else stop - start)
    if isinstance(rows, slice):
        step = 1 if rows.step is None else rows.step
        start, stop = rows.start or 0, rows.stop
        if start < 0 or step < 1 or (stop is not None and stop < start):
            raise ValueError(f"rows are a slice forwards, not from the end, or a list; not {rows!r}")
        wish["rows"] = (start, -1 if stop is None else (stop - start + step - 1) // step, step)
    elif rows is not None:
        wish["rows"] = np.atleast_1d(np.asarray(rows, dtype=np.int64))
    if subbands is not None:
        wish["subbands"] = np.atleast_1d(np.asarray(subbands, dtype=np.int32))
    return wish


class Subbands:
    """What was loaded.

    Attributes
    ----------
    visdata : ndarray of complex64 or complex128, or None
        [row][channel][polarization], channels ascending over all subbands; or [subband][row][channel][polarization].
    flags : ndarray of bool, or None
    nsamples : ndarray of float32, or None
        Of a Measurement Set its weights.
    frequencies, widths : ndarray of float64
        Hz, [channels].
    polarizations : ndarray of int32
        AIPS numbers (-5 is XX); of a Measurement Set casacore's Stokes codes (9 is XX).
    times : ndarray of float64
        [rows]; of UVH5 Julian days, of a Measurement Set seconds (MJD).
    antenna1, antenna2 : ndarray of int32
        [rows]
    uvw : ndarray of float64
        m, [rows][3]
    integration_times : ndarray of float64
        s, [rows]
    antennas : list of (int, str, ndarray, float)
        Number, name, position (m), diameter (m).
    subbands : list of (int, bool, str, int, int)
        Number, whether it is there, path, first channel, channels; ascending in frequency.
    missing : ndarray of int32
    phase_center : (float, float)
        rad
    phase_type : str
    row : int
        Of a batch: the place of its first row in the selection.
    """

    def __init__(self, found, row=0):
        self.__dict__.update(found)
        self.row = row

    @property
    def rows(self):
        """Number of rows."""
        return len(self.times)

    @property
    def header(self):
        """The header of the first UVH5 file as a dict, with extra keywords; None of a Measurement Set."""
        return _msio.uvh5_header(self.path) if self.path else None

    def __repr__(self):
        there = [name for name in _ARRAYS if getattr(self, name) is not None]
        missing = f", missing {', '.join(map(str, self.missing))}" if len(self.missing) else ""
        return (f"<Subbands: {', '.join(there) or 'no array'} of shape {self.shape}, {len(self.subbands)} subbands{missing}, "
                f"{self.frequencies.min() / 1e6:.6g} to {self.frequencies.max() / 1e6:.6g} MHz>" if len(self.frequencies)
                else f"<Subbands of shape {self.shape}>")


def load(what, arrays=("visdata", "flags", "nsamples"), missing="error", layout="row-chan-pol", rows=None, times=None,
         chans=None, corrs=None, subbands=None, memory=None, out=None, visdata_type=None, threads=0, time=None,
         pattern=None, expected=16, progress=False):
    """Loads the subbands of one observation time into one array, channels ascending over all of them.

    Parameters
    ----------
    what : Group, path-like, or sequence of path-like
        A group, a folder that holds one, UVH5 files, a Measurement Set (its spectral windows), or several of one window.
    arrays : sequence of {"visdata", "flags", "nsamples"}
    missing : {"error", "skip", "flag"}
        What becomes of subbands that the group lacks; "flag": zeros, flagged.
    layout : {"row-chan-pol", "subband-row-chan-pol"}
    rows : slice or array of int, optional
        In the first file's order.
    times : slice or int, optional
        Integrations, counted from the earliest.
    chans : slice or int, optional
        Within each subband, ascending in frequency.
    corrs : slice or int, optional
    subbands : sequence of int, optional
        Numbers of those wanted, of a group.
    memory : int, optional
        Bytes that loading may take beyond the result; default 256 MiB.
    out : dict of ndarray, optional
        Arrays in C order to load into, by name.
    visdata_type : dtype, optional
        complex64 or complex128; default: as precise as the files.
    threads : int
    time, pattern, expected
        Which group of a folder, and how its files are named and counted; see `groups`.
    progress : bool

    Returns
    -------
    Subbands
    """
    wish = _wish(what, arrays, missing, layout, rows, times, chans, corrs, subbands, memory, threads, time, pattern,
                 expected)
    if visdata_type is not None:
        if np.dtype(visdata_type) not in _TYPES:
            raise ValueError(f"visibilities are complex64 or complex128, not {np.dtype(visdata_type)}")
        wish["visdata_type"] = _TYPES[np.dtype(visdata_type)]
    if out is not None:
        wish.update(_out(wish, out, arrays))
    with _progress(progress, "loading") as told:
        found = Subbands(_msio.load(progress=told, **wish))
    for name, array in (out or {}).items():
        setattr(found, name, array)
    return found


def _out(wish, out, arrays):
    """Checks the caller's arrays against what will come."""
    planned = {key: value for key, value in wish.items() if key != "what"}
    shape = _msio.load(what=0, **planned)["shape"]
    given = out["visdata"].dtype if "visdata" in out else np.dtype("c8")
    types = {"visdata": given if given in _TYPES else np.dtype("c8"), "flags": np.dtype(bool),
             "nsamples": np.dtype("f4")}
    for name, array in out.items():
        if name not in arrays:
            raise ValueError(f"out has {name!r}, which is not among the arrays {tuple(arrays)}")
        if array.shape != shape or array.dtype != types[name]:
            raise ValueError(f"out[{name!r}] is of shape {array.shape} and type {array.dtype}; the answer has shape {shape} "
                             f"and type {types[name]}")
    return {"out": dict(out), **({"visdata_type": _TYPES[types["visdata"]]} if "visdata" in out else {})}


class load_stream:
    """The same in batches of rows, for what is larger than memory; the next batch is read meanwhile.

    Takes the arguments of `load` but out, visdata_type and progress, and `rows_per_batch`: default as many whole
    integrations as `memory` allows, which here is for all batches in flight.

    Yields
    ------
    Subbands
        With `row`, the place of its first row in the selection. Each batch owns its arrays.
    """

    def __init__(self, what, arrays=("visdata", "flags", "nsamples"), missing="error", layout="row-chan-pol", rows=None,
                 times=None, chans=None, corrs=None, subbands=None, memory=None, rows_per_batch=0, threads=0, time=None,
                 pattern=None, expected=16):
        self._stream = _msio.LoadStream(rows_per_batch=rows_per_batch, **_wish(
            what, arrays, missing, layout, rows, times, chans, corrs, subbands, memory, threads, time, pattern, expected))

    def __iter__(self):
        return self

    def __next__(self):
        found = self._stream.next()
        if found is None:
            raise StopIteration
        return Subbands(found[1], found[0])

    def close(self):
        """Ends the stream; may come before its end."""
        self._stream.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def check(what, time=None, pattern=None, expected=16):
    """Compares subbands without loading them.

    Returns
    -------
    list of (str, str, str, bool)
        Path, field, how it differs, and whether that is harmless (a gap, another order of rows).
    """
    return _msio.check(**_wish(what, (), "skip", "row-chan-pol", None, None, None, None, None, None, 0, time, pattern,
                               expected))


def uvh5_header(path):
    """The header of a UVH5 file as a dict: the datasets below Header by their names, `extra_keywords` a dict. Kept while
    the file is unchanged."""
    return _msio.uvh5_header(path)
