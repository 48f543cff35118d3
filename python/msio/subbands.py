"""Groups of subband files, and loading them into one array."""
import functools
import os

import numpy as np

from . import _msio
from ._errors import NotFoundError, SizeError
from ._progress import progress as _progress
from ._selecting import axis as _axis, integers as _integers, positive as _positive, rows as _rows

__all__ = ["groups", "Group", "Groups", "load", "load_stream", "check", "Subbands", "uvh5_header"]

_ARRAYS = {"visdata": 1, "flags": 2, "nsamples": 4}
_LAYOUTS = {"row-chan-pol": 0, "subband-row-chan-pol": 1}
_ORDERS = {"ascending": 0, "stored": 1}
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
    return os.path.isdir(path) and not os.path.exists(os.path.join(os.fsdecode(path), "table.dat"))


def _source(what, time, pattern, subbands):
    """What is to be loaded, as the extension takes it."""
    if isinstance(what, (str, bytes)) or hasattr(what, "__fspath__"):
        what = _msio.expand_path(what)
        if not _is_folder_of_files(what):
            return {"paths": [what]}
        found = [group for group in groups(what, pattern, subbands=subbands)
                 if time is None or group.time.rstrip("Z") == time.rstrip("Z")]
        if not found:
            raise NotFoundError(f"{os.fsdecode(what)}: no group of subband files stands here; see pattern=")
        if len(found) > 1:
            times = ", ".join(group.time for group in found[:4])
            raise NotFoundError(f"{os.fsdecode(what)}: {len(found)} groups stand here ({times}), one is needed; choose "
                                "by time=, or give its files")
        what = found[0]
    if isinstance(what, Group):
        return {"paths": what.paths, "numbers": [number for number, _ in what.files], "missing_numbers": what.missing,
                "time": what.time}
    return {"paths": [_msio.expand_path(path) for path in what]}


class _Extent:
    """How much there is to select from.

    The first file's header tells it for little; all files are opened where that would not be sure.
    """

    def __init__(self, source):
        self._source = source

    @functools.cached_property
    def _first(self):
        path = self._source["paths"][0]
        header = None if os.path.isdir(path) else _msio.uvh5_header(path)
        # windows that are polarizations of one band are combined: what comes of them is asked
        return None if header and "flex_spw_polarization_array" in header else header

    @functools.cached_property
    def _all(self):
        return _msio.load(what=0, **self._source)

    def rows(self):
        return int(self._first["Nblts"]) if self._first else len(self._all["times"])

    def times(self):
        return len(np.unique(self._all["times"]))

    def pols(self):
        return int(self._first["Npols"]) if self._first else self._all["shape"][-1]

    def channels(self, wanted):
        """Of a subband; where that matters for what is wanted all have to have as many."""
        size = int(self._first["Nfreqs"]) if self._first else self._all["subbands"][0][4]
        ends = (wanted.start or 0, wanted.stop) if isinstance(wanted, slice) else (wanted, wanted)
        if all(end is not None and 0 <= end <= size for end in ends):
            return size
        sizes = sorted({subband[4] for subband in self._all["subbands"]})
        if len(sizes) > 1:
            raise ValueError(f"chans {wanted!r} means another part in each subband: they have {sizes} channels")
        return sizes[0]


def _to_the_end(wanted):
    """Whether a slice runs to the end from a place counted from the beginning, whatever the size."""
    return (isinstance(wanted, slice) and wanted.stop is None and (wanted.start or 0) >= 0
            and (wanted.step is None or wanted.step > 0))


def _span(wanted, size, what):
    """(start, count, step); the function that tells the size is called where that is needed."""
    if wanted is None:
        return _axis(None, 0, what)
    if _to_the_end(wanted):
        return wanted.start or 0, -1, wanted.step or 1
    return _axis(wanted, size(), what)


