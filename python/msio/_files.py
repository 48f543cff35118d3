"""The tables on disk that this process reads: native handles, and what waits to be flushed.

One `File` stands for one folder with a table in it, however many python-casacore objects have it open. python-casacore
shares one table in memory among them, and what it has not flushed is not on disk: a File that is dirty has to be flushed
before it is read natively.
"""
import os
import threading
import weakref

from . import _msio
from ._errors import Error

_lock = threading.RLock()
_files = weakref.WeakValueDictionary()


class File:
    """One table on disk.

    Attributes
    ----------
    path : str
        Its folder.
    dirty : bool
        Whether this process wrote to it through casacore, and may not have flushed.
    writes : int
        How often it was written to.
    seen : int
        The table's `glance` when it became dirty.
    """

    def __init__(self, path):
        self.path = path
        self.dirty = False
        self.writes = self.seen = 0
        self.states = weakref.WeakSet()
        self._table = None
        self._columns = {}
        self._pid = os.getpid()

    def table(self):
        """The native table, opened on first need. Raises msio's errors where it cannot be read natively."""
        if self._table is None or self._pid != os.getpid():
            self._table = _msio.Table(self.path)
            self._columns = {}
            self._pid = os.getpid()
        return self._table

    def column(self, name):
        """What the native table says of a column: a dict; raises where there is none."""
        described = self._columns.get(name)
        if described is None:
            described = self._columns[name] = self.table().describe(name)
        return described

    def written(self):
        """This process wrote through casacore: nothing that was read ahead holds, and columns may be others."""
        if not self.dirty:
            self.seen = self._glance()
        self.dirty = True
        self.writes += 1
        self._columns = {}
        for state in list(self.states):
            state.drop_cells()

    def flush(self, flush):
        """Calls what brings to disk all that waits; whoever writes meanwhile makes the table dirty again."""
        writes = self.writes
        flush()
        if self.writes == writes:
            self.dirty = False

    def others_wrote(self):
        """Whether somebody finished writing since this process began to write what it has not flushed."""
        return self._glance() != self.seen

    def _glance(self):
        try:
            return self.table().glance
        except Error:
            return 0

    def close(self):
        """Gives the native handle back; it is opened anew on the next need."""
        table, self._table = self._table, None
        self._columns = {}
        if table is not None:
            table.close()


def file_of(path):
    """The one File of a path, whatever link leads there."""
    path = os.path.realpath(path)
    with _lock:
        found = _files.get(path)
        if found is None:
            found = _files[path] = File(path)
        return found


def known(path):
    """The File of a path if there is one, else None."""
    with _lock:
        return _files.get(os.path.realpath(path))


def all_files():
    """Every File that there is."""
    with _lock:
        return list(_files.values())
