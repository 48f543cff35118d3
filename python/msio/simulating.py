"""Simulated data sets, whose values follow closed formulas (docs/simulation.md)."""
from . import _msio
from ._progress import progress as _progress

__all__ = ["simulate_ms", "simulate_uvh5"]


def simulate_ms(path, *, progress=False, **options):
    """Makes a Measurement Set of the shape of DSA-110's. Needs casacore.

    Parameters
    ----------
    path : path-like
    antennas, times, subbands, channels, corrs : int
        96, 24, 16, 48 and 2 unless told otherwise.
    layout : {"dsa110", "default", "wide"}
        Tiles and managers.
    byte_order : {"little", "big"}, optional
    imaging_columns, overwrite : bool
    progress : bool
    """
    with _progress(progress, "simulating") as told:
        _msio.simulate_ms(path, progress=told, **options)


def simulate_uvh5(folder, *, progress=False, **options):
    """Makes a group of UVH5 files as DSA-110's correlator writes them. Needs HDF5.

    Parameters
    ----------
    folder : path-like
        Is made where it is missing.
    antennas, times, subbands, channels, polarizations, jitter : int
        96, 24, 16, 48, 2 and 6 (s) unless told otherwise.
    missing : sequence of int
        Subbands that are left out.
    time : str
        Of the first name, "2025-10-05T13:27:52".
    compression : {"none", "lzf", "gzip"}
    flags : {"pattern", "none"}
    noise : float
        Jy
    seed : int
    overwrite : bool
    progress : bool
    """
    with _progress(progress, "simulating") as told:
        _msio.simulate_uvh5(folder, progress=told, **options)
