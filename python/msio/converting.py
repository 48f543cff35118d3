"""UVH5 files converted into Measurement Sets."""
import contextlib
import math
import os

from . import _msio
from ._progress import progress as _progress
from ._selecting import positive as _positive
from .subbands import _choice, _source

__all__ = ["convert", "export_uvh5", "write_ms", "Converted"]

_PHASES = {"auto": 0, "meridian": 1, "centre": 2, "zenith": 3, "none": 4}
_IMAGING = {None: 0, "none": 0, "zeros": 1, "data": 2}
_MISSING = {"error": 0, "skip": 1, "flag": 2}


class Converted:
    """What came of a conversion.

    Attributes
    ----------
    path : str or path-like
        Of the Measurement Set.
    rows, spectral_windows : int
    missing : int
        Subbands that were not there.
    bytes_read, bytes_written : int
    phase : {"meridian", "centre", "zenith", "none"}
        That was taken.
    earth_orientation : bool
        False: times needed the Earth's orientation, and UT1 was taken for UTC.
    """

    def __init__(self, path, made):
        self.path = path
        (self.rows, self.spectral_windows, self.missing, self.bytes_read, self.bytes_written, phase,
         self.earth_orientation) = made
        self.phase = list(_PHASES)[phase]

    def __repr__(self):
        return f"<Converted {self.path}: {self.rows} rows, {self.spectral_windows} spectral windows, phase {self.phase}>"


def _phase(wanted):
    """As the extension takes it: a word, or right ascension and declination in degrees."""
    if isinstance(wanted, str):
        return {"phase": _choice(wanted, {word: number for word, number in _PHASES.items() if word != "centre"}, "phase")}
    ra, dec = (math.radians(float(angle)) for angle in wanted)
    return {"phase": _PHASES["centre"], "ra": ra, "dec": dec}


def _antennas(given):
    return [(int(number), name, *(float(x) for x in position), float(diameter))
            for number, name, position, diameter in given]


def convert(what, out, phase="auto", imaging=None, like_pyuvdata=False, missing="error", eop=None, telescope=None,
            antennas=None, tile_rows=None, tile_channels=None, time=None, pattern=None, expected=16, threads=0, memory=None,
            overwrite=False, progress=False):
    """Converts a group of UVH5 files, or single ones, into one Measurement Set.

    It has a spectral window a subband, ascending in frequency, and is made under a temporary name beside `out`: it gets
    its name when it is whole. Needs casacore's libraries.

    Parameters
    ----------
    what : path-like, Group, or sequence of path-like
        A folder that holds one group; a group; UVH5 files.
    out : path-like
        The Measurement Set to be.
    phase : {"auto", "meridian", "zenith", "none"} or (float, float)
        meridian: each integration is a field of its own at hour angle 0. A pair: right ascension and declination of one
        field, degrees, ICRS. zenith: one field. none: as the files are. auto: none where the files name phase centres,
        else meridian, or zenith where they are unprojected and name no declination.
    imaging : {"zeros", "data"}, optional
        Whether there are MODEL_DATA, CORRECTED_DATA and IMAGING_WEIGHT: zeros, or CORRECTED_DATA as DATA.
    like_pyuvdata : bool
        As pyuvdata writes it, where the default differs.
    missing : {"error", "skip", "flag"}
        What becomes of subbands that the group lacks; flag: their windows are there, flagged.
    eop : path-like, optional
        A table of the Earth's orientation, the IERS's eopc04.1962-now or finals2000A.all. Without one UT1 is taken for
        UTC.
    telescope : str, optional
        TELESCOPE_NAME, in place of the files'.
    antennas : sequence of (int, str or None, (float, float, float), float), or path-like, optional
        Number, name, ITRF position (m, from the Earth's centre) and diameter (m, 0: the file's) of antennas, in place
        of what the files say of the same numbers. Or a text file, in place of what the files say of antennas of the
        same names: a line each, name,x,y,z[,diameter]; every antenna that rows are of must be in it.
    tile_rows, tile_channels : int, optional
        Rows and channels of a tile.
    time, pattern, expected
        As in `msio.load`.
    threads : int
        0: all that are allowed.
    memory : int, optional
        Bytes that the conversion may take.
    overwrite : bool
        Whether a table that stands at `out` is replaced.
    progress : bool
        Whether to show how far it is.

    Returns
    -------
    Converted

    Raises
    ------
    FileNotFoundError
        No such file, folder or group; a subband is missing.
    ValueError
        The files do not fit together; an argument is wrong; something stands at `out`.
    msio.Error
        A RuntimeError: all that goes wrong with files is one.

    Examples
    --------
    >>> for group in msio.groups("/data/incoming"):
    ...     msio.convert(group, f"{group.time}.ms", eop="finals2000A.all")
    """
    source = _source(what, time, pattern, expected)
    wish = {"phase": 0, **_phase(phase), "imaging": _choice(imaging, _IMAGING, "imaging"),
            "missing": _choice(missing, _MISSING, "missing"), "like_pyuvdata": like_pyuvdata, "telescope": telescope,
            "threads": threads, "overwrite": overwrite}
    if "numbers" in source:
        wish.update(numbers=source["numbers"], missing_subbands=source["missing_numbers"])
    if isinstance(antennas, (str, bytes, os.PathLike)):
        wish["antenna_file"] = antennas
    elif antennas is not None:
        wish["antennas"] = _antennas(antennas)
    if tile_rows is not None:
        wish["tile_rows"] = _positive(tile_rows, "tile_rows")
    if tile_channels is not None:
        wish["tile_channels"] = _positive(tile_channels, "tile_channels")
    if eop is not None:
        wish["eop"] = eop
    if memory is not None:
        wish["memory"] = _positive(memory, "memory")
    with _progress(progress, "converting") as told:
        return Converted(out, _msio.convert(source["paths"], out, progress=told, **wish))


