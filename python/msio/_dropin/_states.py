"""Which table on disk, and which rows of it, a python-casacore object stands for; and what of it waits to be flushed."""
import os

import numpy as np

from . import _counting, _files


class State:
    """What msio knows of one python-casacore table object.

    Attributes
    ----------
    file : File or None
        The table on disk; None: there is none that msio reads, see why_not.
    rows : ndarray of int64 or None
        Rows of the file, in this table's order; None: all as they are.
    cells : dict
        Readers of single cells by column, with what they read ahead.
    puts : dict
        Writers of single cells by column, of what is gathered now.
    locks : bool
        Whether reads take the table's read lock: not where the object was opened to do without.
    """

    __slots__ = ("file", "rows", "why_not", "cells", "puts", "locks", "__weakref__")

    def __init__(self, file=None, rows=None, why_not=None, locks=True):
        self.file = file
        self.rows = rows
        self.locks = locks
        self.why_not = why_not
        self.cells, self.puts = {}, {}
        if file is not None:
            for one in (file, *file.behind):
                one.states.add(self)

    def drop_cells(self):
        for name, reader in self.cells.items():
            _counting.end_of(self.file, name, reader)
        self.cells.clear()

    def __del__(self):  # the table object went
        self.drop_cells()
        if self.file is not None:
            for one in (self.file, *self.file.behind):
                if one in _files.pending:
                    with _files.guard:
                        _files.settle_at_last("when the last object of their table went", one)
                one.states.discard(self)
                one.rest()


# Objects whose state nobody asked for have this one.
NO_CELLS = {}


def _is_on_disk(path):
    return os.path.exists(os.path.join(path, "table.dat"))


def _find_state(table):
    """Which file and rows a table object stands for."""
    name, parts = table.name(), table.partnames()
    locks = not table.lockoptions()["option"].endswith("noread")
    if len(parts) != 1:
        return State(why_not="a concatenation of tables")
    if "_msio_memory" in table.__dict__:
        return State(why_not="not on disk")
    if "_msio_rows_only" in table.__dict__:  # a selection that only chooses rows
        if not _is_on_disk(parts[0]):
            return State(why_not="not on disk")
        return State(_files.file_of(parts[0]), np.asarray(table.rownumbers(), dtype=np.int64), locks=locks)
    if table.__dict__.get("_msio_derived"):
        return State(why_not="a result of TaQL with columns of its own")
    if not _is_on_disk(name):
        return State(why_not="not on disk")
    file = _files.file_of(name)
    file.behind = [_files.file_of(part) for part in table.partnames(True) if part != name]
    return State(file, locks=locks)


def is_plain(table):
    """Whether a table object is a table on disk with rows and columns of its own, all of which it shows."""
    own = table.__dict__
    return not (own.get("_msio_derived") or "_msio_memory" in own) and list(table.partnames()) == [table.name()]


def state_of(table):
    """The state of a table object, found on its first use."""
    state = table.__dict__.get("_msio_state")
    if state is None or (state.file is not None and state.file.moved):
        try:
            state = _find_state(table)
        except RuntimeError as error:  # casacore's: the table is closed
            return State(why_not=str(error))
        table._msio_state = state
        table._msio_cells, table._msio_puts = state.cells, state.puts
    return state


def forget(table):
    """A table object was closed: what was read ahead for it goes."""
    state = table.__dict__.pop("_msio_state", None)
    table.__dict__.pop("_msio_cells", None)
    table.__dict__.pop("_msio_puts", None)
    if state is not None:
        state.drop_cells()


def written(table, cells=False):
    """A table object wrote, or is about to; cells: nothing but cells."""
    file = state_of(table).file
    if file is not None:
        for one in (file, *file.behind):
            one.written(cells)
        return
    try:
        parts = table.partnames(True)
    except RuntimeError:  # closed
        return
    for part in parts:  # of a concatenation, or of a selection that is not read natively itself
        if _is_on_disk(part):
            _files.file_of(part).written()


def renaming(table, rename):
    """A table object is renamed: nothing that is known of the old path holds for it, or for others that stand for it."""
    state = state_of(table)
    if state.file is not None and state.file.dirty:
        flush_waiting(table, state.file)
    try:
        rename()
    finally:
        if state.file is not None and state.rows is None:
            state.file.move()
        forget(table)
        written(table)


def written_somewhere():
    """Something wrote that does not say to which table."""
    for file in _files.all_files():
        file.written()


def closing(table):
    """A table object is about to be closed: what was read ahead for it goes, and what waits is flushed."""
    state = table.__dict__.get("_msio_state")
    if state is not None and state.file is not None and state.file.dirty:
        flush_waiting(table, state.file)
    forget(table)


def locking(table, locked):
    """The program locks a table itself, or unlocks it."""
    state = state_of(table)
    if state.file is not None:
        for one in (state.file, *state.file.behind):
            one.locked = locked


def flushing(table, flush):
    """A table object brings to disk what waits in the table that it shares with others."""
    state = table.__dict__.get("_msio_state")
    if state is not None and state.file is not None and state.rows is None:
        state.file.flush(flush)
    else:
        flush()


def flush_waiting(table, file):
    """Has casacore bring to disk what this process wrote. False where it cannot, or must not."""
    if file.inherited:
        return False
    try:
        file.flush(lambda: table._flush(False))  # objects of one table share it, and what waits in it
    except RuntimeError:
        return False
    return True
