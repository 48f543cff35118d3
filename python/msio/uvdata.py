"""pyuvdata's objects with the arrays loaded by msio."""
import copy
import os

import numpy as np

from . import _msio
from ._errors import Error, FormatError, ShapeError
from ._progress import progress as _progress
from .subbands import _samples_as_stored, _source

__all__ = ["read_uvdata"]

# Fields of a header in which the files of a group may differ, and still have one file's metadata but for these.
_OF_EACH_FILE = {"freq_array", "channel_width", "history", "extra_keywords"}
# What msio's load compares itself, row by row. Times are not among them: sidereal times are made of them, and pyuvdata
# allows these less of a difference.
_OF_EACH_ROW = {"integration_time", "ant_1_array", "ant_2_array"}
# What one file's metadata have of their own when they are made of the first file's.
_EXCHANGED = ("freq_array", "channel_width", "Nfreqs", "flex_spw_id_array", "filename", "history")
_APPARENT = {"phase_center_app_ra", "phase_center_app_dec", "phase_center_frame_pa"}


def read_uvdata(what, time=None, pattern=None, expected=16, ascending=False, threads=0, progress=False):
    """A pyuvdata `UVData` of a group of subbands, its arrays loaded by msio.

    The object equals, attribute by attribute, what pyuvdata makes of the same files in the same order: ``UVData.read``
    of each with ``run_check=False``, uvw_array as float64, then ``fast_concat`` along frequency. No check is run.

    Parameters
    ----------
    what : Group, path-like, or sequence of path-like
        See `msio.load`. Of a group the files that are there, ascending by subband.
    time, pattern, expected
        Which group of a folder, and how its files are named and counted; see `msio.groups`.
    ascending : bool
        Whether to bring channels into ascending order, as ``reorder_freqs(channel_order="freq")`` would afterwards.
        Else they stand as in the files, one file after the other.
    threads : int
        0: all that the process may use.
    progress : bool
        Whether to show how far it is.

    Returns
    -------
    pyuvdata.UVData
        data_array, flag_array and nsample_array are [row][channel][polarization] over memory of msio's pool.

    Raises
    ------
    ImportError
        pyuvdata is not installed.
    ValueError
        The files do not fit together.

    Notes
    -----
    pyuvdata reads the metadata. Where the files' headers differ in nothing but frequencies, histories and extra
    keywords it reads those of the first one only. Files that pyuvdata changes as it reads them (phased by its old
    method, several polarizations in one axis of windows), those whose samples are not of single precision or whose
    flags are no truths, and those that `msio.load` refuses to put together, it reads itself, data and all.

    Examples
    --------
    >>> for group in msio.groups("/data/incoming"):
    ...     uv = msio.read_uvdata(group)
    ...     uv.phase(lon=ra, lat=dec, phase_frame="icrs", cat_name="source")
    """
    from pyuvdata import UVData  # before the files: to say that it is missing
    paths = [os.fspath(path) for path in _source(what, time, pattern, expected)["paths"]]
    headers = [_msio.uvh5_header(path) for path in paths]
    made = _one(UVData, paths[0], read_data=False)
    if not _as_stored(made, headers, paths):
        return _whole(UVData, paths, ascending)
    if len(paths) > 1:
        made = (_combined_as_first(made, paths, headers) if _differ_in_frequency_only(paths, headers)
                else _combined(UVData, paths, read_data=False))
    if ascending:
        made.reorder_freqs(channel_order="freq", run_check=False)
    try:
        with _progress(progress, "loading") as told:
            loaded = _samples_as_stored(_msio.load(paths, what=7, threads=threads, refuse_reordering=True,
                                                   channel_order=int(not ascending), progress=told))
    except ShapeError:  # pyuvdata combines some files that msio does not, and says why not of the others
        return _whole(UVData, paths, ascending)
    place = _places(made.freq_array, loaded["frequencies"], paths)
    made.data_array, made.flag_array, made.nsample_array = (
        loaded[name] if place is None else loaded[name][:, place] for name in ("visdata", "flags", "nsamples"))
    for parameter in (made._data_array, made._flag_array, made._nsample_array):
        parameter.required = True  # of metadata alone they are not, once pyuvdata has combined them
    return made


def _places(wanted, loaded, paths):
    """Where each of the wanted channels was loaded to; None: where it is wanted."""
    if np.array_equal(wanted, loaded):
        return None
    by_wanted, by_loaded = np.argsort(wanted, kind="stable"), np.argsort(loaded, kind="stable")
    if not np.array_equal(wanted[by_wanted], loaded[by_loaded]):
        raise FormatError(f"{paths[0]}: pyuvdata and msio find other frequencies in the files")
    place = np.empty_like(by_wanted)
    place[by_wanted] = by_loaded
    return place