def _row_wish(wanted, extent):
    if isinstance(wanted, slice):
        if wanted.step is None or wanted.step > 0:
            return _span(wanted, extent.rows, "rows")
        return np.arange(extent.rows())[wanted]
    numbers = _integers(_rows(wanted, extent.rows), "rows")
    return np.where(numbers < 0, numbers + extent.rows(), numbers) if np.any(numbers < 0) else numbers


def _time_wish(wanted, extent):
    start, count, step = _span(wanted, extent.times, "times")
    if step != 1:
        raise ValueError(f"times are a span of integrations, without a step; not {wanted!r}")
    return start, count


def _choice(given, known, what):
    if given not in known:
        raise ValueError(f"{what} is one of {', '.join(map(repr, known))}; not {given!r}")
    return known[given]


def _wish(what, arrays, missing, layout, rows, times, chans, corrs, subbands, memory, visdata_type, threads, time,
          pattern, expected, channel_order="ascending", uvw_tolerance=None):
    """What is wanted, as the extension takes it."""
    arrays = (arrays,) if isinstance(arrays, str) else arrays
    if rows is not None and times is not None:
        raise ValueError("give rows or times, not both")
    wish = _source(what, time, pattern, expected)
    wish["missing"] = _choice(missing, _MISSING, "missing")
    extent = _Extent({**wish, "uvw_tolerance": float("inf")})  # what is loaded is compared
    wish.update(what=sum({_choice(name, _ARRAYS, "an array") for name in arrays}), threads=threads,
                layout=_choice(layout, _LAYOUTS, "layout"),
                channel_order=_choice(channel_order, _ORDERS, "channel_order"),
                chans=_span(chans, lambda: extent.channels(chans), "chans"), corrs=_span(corrs, extent.pols, "corrs"))
    if uvw_tolerance is not None:
        wish["uvw_tolerance"] = float("inf") if uvw_tolerance == "any" else float(uvw_tolerance)
    if memory is not None:
        wish["memory"] = _positive(memory, "memory")
    if times is not None:
        wish["times"] = _time_wish(times, extent)
    if rows is not None:
        wish["rows"] = _row_wish(rows, extent)
    if subbands is not None:
        wish["subbands"] = _integers(subbands, "subbands", np.int32)
    if visdata_type is not None:
        wish["visdata_type"] = _choice(np.dtype(visdata_type), _TYPES, "visdata_type")
    return wish


def _samples_as_stored(found):
    """Sample counts of half precision stay so, as pyuvdata has them; the library delivers floats."""
    if found.pop("nsamples_half") and found["nsamples"] is not None:
        found["nsamples"] = found["nsamples"].astype(np.float16)
    return found


class Subbands:
    """What was loaded.

    Attributes
    ----------
    visdata : ndarray of complex64 or complex128, or None
        [row][channel][polarization], or [subband][row][channel][polarization]; channels ascend over all subbands, or
        stand as they are stored.
    flags : ndarray of bool, or None
    nsamples : ndarray of float32, or None
        Of a Measurement Set its weights. float16 where all files hold that; doubles are rounded.
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
        Number, whether it is there, path, first channel, channels; in the order of channels.
    missing : ndarray of int32
    phase_center : (float, float)
        rad
    phase_type : str
    row : int
        Of a batch: the place of its first row in the selection.
    """

    def __init__(self, found, row=0):
        self.__dict__.update(_samples_as_stored(found))
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
        of = f"{', '.join(there) or 'no array'} of shape {self.shape}, {len(self.subbands)} subbands{missing}"
        if not len(self.frequencies):
            return f"<Subbands: {of}>"
        return f"<Subbands: {of}, {self.frequencies.min() / 1e6:.6g} to {self.frequencies.max() / 1e6:.6g} MHz>"


