"""What MSIO_PATCH=on does when Python starts: waits for casacore.tables to be imported, and has msio patch it then.

Python's start comes here by msio_patch.pth, before all of sys.path is known: nothing else is imported; nor is
importlib.abc, which loads thirty modules, for two classes that need none of it.
"""
import os
import sys

MODULE = "casacore.tables"


def is_refused():
    """Whether the environment says that python-casacore is to be left alone."""
    return os.environ.get("MSIO_PATCH", "").lower() in ("off", "0", "no")


class _Loader:
    """The module's own loader, with the patch after it."""

    def __init__(self, loader):
        self._loader = loader

    def create_module(self, spec):
        return self._loader.create_module(spec)

    def exec_module(self, module):
        self._loader.exec_module(module)
        sys.meta_path[:] = [finder for finder in sys.meta_path if not isinstance(finder, Waiting)]
        from msio.patching import patch_casacore
        patch_casacore()

    def __getattr__(self, name):
        return getattr(self._loader, name)


class Waiting:
    """Waits for casacore.tables to be imported."""

    _searching = False

    def find_spec(self, name, path, target=None):
        if name != MODULE or self._searching:
            return None
        import importlib.util
        self._searching = True
        try:
            spec = importlib.util.find_spec(name)
        finally:
            self._searching = False
        if spec is not None and spec.loader is not None:
            spec.loader = _Loader(spec.loader)
        return spec


def wait():
    """Has python-casacore patched when it is imported."""
    if not is_refused():
        sys.meta_path.insert(0, Waiting())
