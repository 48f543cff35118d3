"""pyuvdata's objects with the arrays loaded by msio."""
import os

import numpy as np

from . import _msio
from .subbands import _source, load

__all__ = ["read_uvdata"]


def read_uvdata(what, time=None, pattern=None, expected=16, threads=0, progress=False):
    """A pyuvdata `UVData` of a group of subbands, its arrays loaded by msio.

    The object equals what pyuvdata makes of the same files in the same order: ``UVData.read`` of each without checks,
    uvw as float64, then ``fast_concat`` along frequency. pyuvdata reads the metadata of the first file; the other files
    are compared with it by msio.

    Parameters
    ----------
    what : Group, path-like, or sequence of path-like
        See `msio.load`; the channels stand in the order of the files, as they stand in each.
    time, pattern, expected, threads, progress
        As for `msio.load`.

    Returns
    -------
    pyuvdata.UVData
        Without any check run; data_array, flag_array and nsample_array may be reversed views.
    """
    source = _source(what, time, pattern, expected)
    paths = [os.fspath(path) for path in source["paths"]]
    made = _metadata(paths)
    loaded = load(paths, threads=threads, progress=progress)
    order = _order(made.freq_array, loaded.frequencies)
    made.data_array, made.flag_array, made.nsample_array = (
        array[:, order] for array in (loaded.visdata, loaded.flags, loaded.nsamples))
    return made


def _order(wanted, ascending):
    """What brings ascending channels into the order of the files: a slice where they just turn round."""
    place = np.searchsorted(ascending, wanted)
    if np.array_equal(place, np.arange(len(place))):
        return slice(None)
    if np.array_equal(place, np.arange(len(place))[::-1]):
        return slice(None, None, -1)
    return place


def _metadata(paths):
    """The first file's metadata, with those of all files where they depend on frequency."""
    from pyuvdata import UVData
    made = UVData()
    made.read(paths[0], file_type="uvh5", read_data=False, run_check=False)
    made.uvw_array = made.uvw_array.astype(np.float64)
    if len(paths) == 1:
        return made
    # pyuvdata's own combination, of one row of each: histories, names, windows are put together as it does
    small = made.select(blt_inds=[0], inplace=False, run_check=False)
    small.history = made.history  # which does not tell of this selection
    small.fast_concat([_other(small, path) for path in paths[1:]], "freq", run_check=False, inplace=True)
    for name in ("freq_array", "channel_width", "Nfreqs", "flex_spw_id_array", "spw_array", "Nspws", "history", "filename",
                 "extra_keywords"):
        setattr(made, name, getattr(small, name))
    made._filename.form = small._filename.form
    made.set_rectangularity(force=True)
    return made


def _other(first, path):
    """One row of another file, made of the first one's: what depends on the file is exchanged."""
    header = _msio.uvh5_header(path)
    made = first.copy()
    channels = np.atleast_1d(np.squeeze(np.asarray(header["freq_array"], dtype=np.float64)))
    made.freq_array = channels
    made.channel_width = np.broadcast_to(np.asarray(header["channel_width"], dtype=np.float64), channels.shape).copy()
    made.Nfreqs = len(channels)
    made.flex_spw_id_array = np.full(len(channels), first.spw_array[0], dtype=first.flex_spw_id_array.dtype)
    made.filename = [os.path.basename(path)]
    made._filename.form = (1,)
    made.history = header.get("history") or ""
    if made.pyuvdata_version_str not in made.history:
        made.history += made.pyuvdata_version_str
    return made
