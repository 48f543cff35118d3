"""msio reads and writes radio astronomy's Measurement Sets and UVH5 files at the speed of the machine.

    import msio
    data = msio.read("obs.ms", "DATA", chans=slice(12, 24))     # any column, or a dataset of an HDF5 file
    data = msio.read("obs.ms", "DATA", copy=False)              # the file's own pages, where they can be shown
    facts = msio.metadata("obs.ms")                              # remembered, and never stale
    flags = msio.flags("obs.ms", by=["antenna", "channel"])      # every flag counted
    subbands = msio.load("/data/incoming")                       # sixteen files as one array
    for batch in msio.stream("obs.ms", ["DATA", "FLAG"]): ...    # more than memory holds
    msio.write("obs.ms", "MODEL_DATA", model)                    # any array of the column's type, all or nothing if asked
    msio.model("obs.ms", "sky.txt")                              # a sky predicted into MODEL_DATA
    msio.stats("obs.ms", by="antenna")                           # means, rms, medians, chi-squared in one read
    msio.extend_flags("obs.ms", amp=(None, 100), channel=0.5)    # flags by limits and by neighbours, in one pass
    msio.density("obs.ms", "uvdist", "amp")                      # every visibility counted on a grid, for a plot
    msio.map("obs.ms", "DATA", "CORRECTED_DATA", function)       # numpy over blocks of rows, written as it goes

Programs that use python-casacore keep their calls: `from msio.tables import table` in place of
`from casacore.tables import table`, or nothing edited at all: `python -m msio script.py`.

Paths may be str or pathlib.Path. Every call may be made from any thread, lets other threads run while it reads, and
ends on Ctrl-C. Arrays own memory of msio's pool, and give it back when they are collected.
"""
from ._errors import *  # noqa: F401,F403
from ._errors import __all__ as _error_names
from ._msio import version as __version__

# What is loaded when it is first asked for, and from where.
_lazy = {
    "Table": "_msio", "View": "_msio", "read": "reading", "stream": "reading",
    "write": "writing", "fill": "writing", "copy": "writing", "stream_write": "writing", "repair": "writing",
    "add_columns": "adding", "add_rows": "adding",
    "metadata": "meta", "Metadata": "meta", "flags": "meta", "Flags": "meta",
    "groups": "subbands", "load": "subbands", "check": "subbands", "Subbands": "subbands", "Group": "subbands",
    "load_stream": "subbands", "uvh5_header": "subbands",
    "model": "visibilities", "stats": "visibilities", "Stats": "visibilities", "map": "visibilities",
    "density": "visibilities", "Density": "visibilities", "extend_flags": "visibilities",
    "convert": "converting", "Converted": "converting", "export_uvh5": "converting",
    "write_ms": "converting",
    "profile": "profiling", "Profile": "profiling", "verify": "profiling",
    "install_profiling": "profiling",
    "simulate_ms": "simulating", "simulate_uvh5": "simulating",
    "read_uvdata": "uvdata", "patch_casacore": "patching", "unpatch_casacore": "patching",
}

# Modules of their own, which need what msio does not: python-casacore, dask, matplotlib.
_modules = ("tables", "dask", "plot")

__all__ = [*_error_names, *_lazy, "__version__"]


def __getattr__(name):
    import importlib
    if name in _lazy:
        value = getattr(importlib.import_module("." + _lazy[name], __name__), name)
        globals()[name] = value
        return value
    if name in _modules:
        return importlib.import_module("." + name, __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted(set(globals()) | set(__all__))