def export_uvh5(ms, out, file_a_window=False, eop=None, threads=0, memory=None, overwrite=False, progress=False):
    """Writes a Measurement Set as UVH5: what `convert` made comes back bit for bit in the phases meridian and none.

    Parameters
    ----------
    ms, out : path-like
    file_a_window : bool
        Whether `out` is a folder to be, with a file a spectral window in it; else it is one file of all windows.
    eop : path-like, optional
        As in `convert`: for sidereal time and apparent places.
    threads, memory, overwrite, progress
        As in `convert`; a folder is never replaced.

    Returns
    -------
    Converted

    Raises
    ------
    ValueError
        The spectral windows' rows differ; something stands at `out`.
    msio.Error
        A RuntimeError: all that goes wrong with files is one.
    """
    wish = {"file_a_window": file_a_window, "threads": threads, "overwrite": overwrite}
    if eop is not None:
        wish["eop"] = eop
    if memory is not None:
        wish["memory"] = _positive(memory, "memory")
    with _progress(progress, "converting") as told:
        return Converted(out, _msio.export_uvh5(_msio.expand_path(ms), out, progress=told, **wish))


def write_ms(uvdata, path, like_pyuvdata=True, **options):
    """Writes a pyuvdata object as a Measurement Set, as its own `write_ms` would.

    The object goes through a UVH5 file beside the target, which takes its size in room for the time.

    Parameters
    ----------
    uvdata : pyuvdata.UVData
        Projected, or a `phase` is among the options.
    path : path-like
        The Measurement Set to be.
    like_pyuvdata : bool
    **options
        As in `convert`.

    Returns
    -------
    Converted
    """
    import tempfile  # large, and of use here alone
    folder = os.path.dirname(os.path.abspath(os.fspath(path)))
    with contextlib.ExitStack() as left:
        place = left.enter_context(tempfile.TemporaryDirectory(prefix=".msio-write_ms-", dir=folder))
        file = os.path.join(place, "object.uvh5")
        uvdata.write_uvh5(file, run_check=False, clobber=True)
        return convert([file], path, like_pyuvdata=like_pyuvdata, **options)