# ---------------------------------------------------------------- by pyuvdata

def _one(kind, path, read_data):
    made = kind()
    made.read(path, file_type="uvh5", read_data=read_data, run_check=False)
    made.uvw_array = made.uvw_array.astype(np.float64)
    return made


def _whole(kind, paths, ascending):
    made = _combined(kind, paths, read_data=True)
    if ascending:
        made.reorder_freqs(channel_order="freq", run_check=False)
    return made


def _combined(kind, paths, read_data):
    parts = [_one(kind, path, read_data) for path in paths]
    if len(parts) > 1:
        parts[0].fast_concat(parts[1:], "freq", run_check=False, inplace=True)
    return parts[0]


# ---------------------------------------------------------------- by msio

def _as_stored(made, headers, paths):
    """Whether pyuvdata takes the arrays as they stand in the files."""
    if any("flex_spw_polarization_array" in header for header in headers):
        return False
    phased = any(entry["cat_type"] != "unprojected" for entry in made.phase_center_catalog.values())
    if phased and not all(_APPARENT <= set(header) for header in headers):
        return False
    types = {name: {_msio.describe_dataset(path, "Data/" + name)["type"] for path in paths}
             for name in ("flags", "nsamples")}
    return types == {"flags": {"Bool"}, "nsamples": {"Float"}}


def _same(one, other):
    if isinstance(one, np.ndarray) or isinstance(other, np.ndarray):
        one, other = np.asarray(one), np.asarray(other)
        return one.dtype == other.dtype and np.array_equal(one, other, equal_nan=one.dtype.kind in "fc")
    return type(one) is type(other) and (one == other or (one != one and other != other))


def _same_rows(name, paths):
    """Whether a field that a header does not hold, because it has a value a row, is the same in all files."""
    try:
        first = _msio.read_dataset(paths[0], "Header/" + name, None, None, None, None, 0, None)
        return all(_same(first, _msio.read_dataset(path, "Header/" + name, None, None, None, None, 0, None))
                   for path in paths[1:])
    except Error:  # of no type that msio reads: pyuvdata is to judge
        return False


def _differ_in_frequency_only(paths, headers):
    """Whether all metadata are the first file's, but for those of _OF_EACH_FILE."""
    first = headers[0]
    if first.get("flex_spw") or "eq_coeffs" in first or int(first["Nspws"]) != 1:
        return False
    names = set(first) - _OF_EACH_FILE - {"Nfreqs"}
    for header in headers[1:]:
        if set(header) - _OF_EACH_FILE - {"Nfreqs"} != names:
            return False
        if not all(_same(first[name], header[name]) for name in names):
            return False
    return all(_same_rows(name, paths) for name in names - _OF_EACH_ROW if first[name] is None)


def _combined_as_first(made, paths, headers):
    """The first file's metadata, with those of all files where they depend on frequency.

    pyuvdata combines one row of each: histories, names and windows are put together as it does, without its work on all
    rows of all files.
    """
    small = made.select(blt_inds=[0], inplace=False, run_check=False)
    small.history = made.history
    others = [_other(small, path, header) for path, header in zip(paths[1:], headers[1:])]
    small.fast_concat(others, "freq", inplace=True, run_check=False, check_extra=False, run_check_acceptability=False)
    for name in ("freq_array", "channel_width", "Nfreqs", "flex_spw_id_array", "spw_array", "Nspws", "history",
                 "filename"):
        setattr(made, name, getattr(small, name))
    made._filename.form = small._filename.form
    made.set_rectangularity(force=True)
    return made


def _other(first, path, header):
    """One row of another file, made of the first one's: what depends on the file is exchanged, the rest is shared."""
    made = type(first)()  # copy.copy would have both share one __dict__: UVBase takes the state as it is
    vars(made).update(vars(first))
    for name in _EXCHANGED:
        setattr(made, "_" + name, copy.copy(getattr(first, "_" + name)))
    channels = np.asarray(header["freq_array"], dtype=np.float64).ravel()
    made.freq_array = channels
    made.channel_width = np.broadcast_to(np.asarray(header["channel_width"], dtype=np.float64).ravel(),
                                         channels.shape).copy()
    made.Nfreqs = len(channels)
    made.flex_spw_id_array = np.full(len(channels), first.spw_array[0], dtype=first.flex_spw_id_array.dtype)
    made.filename = [os.path.basename(path)]
    made._filename.form = (1,)
    made.history = header.get("history") or ""
    if made.pyuvdata_version_str not in made.history:
        made.history += made.pyuvdata_version_str
    return made
