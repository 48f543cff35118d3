"""Cells that programs put one by one, gathered by the library until they are stored together.

One `Gathering` stands for one table on disk, whatever objects put into it. As long as it is open casacore holds its write
lock and has nothing of the table in memory. Before casacore is called for anything that may touch values, files or locks,
everything that is open is finished: the cells are stored, and casacore looks anew (`_files.settle`). msio's own reads of
the column that is put finish it as well; its reads of other columns go on beside it.
"""
import atexit
import time

from casacore.tables._tables import Table as _CasacoreTable

from .. import _msio
from .._errors import Error, LockedError
from . import _counting, _files
from ._locking import look_anew, takes_lock
from ._states import flush_waiting

#: s; others who wait for the lock get it so soon at the next put.
SECONDS = 1.0
#: Where others end it after fewer cells than FEW, the next FEW putcells are casacore's, and twice as many each time.
FEW, MOST = 16, 1 << 20
#: ms to wait for another thread's call of msio's that stores the same cells.
PATIENCE = 5000

_is_over = False  # the program ends: objects close their tables in no order


class Gathering:
    """The cells of one table that are put one by one.

    Attributes
    ----------
    file : File
        Which table.
    """

    def __init__(self, file):
        self.file = file
        self.gather = _msio.Gather()
        self._writers = []  # (column, writer)
        self._handle = None  # casacore's table, also when the object that put goes
        self._option = None
        self._left, self._short = 0, 0

    def is_declined(self):
        """Whether casacore is to have this putcell, for other calls come too often between them."""
        if self._left > 0:
            self._left -= 1
            return True
        return _is_over

    def begin(self, table):
        """Has casacore lock the table. None, or why not."""
        if not self.gather.over:
            return None
        _files.settle(self.file)
        option = table.lockoptions()
        if not takes_lock(table, option):
            return "tables that are not locked"
        if not flush_waiting(table, self.file):
            return "writes that cannot be flushed"
        self._handle, self._option = _CasacoreTable(table), option
        self.gather.begin(SECONDS)
        _files.pending.add(self.file)
        return None

    def writer(self, name, row, rows):
        """A writer of a column's cells, of rows that these row numbers stand for. Raises where there is none."""
        made = _msio.CellWriter(self.file.writer(), name, self.gather, row, rows)
        self._writers.append((name, made))
        for state in list(self.file.states):
            state.drop_cells()
        return made

    def has(self, name):
        """Whether cells of the column may be there."""
        return any(column == name for column, _ in self._writers)

    def taken(self):
        return sum(writer.taken for _, writer in self._writers)

    def finish(self, asked):
        """Stores the cells. asked: the program asked for it, in whatever way; else others came between."""
        _files.pending.discard(self.file)
        self.gather.end()
        writers, self._writers = self._writers, []
        handle, self._handle = self._handle, None
        taken = sum(writer.taken for _, writer in writers)
        failed = None
        for _, writer in writers:
            try:
                _flush(writer)
            except Error as error:
                failed = failed or error
        _counting.served["putcell", None] += taken
        self.file.put()
        for state in list(self.file.states):
            state.puts.clear()
        try:
            look_anew(handle, self.file, self._option)
        finally:
            self._learn(taken, asked)
            if failed is not None:
                raise failed

    def _learn(self, taken, asked):
        if taken >= FEW:
            self._short = 0
        elif not asked:
            self._left = min(FEW << self._short, MOST)
            self._short = min(self._short + 1, 16)

    def drop(self):
        """In a child of fork: what the parent put is the parent's to store."""
        self.gather.end()
        self._writers, self._handle = [], None


def _flush(writer):
    """Stores what a writer took; a thread that is within comes to its end first, and one that reads the cells stores them."""
    while writer.busy:
        time.sleep(1e-5)
    for _ in range(PATIENCE):
        try:
            return writer.flush()
        except LockedError:
            time.sleep(1e-3)
    return writer.flush()


def gathering_of(file):
    """The one of a table."""
    if file.gathering is None:
        file.gathering = Gathering(file)
    return file.gathering


def _at_exit():
    global _is_over
    with _files.guard:
        _is_over = True
        _files.settle()


atexit.register(_at_exit)