def load(what, arrays=("visdata", "flags", "nsamples"), missing="error", layout="row-chan-pol", rows=None, times=None,
         chans=None, corrs=None, subbands=None, memory=None, out=None, visdata_type=None, threads=0, time=None,
         pattern=None, expected=16, channel_order="ascending", uvw_tolerance=None, progress=False):
    """Loads the subbands of one observation time into one array, channels ascending over all of them.

    All files are opened and compared before anything is read. A file whose rows are in another order, or whose pairs of
    antennas are conjugated, is brought to the first one's order.

    Parameters
    ----------
    what : Group, path-like, or sequence of path-like
        A group, a folder that holds one, UVH5 files, a Measurement Set (its spectral windows), or several of one
        window.
    arrays : sequence of {"visdata", "flags", "nsamples"}
        Which; () for all but the arrays.
    missing : {"error", "skip", "flag"}
        What becomes of subbands that the group lacks; "flag": zeros, flagged, 0 samples.
    layout : {"row-chan-pol", "subband-row-chan-pol"}
        The axes of the arrays; the second wants subbands of as many channels each.
    rows : slice, int, or array of int or bool, optional
        In the first file's order. Numbers in any order; or a mask.
    times : slice or int, optional
        Integrations, counted from the earliest, in place of rows.
    chans : slice or int, optional
        Within each subband, in channel_order.
    corrs : slice or int, optional
        Polarizations.
    subbands : sequence of int, optional
        Numbers of those wanted, of a group.
    memory : int, optional
        Bytes that loading may take beyond the result; default 256 MiB.
    out : dict of ndarray, optional
        Arrays to load into, by name: writable, of the answer's shape and of type complex64 or complex128, bool,
        float32. One that is not contiguous is filled by a copy. Those that are wanted and not given are made. After
        an error they may be partly written.
    visdata_type : dtype, optional
        complex64 or complex128; default: that of `out`, else as precise as the files.
    threads : int
        0: all that the process may use.
    time, pattern, expected
        Which group of a folder, and how its files are named and counted; see `groups`.
    channel_order : {"ascending", "stored"}
        "ascending": in frequency, over all subbands; "stored": one file after the other (a group's by number), each
        file's as they stand in it.
    uvw_tolerance : float or "any", optional
        m; how far u, v and w of the same baseline and time may differ between subbands, default 0.001 (pyuvdata's). The
        result has the first subband's. "any" compares none.
    progress : bool
        Whether to show how far it is.

    Returns
    -------
    Subbands

    Raises
    ------
    FileNotFoundError
        No such file, folder or group; a subband is missing.
    ValueError
        The files do not fit together (which, and in what); `out` does not fit; an argument is wrong.
    IndexError
        Rows, times, channels, polarizations or subbands beyond what there is.
    msio.Error
        A RuntimeError: all that goes wrong with files is one.

    Examples
    --------
    >>> for group in msio.groups("/data/incoming"):
    ...     loaded = msio.load(group, missing="flag")
    >>> loaded.visdata.shape
    (111744, 768, 2)
    """
    wish = _wish(what, arrays, missing, layout, rows, times, chans, corrs, subbands, memory, visdata_type, threads,
                 time, pattern, expected, channel_order, uvw_tolerance)
    if out is not None:
        _take_out(wish, out, (arrays,) if isinstance(arrays, str) else tuple(arrays), visdata_type)
    with _progress(progress, "loading") as told:
        try:
            found = Subbands(_msio.load(progress=told, **wish))
        except SizeError:
            if out:
                _compare_shapes(out, _shape(wish))
            raise
    if out:
        _compare_shapes(out, found.shape)
        for name in out.keys() - wish["out"].keys():  # not contiguous
            np.copyto(out[name], getattr(found, name))
        found.__dict__.update(out)
    return found


def _take_out(wish, out, arrays, visdata_type):
    """The caller's arrays, of the right types; their shapes are compared when that of the answer is known."""
    if not isinstance(out, dict):
        raise TypeError(f"out has to be a dict of arrays, not {type(out).__name__}")
    types = {"visdata": tuple(_TYPES) if visdata_type is None else (np.dtype(visdata_type),),
             "flags": (np.dtype(bool),), "nsamples": (np.dtype("f4"),)}
    for name, array in out.items():
        if name not in arrays:
            raise ValueError(f"out has {name!r}, which is not among the wanted arrays {arrays}")
        if not isinstance(array, np.ndarray) or array.dtype not in types[name]:
            kind = array.dtype if isinstance(array, np.ndarray) else type(array).__name__
            raise ValueError(f"out[{name!r}] has to be an array of {' or '.join(map(str, types[name]))}, not of {kind}")
        if not array.flags.writeable:
            raise ValueError(f"out[{name!r}] may not be written")
    wish["out"] = {name: array for name, array in out.items() if array.flags.carray}
    if "visdata" in out:
        wish["visdata_type"] = _TYPES[out["visdata"].dtype]


