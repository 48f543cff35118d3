"""Simulated data sets, whose values follow closed formulas (docs/simulation.md)."""
import operator

from . import _msio
from ._progress import progress as _progress

__all__ = ["simulate_ms", "simulate_uvh5"]


def simulate_ms(path, *, antennas=96, times=24, subbands=16, channels=48, corrs=2, layout="dsa110", byte_order=None,
                imaging_columns=False, overwrite=False, progress=False, sky=None, noise=0.0, noise_seed=0, gains=None):
    """Makes a Measurement Set of the shape of DSA-110's. Needs casacore.

    It is made under a temporary name beside the path, and renamed when it is whole; Ctrl-C leaves nothing. Rows:
    antennas * (antennas + 1) / 2 baselines, autocorrelations included, for each time and spectral window.

    Parameters
    ----------
    path : path-like
    antennas, times, subbands : int
        subbands: spectral windows.
    channels : int
        Of each subband.
    corrs : {1, 2, 4}
    layout : {"dsa110", "default", "wide"}
        Tiles and managers of DSA-110's sets; casacore's own tiles; one spectral window of all channels.
    byte_order : {"little", "big"}, optional
        This machine's unless told otherwise.
    imaging_columns : bool
        Whether there are MODEL_DATA, CORRECTED_DATA and IMAGING_WEIGHT too.
    overwrite : bool
        Whether what stands at the path may be replaced, if it is a table.
    progress : bool
        Whether to show how far it is.
    sky : path-like, optional
        A model of the sky (text, as of makesourcedb): the values are those of an observation of it.
    noise : float
        With a sky: standard deviation of each part of a visibility, Jy.
    noise_seed : int
        Of the noise, from 0 to 2**64 - 1.
    gains : int, optional
        With a sky: the seed of the antennas' gains, which are told in PATH.gains.npy; None: all are 1.

    Raises
    ------
    ArgumentError
        The options are not those of a Measurement Set, or something stands at the path.
    CasacoreError
        casacore is not installed.
    """
    with _progress(progress, "simulating") as told:
        _msio.simulate_ms(path, antennas=antennas, times=times, subbands=subbands, channels=channels, corrs=corrs,
                          layout=layout, byte_order=byte_order, imaging_columns=imaging_columns, overwrite=overwrite,
                          progress=told, sky=sky, noise=noise, noise_seed=operator.index(noise_seed), gains=gains)


def simulate_uvh5(folder, *, antennas=96, times=24, subbands=16, channels=48, polarizations=2, missing=(), jitter=6,
                  time="2025-10-05T13:27:52", compression="none", flags="pattern", noise=0.0, seed=0, overwrite=False,
                  progress=False, sky=None, gains=None):
    """Makes a group of UVH5 files as DSA-110's correlator writes them, one a subband. Needs HDF5.

    Files are renamed from NAME_incomplete.hdf5 when all are whole; Ctrl-C leaves the folder as it was. Rows:
    antennas * (antennas + 1) / 2 baselines, autocorrelations included, for each time.

    Parameters
    ----------
    folder : path-like
        Is made where it is missing, not the folders above it.
    antennas, times, subbands : int
    channels : int
        Of each subband.
    polarizations : {1, 2, 4}
        XX; XX, YY; XX, XY, YX, YY.
    missing : sequence of int
        Subbands that are left out.
    jitter : int
        The times in the files' names are up to so many seconds later.
    time : str
        Of the first name, UTC.
    compression : {"none", "lzf", "gzip"}
        Of visdata, flags and nsamples.
    flags : {"pattern", "none"}
        By the formula, or all False, as the correlator's.
    noise : float
        Standard deviation of each part of a visibility, Jy.
    seed : int
        Of the noise, from 0 to 2**64 - 1.
    overwrite : bool
        Whether files of the same names are replaced.
    progress : bool
        Whether to show how far it is.
    sky : path-like, optional
        A model of the sky (text, as of makesourcedb) in place of the three sources; nothing is flagged.
    gains : int, optional
        With a sky: the seed of the antennas' gains, which are told in FOLDER.gains.npy; None: all are 1.

    Raises
    ------
    ArgumentError
        The options are not those of a group, or files of these names stand there.
    UnsupportedError
        HDF5 is not installed.
    """
    with _progress(progress, "simulating") as told:
        _msio.simulate_uvh5(folder, antennas=antennas, times=times, subbands=subbands, channels=channels,
                            polarizations=polarizations, missing=missing, jitter=jitter, time=time,
                            compression=compression, flags=flags, noise=noise, seed=operator.index(seed),
                            overwrite=overwrite, progress=told, sky=sky, gains=gains)
