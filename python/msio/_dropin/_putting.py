"""Puts of python-casacore's tables made by msio: which can be, and how.

casacore, which lives in the same process and may have the table in memory, holds its write lock meanwhile. What waits in
its memory is brought to disk before, and it looks at the files anew afterwards.

Every function here returns None, or `NOT_SERVED` where casacore is to put: columns that msio does not write, values that
need a conversion of casacore's, arguments that are wrong (so that errors are casacore's own). Both are counted, with the
reason.
"""
import operator

import numpy as np

from .._errors import Error
from . import _files, _shadow
from ._counting import count
from ._gathering import gathering_of
from ._locking import write_under_lock
from ._serving import NOT_SERVED, _box, _integers, _known, _rows, _unusual
from ._states import flush_waiting, state_of

# Types of arrays that become a column's as casacore converts them: value by value, as C does.
_CONVERTED = {("f8", "f4"), ("f4", "f8"), ("c16", "c8"), ("c8", "c16"), ("i8", "i4"), ("i4", "i8")}


# ---------------------------------------------------------------- what is put where

def _describe(table, state, name):
    try:
        return state.file.column(name, state.locks)
    except Error:
        if not state.file.dirty or not flush_waiting(table, state.file):  # a table just made, or a column
            raise
        state.file.close()
        return state.file.column(name, state.locks)


def _target(table, method, name):
    """The column, ready to be written; None, counted, where casacore is to write it."""
    state = state_of(table)
    file = state.file
    if file is None:
        return count(method, state.why_not)
    if not isinstance(name, str):
        return count(method, "arguments")
    if file.behind:
        return count(method, "a table that refers to others")
    if file.inherited:
        return count(method, "a table that the process was forked with")
    if not table.iswritable():
        return count(method, "a table that is only read")
    try:
        described = _describe(table, state, name)
    except Error as error:
        return count(method, type(error).__name__)
    return _known(method, state, name, described)


def _fits(value, column, rows):
    """Whether the value is an array for so many rows that is put as it is, or converted as casacore does."""
    if type(value) is not np.ndarray or not value.size or value.ndim < 1 or value.shape[0] != rows:
        return False
    return value.dtype == column.dtype or (value.dtype.str[1:], column.dtype.str[1:]) in _CONVERTED and value.dtype.isnative


def _write(table, method, column, rows, box, value):
    cell = value.shape[1:] if column.new and box is None and value.ndim > 1 else None
    reason = write_under_lock(table, column.file, lambda native: native.write(column.name, value, rows, box=box,
                                                                              cell_shape=cell))
    count(method, reason)
    return reason is None


def _put(table, method, column, rows, box, value, arguments, read):
    """Puts, and where this call is compared has casacore read what was put: where it differs, casacore puts as well."""
    if not _fits(value, column, rows[1]):
        return _unusual(method, column, "values that casacore judges or converts")
    if box is not None and value.nbytes < SMALL:
        return _unusual(method, column, "small parts of cells")
    if not _write(table, method, column, rows[0], box, value):
        return NOT_SERVED
    if _shadow.is_due() and not _shadow.agree(method, column.file, arguments, value.astype(column.dtype), read()):
        return NOT_SERVED
    return None


# ---------------------------------------------------------------- the puts

#: Bytes: of less, a few rows are put as cells, which are gathered, and parts of cells by casacore, which gathers them.
SMALL = 64 << 10
FEW_ROWS = 64


def putcol(table, name, value, startrow, nrow, rowincr, getcol, getcell):
    column = _target(table, "putcol", name)
    rows = column and _rows(table, column, startrow, nrow, rowincr)
    if not rows:
        return _unusual("putcol", column)
    if rows[1] <= FEW_ROWS and _fits(value, column, rows[1]) and value.nbytes < SMALL and not column.incremental:
        return _put_cells(table, column, operator.index(startrow), operator.index(rowincr), value, getcell)
    return _put(table, "putcol", column, rows, None, value, (name, startrow, nrow, rowincr),
                lambda: getcol(table, name, startrow, nrow, rowincr))


def _put_cells(table, column, first, step, value, getcell):
    """A few rows as cells; where one is not taken, casacore puts them all."""
    value = value.astype(column.dtype, copy=False)
    for i in range(len(value)):
        writer = table._msio_puts.get(column.name)
        if (writer is None or not writer(first + i * step, value[i])) and \
                putcell(table, column.name, first + i * step, value[i], getcell) is NOT_SERVED:
            return _unusual("putcol", column, "cells that msio does not put")
    return count("putcol")


def putcolslice(table, name, value, blc, trc, inc, startrow, nrow, rowincr, getcolslice):
    column = _target(table, "putcolslice", name)
    rows = column and _rows(table, column, startrow, nrow, rowincr)
    box = rows and column.ndim > 0 and _box(column, blc, trc, inc)
    if not box:
        return _unusual("putcolslice", column)
    return _put(table, "putcolslice", column, rows, box, value, (name, blc, trc, inc, startrow, nrow, rowincr),
                lambda: getcolslice(table, name, blc, trc, inc, startrow, nrow, rowincr))


