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
    from ._dropin import _files
    with _files.guard:
        _files.settle(asked=True)
    for cls, name, method in _before:
        if method is None:
            delattr(cls, name)
        else:
            setattr(cls, name, method)
    _before = None
    _files.drop_all_cells()


def is_patched():
    """Whether python-casacore's own table is served by msio now."""
    return _before is not None


def _patch():
    global _before
    if _before is not None:
        return
    from ._dropin import _casacore
    _casacore.watch_writers()
    _before = [(cls, name, cls.__dict__.get(name)) for cls, ours in _casacore.patches.items() for name in ours]
    for cls, ours in _casacore.patches.items():
        for name, method in ours.items():
            setattr(cls, name, method)


def run(arguments):
    """`python -m msio script.py ...` and `python -m msio -m module ...`: runs a program with the patch.

    The program has sys.argv, sys.path and __main__ as by `python script.py` and `python -m module`; workers that it
    spawns inherit the patch.

    Parameters
    ----------
    arguments : list of str
        What follows `python -m msio`.
    """
    if arguments[0] == "-m" and len(arguments) < 2:
        sys.exit("python -m msio -m: which module?")
    if patch_casacore():
        os.environ["MSIO_PATCH"] = "on"
    if arguments[0] == "-m":  # sys.path is as `python -m msio` has it
        import runpy
        sys.argv = arguments[1:]
        _new_main()
        runpy._run_module_as_main(arguments[1])  # what `python -m` calls
    else:
        sys.argv = list(arguments)
        _run_script(arguments[0])


def _new_main():
    """A module for the program, which stays: threads and handlers of atexit outlive the program's last line."""
    import builtins
    import types
    main = sys.modules["__main__"] = types.ModuleType("__main__")
    main.__builtins__ = builtins
    return main


def _run_script(path):
    """Runs a file as Python itself does, or what Python can import __main__ from: a folder, an archive."""
    import io
    import runpy
    import zipfile
    safe = getattr(sys.flags, "safe_path", False)  # then there is no entry of the program's own
    if not safe:
        del sys.path[0]
    if os.path.isdir(path) or zipfile.is_zipfile(path):
        sys.path.insert(0, os.path.abspath(path))
        _new_main()
        runpy._run_module_as_main("__main__", alter_argv=False)
        return
    try:
        with io.open_code(os.path.abspath(path)) as file:
            source = file.read()
    except OSError as error:
        print(f"python -m msio: can't open file {path!r}: {error.strerror}", file=sys.stderr)
        sys.exit(2)
    if not safe:
        sys.path.insert(0, os.path.dirname(os.path.realpath(path)))
    main = _new_main()
    main.__file__ = os.path.abspath(path)
    exec(compile(source, main.__file__, "exec", dont_inherit=True), main.__dict__)