def _shape(wish):
    return _msio.load(**{**wish, "what": 0, "out": None})["shape"]


def _compare_shapes(out, shape):
    for name, array in out.items():
        if array.shape != shape:
            raise ValueError(f"out[{name!r}] is of shape {array.shape}; the answer has shape {shape}")


class load_stream:
    """The same in batches of rows, for what is larger than memory; the next batch is read meanwhile.

    Takes the arguments of `load` but out and progress.

    Parameters
    ----------
    memory : int, optional
        Bytes that all batches in flight may take together with the rest; default 256 MiB. The copy that is handed over
        comes on top: a quarter as much again for each batch that the program keeps.
    rows_per_batch : int, optional
        Default: as many whole integrations as the memory allows.

    Yields
    ------
    Subbands
        With `row`, the place of its first row in the selection. It owns its arrays: they are copied out of the stream's
        memory.

    Notes
    -----
    A stream belongs to one thread at a time; another one that uses it meanwhile gets a ValueError. Ctrl-C ends a batch
    that is being waited for, and with it the stream. Used by `with`, or closed, it gives its memory back at once, else
    when it is collected.

    Examples
    --------
    >>> with msio.load_stream(group, "flags") as batches:
    ...     flagged = sum(int(batch.flags.sum()) for batch in batches)
    """

    def __init__(self, what, arrays=("visdata", "flags", "nsamples"), missing="error", layout="row-chan-pol", rows=None,
                 times=None, chans=None, corrs=None, subbands=None, memory=None, rows_per_batch=None, visdata_type=None,
                 threads=0, time=None, pattern=None, expected=16, channel_order="ascending", uvw_tolerance=None):
        self._stream = _msio.LoadStream(rows_per_batch=_positive(rows_per_batch, "rows_per_batch"), **_wish(
            what, arrays, missing, layout, rows, times, chans, corrs, subbands, memory, visdata_type, threads, time,
            pattern, expected, channel_order, uvw_tolerance))

    def __iter__(self):
        return self

    def __next__(self):
        found = self._stream.next()
        if found is None:
            raise StopIteration
        return Subbands(found[1], found[0])

    def close(self):
        """Ends the stream; may come before its end, and more than once."""
        self._stream.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def check(what, time=None, pattern=None, expected=16, uvw_tolerance=None):
    """Compares subbands without loading them: all that differs, not only the first.

    Parameters
    ----------
    what, time, pattern, expected, uvw_tolerance
        As for `load`; a group's missing subbands are no difference.

    Returns
    -------
    list of (str, str, str, bool)
        Path, field ("ant_1_array", "freq_array", ...), how it differs in one sentence, and whether that is harmless: it
        does not keep the subbands from being loaded together (a gap, another order of rows).
    """
    return _msio.check(**_wish(what, (), "skip", "row-chan-pol", None, None, None, None, None, None, None, 0, time,
                               pattern, expected, uvw_tolerance=uvw_tolerance))


def uvh5_header(path):
    """The header of a UVH5 file.

    Parameters
    ----------
    path : path-like

    Returns
    -------
    dict
        The datasets below Header by their names ("Nblts", "freq_array" in Hz, "antenna_positions" in m, ...): numbers,
        str, arrays, lists of str; `extra_keywords` is a dict. None stands for those that `msio.read` reads because they
        have a value a row ("time_array"), or are large and unknown. It is kept while the file is unchanged; the dict is
        the caller's own.
    """
    return _msio.uvh5_header(path)
