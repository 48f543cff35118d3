"""Columns, rows and groups of rows of the table that reads without python-casacore, in python-casacore's words."""
import operator

import numpy as np

from .._errors import ArgumentError, RangeError, UnsupportedError


def rows_of_key(key, total):
    """The row of an index, negative from the end, or the range of a slice."""
    if isinstance(key, slice):
        try:
            return range(*key.indices(total))
        except ValueError:
            raise ArgumentError("the step of a slice is not 0") from None
    row = operator.index(key)
    if not -total <= row < total:
        raise RangeError(f"row {row} is asked for; the table has {total}")
    return row % total


class _View:
    """What is indexed by rows."""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None

    def __len__(self):
        return self._table.nrows()

    def __getitem__(self, key):
        rows = rows_of_key(key, len(self))
        return [self._cell(row) for row in rows] if isinstance(rows, range) else self._cell(rows)


class tablecolumn(_View):
    """A column of a table: its calls without the column's name."""

    def __init__(self, table, columnname):
        table.coldatatype(columnname)  # raises where there is no such column
        self._table, self._column = table, columnname

    def name(self):
        """The column's name."""
        return self._column

    def table(self):
        """Its table."""
        return self._table

    def datatype(self):
        """Type of its elements, in casacore's words."""
        return self._table.coldatatype(self._column)

    def isscalar(self):
        """Whether it has one value a row."""
        return self._table.isscalarcol(self._column)

    def isvar(self):
        """Whether its cells may differ in shape."""
        return self._table.isvarcol(self._column)

    def nrows(self):
        """Number of rows."""
        return len(self)

    def keywordnames(self):
        """Names of its keywords."""
        return self._table.colkeywordnames(self._column)

    def getkeywords(self):
        """All its keywords."""
        return self._table.getcolkeywords(self._column)

    def getkeyword(self, keyword):
        """One of its keywords."""
        return self._table.getcolkeyword(self._column, keyword)

    def iscelldefined(self, rownr):
        """Whether a cell was ever written."""
        return self._table.iscelldefined(self._column, rownr)

    def getcell(self, rownr):
        """One cell."""
        return self._table.getcell(self._column, rownr)

    _cell = getcell

    def getcellslice(self, rownr, blc, trc, inc=[]):
        """A part of one cell."""
        return self._table.getcellslice(self._column, rownr, blc, trc, inc)

    def getcol(self, startrow=0, nrow=-1, rowincr=1):
        """The column, or some rows of it."""
        return self._table.getcol(self._column, startrow, nrow, rowincr)

    def getcolnp(self, nparray, startrow=0, nrow=-1, rowincr=1):
        """The same into an array."""
        return self._table.getcolnp(self._column, nparray, startrow, nrow, rowincr)

    def getcolslice(self, blc, trc, inc=[], startrow=0, nrow=-1, rowincr=1):
        """A part of each cell."""
        return self._table.getcolslice(self._column, blc, trc, inc, startrow, nrow, rowincr)

    def getvarcol(self, startrow=0, nrow=-1, rowincr=1):
        """Cells of any shape."""
        return self._table.getvarcol(self._column, startrow, nrow, rowincr)

    def iter(self, order="", sort=True):
        """The tables of the rows that have the same value."""
        return self._table.iter([self._column], order, sort)


class tablerow(_View):
    """Rows of a table as dicts: of all columns, of those named, or of all but those."""

    def __init__(self, table, columnnames=[], exclude=False):
        named = [columnnames] if isinstance(columnnames, str) else list(columnnames)
        for name in named:
            table.coldatatype(name)  # raises where there is no such column
        whole = exclude or not named
        self._table = table
        self._names = [name for name in table.colnames() if name not in named] if whole else named

    def iswritable(self):
        """False: this table reads."""
        return False

    def get(self, rownr):
        """The cells of a row; empty arrays stand for those never written."""
        return {name: self._table._cell_or_empty(name, rownr) for name in self._names}

    _cell = get


# ---------------------------------------------------------------- orders of rows

def _ranks(table, name):
    """For each row the rank of its value among all values of a column of scalars."""
    if not table.isscalarcol(name):
        raise ArgumentError(f"column {name} has arrays; rows are ordered by columns of scalars")
    return np.unique(np.asarray(table.getcol(name)), return_inverse=True)[1].reshape(-1)


def _order(keys, descending):
    """The rows in the order of some keys; where all descend casacore turns the ascending order round, equal rows too."""
    if all(descending):
        return np.lexsort(keys[::-1])[::-1]
    return np.lexsort([-key if falls else key for key, falls in zip(keys, descending)][::-1])


def groups_of_rows(table, columnnames, order, sort):
    """Lists of rows that have the same values in some columns, in the order of the values."""
    if not isinstance(order, str):
        raise ArgumentError(f"the order is ascending or descending for all columns, not {order!r}")
    names = [columnnames] if isinstance(columnnames, str) else list(columnnames)
    keys = [_ranks(table, name) for name in names]
    rows = _order(keys, [order[:1].lower() == "d"] * len(keys)) if sort else np.arange(len(table))
    changes = np.any([key[rows[1:]] != key[rows[:-1]] for key in keys], axis=0)
    return np.split(rows, np.flatnonzero(changes) + 1) if rows.size else []


def sorted_rows(table, sortlist):
    """The rows in the order that a list of columns tells, each with `asc` or `desc` after it."""
    keys, descending = [], []
    for part in sortlist.split(","):
        words = part.split()
        if not words or len(words) > 2 or words[0] not in table.colnames() or \
                words[1:] and words[1].lower() not in ("asc", "desc"):
            raise UnsupportedError(f"rows are sorted by columns, not by {part.strip()!r}; TaQL needs python-casacore")
        keys.append(_ranks(table, words[0]))
        descending.append(words[-1].lower() == "desc" and len(words) == 2)
    return _order(keys, descending)


class tableiter:
    """Tables of the rows that have the same values in some columns, one after the other."""

    def __init__(self, table, columnnames, order="", sort=True):
        self._table, self._groups = table, groups_of_rows(table, columnnames, order, bool(sort) and sort != "nosort")
        self.reset()

    def __iter__(self):
        return self

    def next(self):
        """The next table."""
        return self._table.selectrows(next(self._rows))

    __next__ = next

    def reset(self):
        """Goes back to the first."""
        self._rows = iter(self._groups)