def putcellslice(table, name, rownr, value, blc, trc, inc, getcellslice):
    column = _target(table, "putcellslice", name)
    row = column and _rows(table, column, rownr, 1, 1)
    box = row and column.ndim > 0 and _box(column, blc, trc, inc)
    if not box or type(value) is not np.ndarray:
        return _unusual("putcellslice", column)
    return _put(table, "putcellslice", column, row, box, value[np.newaxis], (name, rownr, blc, trc, inc),
                lambda: getcellslice(table, name, rownr, blc, trc, inc)[np.newaxis])


def putvarcol(table, name, values, startrow, nrow, rowincr, getvarcol):
    column = _target(table, "putvarcol", name)
    rows = column and _rows(table, column, startrow, nrow, rowincr)
    if not rows or type(values) is not dict or len(values) != rows[1]:
        return _unusual("putvarcol", column)
    cells = list(values.values())
    shapes = {(type(cell), getattr(cell, "shape", None), getattr(cell, "dtype", None)) for cell in cells}
    if len(shapes) > 1 or not _fits(cells[0], column, 1):
        return _unusual("putvarcol", column, "values that casacore judges or converts")
    return _put(table, "putvarcol", column, rows, None, np.concatenate(cells), (name, startrow, nrow, rowincr),
                lambda: np.concatenate(list(getvarcol(table, name, startrow, nrow, rowincr).values())))


# ---------------------------------------------------------------- cells one by one

def putcell(table, name, rownr, value, getcell):
    """One cell, where there is no writer for its column yet, or it did not take it: makes one, or converts."""
    file = state_of(table).file
    gathering = isinstance(name, str) and file is not None and gathering_of(file)
    with _files.guard:
        if gathering and gathering.declines(name):
            return count("putcell", "cells after others that msio did not put, or between other calls") or NOT_SERVED
        answer = _putcell(table, gathering, name, rownr, value, getcell)
        if answer is NOT_SERVED and gathering:
            gathering.decline(name)
        return answer


def _putcell(table, gathering, name, rownr, value, getcell):
    column = _target(table, "putcell", name)
    if column is None:
        return NOT_SERVED
    if not gathering.gather.over and name in state_of(table).puts:
        return _converted(table, column, rownr, value)
    reason = _cannot(column, rownr, value) or gathering.begin(table)
    if reason:
        return _unusual("putcell", column, reason)
    row = rownr if column.rows is None else int(column.rows[rownr])
    try:
        writer = gathering.writer(name, row, column.rows)
    except (Error, NotImplementedError) as error:
        return _unusual("putcell", column, type(error).__name__)
    if _shadow.share > 0:
        return _compared(table, column, writer, rownr, value, getcell)
    state_of(table).puts[name] = writer
    return None if writer(rownr, value) else _converted(table, column, rownr, value)


def _cannot(column, rownr, value):
    """Why a cell is not put natively; None: it may be."""
    if column.name == "map":
        return "pixels of an image, which others may have open"
    if column.incremental:
        return "columns of IncrementalStMan"
    rows = _integers(rownr)
    if rows is None or rows[0] < 0 or (column.rows is not None and rows[0] >= len(column.rows)):
        return "arguments"
    if column.ndim and type(value) is not np.ndarray:
        return "values that casacore judges or converts"
    return None


def _converted(table, column, rownr, value):
    """A value that the writer did not take as it is."""
    if column.ndim and type(value) is np.ndarray and _fits(value[np.newaxis], column, 1):
        if state_of(table).puts[column.name](rownr, np.ascontiguousarray(value, dtype=column.dtype)):
            return None
    return _unusual("putcell", column, "values that casacore judges or converts")


def _compared(table, column, writer, rownr, value, getcell):
    """Puts one cell and stores it; casacore reads it where this call is compared."""
    taken = writer(rownr, value)
    _files.settle(column.file, True)
    if not taken:
        return _unusual("putcell", column, "values that casacore judges or converts")
    if _shadow.is_due():
        seen = np.asarray(getcell(table, column.name, rownr)).astype(column.dtype)
        if not _shadow.agree("putcell", column.file, (column.name, rownr), np.asarray(value).astype(column.dtype), seen):
            return NOT_SERVED
    return None


def putrow(row, table, rownr, value, own):
    """The fields of a tablerow as cells, in its columns' order; from the first that msio does not put they are casacore's."""
    names = row.names_put()
    if names is None or type(value) is not dict:
        return _unusual("tablerow.put", True, "rows of all columns")
    wanted = [name for name in names if name in value]
    for place, name in enumerate(wanted):
        writer = table._msio_puts.get(name)
        if (writer is None or not writer(rownr, value[name])) and \
                putcell(table, name, rownr, value[name], own) is NOT_SERVED:
            return wanted[place:]
    return None
