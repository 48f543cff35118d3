"""Where HDF5 plugins are that hdf5plugin brings: it registers its filters with h5py's HDF5 library, and msio has its own."""
import importlib.util
import os
import sys


def folder():
    """The folder of plugins of hdf5plugin, imported or not; None where there is none."""
    module = sys.modules.get("hdf5plugin")
    told = getattr(module, "PLUGIN_PATH", None) or getattr(module, "PLUGINS_PATH", None)
    if told:
        return told if os.path.isdir(told) else None
    try:
        found = importlib.util.find_spec("hdf5plugin")
    except (ImportError, ValueError):
        return None
    for place in (found.submodule_search_locations or ()) if found else ():
        if os.path.isdir(os.path.join(place, "plugins")):
            return os.path.join(place, "plugins")
    return None
