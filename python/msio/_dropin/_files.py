"""The tables on disk that this process reads: native handles, and what waits to be flushed.

One `File` stands for one folder with a table in it, however many python-casacore objects have it open. python-casacore
shares one table in memory among them, and what it has not flushed is not on disk: a File that is dirty has to be flushed
before it is read natively.
"""
import logging
import os
import threading
import weakref

from .. import _msio
from .._errors import Error

_lock = threading.RLock()
_files = weakref.WeakValueDictionary()

#: Held by every call of casacore's that may touch a table's values or locks, and while msio writes: casacore keeps the
#: GIL meanwhile, msio does not.
guard = threading.RLock()
#: Files whose Gathering may have cells; changed under the guard.
pending = set()
_kept = set()  # that are dirty: the table object that wrote may go before what it wrote is flushed


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
    inherited : bool
        Whether it was dirty when this process was forked: what casacore has in memory is a copy of the parent's, which must
        not be brought to disk unasked. casacore alone reads it.
    moved : bool
        Whether its table was renamed: who stands for it has to look again.
    ahead : bool
        Whether cells of it may have been read ahead.
    behind : list of File
        The tables that a reference or concatenated table refers to.
    gathering : Gathering or None
        Of cells that are put one by one.
    locked : bool
        Whether the program locked the table itself: then casacore keeps its lock until it is told to unlock.
    """

    def __init__(self, path):
        self.path = path
        self.dirty = self.inherited = self.moved = self.locked = self.ahead = False
        self.behind = []
        self.writes = self.seen = 0
        self.states = weakref.WeakSet()
        self._tables = {}
        self._columns = {}
        self._writer = self.gathering = None
        self._pid = os.getpid()

    def table(self, locks=True):
        """The native table, opened on first need, with read locks or without. Raises msio's errors where it cannot be read
        natively."""
        self._begin_anew_in_child()
        if locks not in self._tables:
            self._tables[locks] = _msio.Table(self.path, lock=locks)
        return self._tables[locks]

    def writer(self):
        """The native table for writes under the lock that casacore holds in this process."""
        self._begin_anew_in_child()
        if self._writer is None:
            self._writer = _msio.Table(self.path, writable=True, lock_is_held=True)
        return self._writer

    def _begin_anew_in_child(self):
        if self._pid != os.getpid():
            self._tables = {}
            self._columns = {}
            self._writer = None
            self._pid = os.getpid()

    def column(self, name, locks=True):
        """What the native table says of a column: a dict; raises where there is none."""
        described = self._columns.get(name)
        if described is None:
            described = self._columns[name] = self.table(locks).describe(name)
        return described

    def written(self, cells=False):
        """This process wrote through casacore: nothing that was read ahead holds, and unless it put cells columns may be
        others."""
        if not self.dirty:
            self.seen = self._glance()
        self.dirty = True
        self.writes += 1
        if not cells:
            self._columns = {}
        self.drop_cells()
        _kept.add(self)
        self.rest()

    def put(self):
        """msio wrote to it, or tried to: nothing that was read ahead holds, and cells may have shapes now."""
        self._columns = {}
        self.drop_cells()

    def drop_cells(self):
        """Lets go of what was read ahead of it."""
        if self.ahead:
            self.ahead = False
            for state in list(self.states):
                state.drop_cells()

    def flush(self, flush):
        """Calls what brings to disk all that waits; whoever writes meanwhile makes the table dirty again."""
        writes = self.writes
        flush()
        if self.writes == writes:
            self.dirty = False
            _kept.discard(self)

    def rest(self):
        """Gives the native handle back where no table object stands for it: it may stay long, until it is flushed."""
        if not self.states and self not in pending:
            self.close()

    def waits(self):
        """Whether writes to a table behind it wait in casacore."""
        return any(file.dirty for file in self.behind)

    def move(self):
        """Its table was renamed: what stands at the path from now on is another one."""
        with _lock:
            if _files.get(self.path) is self:
                del _files[self.path]
        self.moved = True
        _kept.discard(self)
        for state in list(self.states):
            state.drop_cells()
            if state.file is not self:
                state.file.move()
        self.close()

    def others_wrote(self):
        """Whether somebody finished writing since this process began to write what it has not flushed."""
        return self._glance() != self.seen

    def _glance(self):
        try:
            return self.table(next(iter(self._tables), True)).glance
        except Error:
            return 0

    def close(self):
        """Gives the native handle back; it is opened anew on the next need."""
        tables, self._tables = [*self._tables.values(), self._writer], {}
        self._columns, self._writer = {}, None
        for table in tables:
            if table is not None:
                table.close()


def settle(file=None, asked=False):
    """Under the guard: stores the cells that were put into a table one by one, or into any.

    asked: whether the program asked for it; else calls came between that are not to be waited for again and again.
    """
    if not pending:
        return
    for one in [file] if file is not None else list(pending):
        if one in pending:
            one.gathering.finish(asked)


def settle_read(file):
    """Before msio reads a table: the same, where cells of it, or of one behind it, may wait."""
    with guard:
        for one in (file, *file.behind):
            settle(one)


def settle_at_last(when, file=None):
    """Under the guard: the same where nobody takes an error: it is logged."""
    try:
        settle(file, asked=True)
    except Exception:
        logging.getLogger("msio").exception("cells that were put one by one, stored %s", when)


def file_of(path):
    """The one File of a path, whatever link leads there."""
    path = os.path.realpath(path)
    with _lock:
        found = _files.get(path)
        if found is None:
            found = _files[path] = File(path)
        return found


def all_files():
    """Every File that there is."""
    with _lock:
        return list(_files.values())


def drop_all_cells():
    """Lets go of all that was read ahead."""
    for file in all_files():
        for state in list(file.states):
            state.drop_cells()


def _before_fork():
    """No fork in the middle of another thread's write, nor with cells that wait: the child reads what is on disk."""
    guard.acquire()
    settle_at_last("before a fork")


def _after_fork():
    """In a forked child: what its parent had not flushed is the parent's to flush, and what a thread of the parent was
    reading is not read on."""
    global _lock, guard
    _lock = threading.RLock()
    guard = threading.RLock()
    for file in pending:
        file.gathering.drop()
    pending.clear()
    for file in list(_files.values()):
        file.inherited = file.inherited or file.dirty
    drop_all_cells()


os.register_at_fork(before=_before_fork, after_in_parent=lambda: guard.release(), after_in_child=_after_fork)
