"""python-casacore's reads served by msio in programs that nobody edits.

Three ways lead here: `msio.patch_casacore()`, `python -m msio script.py ...` (or `-m module ...`), and `MSIO_PATCH=on` in
the environment, which spawned workers inherit. `MSIO_PATCH=off` wins over all of them and leaves python-casacore as it
is.
"""
import os
import sys

from _msio_startup import MODULE, Waiting, is_refused

_before = None


def patch_casacore():
    """Puts msio's reads in the place of python-casacore's, in this process.

    The methods of `casacore.tables.table` itself are exchanged, so that every object has them: those that are open
    already, those of subclasses, and those of programs that imported the class before. Where casacore.tables was not
    imported yet, it is patched when that happens.

    Returns
    -------
    bool
        True; False where MSIO_PATCH=off forbids it.
    """
    if is_refused():
        return False
    if MODULE in sys.modules:
        _patch()
    elif not any(isinstance(finder, Waiting) for finder in sys.meta_path):
        sys.meta_path.insert(0, Waiting())
    return True


def unpatch_casacore():
    """Gives python-casacore's own methods back; what a program imported from it stays valid."""
    global _before
    sys.meta_path[:] = [finder for finder in sys.meta_path if not isinstance(finder, Waiting)]
    if _before is None:
        return
    from . import _serving
    for cls, name, method in _before:
        if method is None:
            delattr(cls, name)
        else:
            setattr(cls, name, method)
    _before = None
    _serving.drop_all_cells()


def is_patched():
    """Whether python-casacore's own table is served by msio now."""
    return _before is not None


def _patch():
    global _before
    if _before is not None:
        return
    from . import _casacore
    _casacore.watch_writers()
    _before = [(cls, name, cls.__dict__.get(name)) for cls, ours in _casacore.patches.items() for name in ours]
    for cls, ours in _casacore.patches.items():
        for name, method in ours.items():
            setattr(cls, name, method)


def run(arguments):
    """`python -m msio script.py ...` and `python -m msio -m module ...`: runs a program with the patch.

    Parameters
    ----------
    arguments : list of str
        What follows `python -m msio`.
    """
    import runpy
    patch_casacore()
    if arguments[0] == "-m":
        if len(arguments) < 2:
            sys.exit("python -m msio -m: which module?")
        sys.argv = arguments[1:]
        sys.path.insert(0, os.getcwd())
        runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
    else:
        sys.argv = list(arguments)
        sys.path.insert(0, os.path.dirname(os.path.abspath(arguments[0])))
        runpy.run_path(arguments[0], run_name="__main__")
