"""Cells that programs put one by one, gathered by the library until they are stored together; and read meanwhile.

One `Gathering` stands for one table on disk, whatever objects put into it. As long as it is open casacore holds its write
lock and has nothing of the table in memory. Before casacore is called for anything that may touch values, files or locks,
everything that is open is finished: the cells are stored, and casacore looks anew (`_files.settle`). Reads of the table by
msio finish it as well, but for those of single cells: a cell of a column that is put comes through the cursor that puts, which
sees what waits; of other columns nobody can change anything meanwhile.
"""
import atexit
import contextlib
import time

from casacore.tables._tables import Table as _CasacoreTable

from .. import _msio
from .._errors import Error, LockedError
from . import _counting, _files
from ._locking import look_anew, takes_lock
from ._states import flush_waiting

#: s; others who wait for the lock get it so soon at the next put.
SECONDS = 1.0
#: Where others end it after fewer cells than FEW, or a cell is not taken, the column's next FEW putcells are casacore's,
#: and twice as many each time.
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
        self._readers = []  # of other columns
        self._held = None  # the native table, under casacore's lock
        self._handle = None  # casacore's table, also when the object that put goes
        self._option = None
        self._declined = {}  # column: [putcells that are left to casacore, how often that was]

    def declines(self, name):
        """Whether casacore is to have this putcell, for those before were of no use."""
        declined = self._declined.get(name)
        if declined is not None and declined[0] > 0:
            declined[0] -= 1
            return True
        return _is_over

    def decline(self, name):
        """The next putcells of a column are casacore's."""
        declined = self._declined.setdefault(name, [0, 0])
        declined[0] = min(FEW << declined[1], MOST)
        declined[1] = min(declined[1] + 1, 16)

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
        try:
            held = self.file.writer()
            held.hold_write()
        except Error as error:
            look_anew(table, self.file, option)
            return type(error).__name__
        self._held = held
        self._handle, self._option = _CasacoreTable(table), option
        self.gather.begin(SECONDS)
        _files.pending.add(self.file)
        return None

    def writer(self, name, row, rows):
        """A writer of a column's cells, of rows that these row numbers stand for. Raises where there is none.

        From now on nothing is served from what was read ahead: readers look for cells that wait when they are made.
        """
        made = _msio.CellWriter(self.file.writer(), name, self.gather, row, rows)
        self._writers.append((name, made))
        self.file.drop_cells()
        return made

    def reader(self, state, name):
        """A reader of a column's cells for a table object, as long as the gathering is open. None: there is none."""
        if self.gather.over or state.file.behind:
            return None
        made = [writer for column, writer in self._writers if column == name]
        if made:
            return made[0].reader() if len(made) == 1 and state.puts.get(name) is made[0] else None
        reader = self._held.reader(name, state.rows, self.gather)
        self._readers.append(reader)
        return reader

    def finish(self, asked):
        """Stores the cells. asked: the program asked for it, in whatever way; else others came between."""
        _files.pending.discard(self.file)
        self.gather.end()
        writers, self._writers = self._writers, []
        handle, self._handle = self._handle, None
        held, self._held = self._held, None
        self.file.drop_cells()
        readers, self._readers = self._readers, []
        while any(reader.busy for reader in readers):  # a thread is within, under the hold that ends
            time.sleep(1e-5)
        del readers
        failed = [error for error in (self._store(*one) for one in writers) if error is not None]
        with contextlib.suppress(Error):  # what is not stored is told by its writer
            held.release()
        self.file.put()
        for state in list(self.file.states):
            state.puts.clear()
        try:
            look_anew(handle, self.file, self._option)
        finally:
            for name, writer in writers:
                self._learn(name, writer.taken, asked)
            if failed:
                raise failed[0]

    def _store(self, name, writer):
        """Stores a column's cells. An error: they are lost, so that they come over nothing that is put afterwards."""
        try:
            _flush(writer)
        except Error as error:
            with contextlib.suppress(Error):
                writer.close()
            error.add_note(f"cells that were put one by one into column {name} of {self.file.path} are not stored, and are lost")
            return error
        writer.close()
        _counting.served["putcell", None] += writer.taken
        return None

    def _learn(self, name, taken, asked):
        if taken >= FEW:
            self._declined.pop(name, None)
        elif not asked:
            self.decline(name)

    def drop(self):
        """In a child of fork: what the parent put is the parent's to store."""
        self.gather.end()
        self._writers, self._readers, self._handle, self._held = [], [], None, None


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
        _files.settle_at_last("at the program's end")


atexit.register(_at_exit)
