"""The reading half of python-casacore's table, for machines without python-casacore."""
import operator

import numpy as np

from . import _msio
from ._box import box_axis
from ._errors import ArgumentError, ColumnError, RangeError, UnsupportedError

_TYPES = {"Bool": "boolean", "uChar": "uchar", "Short": "short", "uShort": "ushort", "Int": "int", "uInt": "uint",
          "Int64": "int64", "Float": "float", "Double": "double", "Complex": "complex", "DComplex": "dcomplex",
          "String": "string", "Record": "record"}


class table:
    """A casacore table, open for reading, with the calls of python-casacore's `table`.

    Parameters
    ----------
    tablename : path-like
        The table's folder, or "obs.ms::ANTENNA".
    readonly : bool
        Has to be True: writing needs python-casacore.
    ack : bool
        Whether to say on standard output that the table was opened.
    lockoptions : str or dict
        "nolock" (or "usernoread") takes no lock; all others take the read lock during each call.
    """

    def __init__(self, tablename, tabledesc=False, nrow=0, readonly=True, lockoptions="default", ack=True, **_):
        if tabledesc or not readonly:
            raise UnsupportedError("tables are made and written by python-casacore, which is not installed")
        option = lockoptions.get("option", "default") if isinstance(lockoptions, dict) else lockoptions
        self._table = _msio.Table(tablename, lock=not str(option).endswith(("nolock", "noread")))
        self._rows = None
        self._readers = {}
        if ack:
            print(f"Successful readonly open of {option}-locked table {self.name()}: {len(self.colnames())} columns, "
                  f"{self.nrows()} rows")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def __len__(self):
        return self._table.nrows if self._rows is None else len(self._rows)

    def __str__(self):
        return f"{self.name()}\n{len(self)} rows\n{len(self.colnames())} columns: {' '.join(self.colnames())}"

    def close(self):
        """Closes the table."""
        self._readers.clear()
        self._table.close()

    done = close

    # ------------------------------------------------------------ what it is

    def name(self):
        """Absolute path of the table."""
        return self._table.path

    def nrows(self):
        """Number of rows."""
        return len(self)

    def colnames(self):
        """Names of the columns."""
        return self._table.columns

    def ncols(self):
        """Number of columns."""
        return len(self.colnames())

    def iswritable(self):
        """False: this table reads."""
        return False

    def isscalarcol(self, columnname):
        """Whether a column has one value a row."""
        return self._table.describe(columnname)["ndim"] == 0

    def isvarcol(self, columnname):
        """Whether the cells of a column may differ in shape."""
        return not self._table.describe(columnname)["fixed_shape"]

    def coldatatype(self, columnname):
        """Type of a column's elements, in casacore's words."""
        return _TYPES[self._table.describe(columnname)["type"]]

    def getkeywords(self):
        """All keywords of the table."""
        return self._table.keywords()

    def getkeyword(self, keyword):
        """One keyword of the table; names of records within are parted by dots."""
        return _field(self.getkeywords(), keyword)

    def keywordnames(self):
        """Names of the table's keywords."""
        return list(self.getkeywords())

    def getcolkeywords(self, columnname):
        """All keywords of a column."""
        return self._table.keywords(columnname)

    def getcolkeyword(self, columnname, keyword):
        """One keyword of a column."""
        return _field(self.getcolkeywords(columnname), keyword)

    def colkeywordnames(self, columnname):
        """Names of a column's keywords."""
        return list(self.getcolkeywords(columnname))

    # ------------------------------------------------------------ selections

    def selectrows(self, rownrs):
        """The same table with these rows only."""
        rows = np.atleast_1d(np.asarray(rownrs, dtype=np.int64))
        if rows.size and (rows.min() < 0 or rows.max() >= len(self)):
            raise RangeError(f"rows from {rows.min()} to {rows.max()} are asked for; the table has {len(self)}")
        made = object.__new__(type(self))
        made._table, made._readers = self._table, {}
        made._rows = rows if self._rows is None else self._rows[rows]
        return made

    def rownumbers(self):
        """The rows that this table has of the one on disk."""
        return list(range(len(self))) if self._rows is None else self._rows.tolist()

    def _part(self, startrow, nrow, rowincr):
        start, count, step = map(operator.index, (startrow, nrow, rowincr))
        if step < 1 or start < 0:
            raise ArgumentError(f"rows from {start} in steps of {step}: the start is 0 or more, the step at least 1")
        if start > len(self) or (start == len(self) and count > 0):
            raise RangeError(f"rows from {start} on are asked for; the table has {len(self)}")
        there = (len(self) - start + step - 1) // step
        count = there if count < 0 else min(count, there)
        part = slice(start, start + count * step, step)
        return part if self._rows is None else self._rows[part]

    def _box(self, columnname, blc, trc, inc):
        ndim = self._table.describe(columnname)["ndim"]
        blc, trc, inc = list(blc), list(trc), list(inc)
        if ndim > 0 and max(len(blc), len(trc), len(inc)) > ndim:
            raise ArgumentError(f"the slice has more axes than the {ndim} of the cells")
        size = ndim if ndim > 0 else max(len(blc), len(trc))
        blc += [0] * (size - len(blc))
        trc += [-1] * (size - len(trc))
        inc += [1] * (size - len(inc))
        return [box_axis(*axis) for axis in zip(blc, trc, inc)]

    # ------------------------------------------------------------ reads

    def getcol(self, columnname, startrow=0, nrow=-1, rowincr=1):
        """A column, or some rows of it: an array, [row] and the axes of a cell; strings as a list."""
        rows = self._part(startrow, nrow, rowincr)
        if self._table.describe(columnname)["type"] == "String":
            return self._table.read_cells(columnname, rows=rows)
        return self._table.read(columnname, rows=rows)

    def getcolnp(self, columnname, nparray, startrow=0, nrow=-1, rowincr=1):
        """The same into an array."""
        self._table.read(columnname, rows=self._part(startrow, nrow, rowincr), out=nparray)

    def getcolslice(self, columnname, blc, trc, inc=[], startrow=0, nrow=-1, rowincr=1):
        """A part of each cell: from blc to trc, both included, negative for begin and end."""
        return self._table.read(columnname, rows=self._part(startrow, nrow, rowincr),
                                box=self._box(columnname, blc, trc, inc))

    def getcolslicenp(self, columnname, nparray, blc, trc, inc=[], startrow=0, nrow=-1, rowincr=1):
        """The same into an array."""
        self._table.read(columnname, rows=self._part(startrow, nrow, rowincr),
                         box=self._box(columnname, blc, trc, inc), out=nparray)

    def getvarcol(self, columnname, startrow=0, nrow=-1, rowincr=1):
        """Cells of any shape: {"r1": array, ...}; each array has an axis of one row before those of the cell."""
        cells = self._table.read_cells(columnname, rows=self._part(startrow, nrow, rowincr))
        return {f"r{startrow + i * rowincr + 1}": np.asarray(cell)[np.newaxis] for i, cell in enumerate(cells)
                if cell is not None}

    def getcell(self, columnname, rownr):
        """One cell; loops are served from what was read ahead."""
        reader = self._readers.get(columnname)
        if reader is None and self._table.describe(columnname)["type"] not in ("String", "Record"):
            reader = self._readers[columnname] = self._table.reader(columnname, self._rows)
        value = reader(rownr) if reader is not None else None
        if value is not None:
            return value
        value = self._table.read_cells(columnname, rows=self._part(rownr, 1, 1))[0]
        if value is None:
            raise RangeError(f"the cell of row {rownr} of column {columnname} was never written")
        return value

    def getcellnp(self, columnname, rownr, nparray):
        """One cell into an array."""
        self._table.read(columnname, rows=self._part(rownr, 1, 1), out=nparray[np.newaxis])

    def getcellslice(self, columnname, rownr, blc, trc, inc=[]):
        """A part of one cell."""
        return self.getcolslice(columnname, blc, trc, inc, rownr, 1)[0]

    def getcellslicenp(self, columnname, nparray, rownr, blc, trc, inc=[]):
        """The same into an array."""
        self.getcolslicenp(columnname, nparray[np.newaxis], blc, trc, inc, rownr, 1)

    def iscelldefined(self, columnname, rownr):
        """Whether a cell was ever written."""
        return self._table.read_cells(columnname, rows=self._part(rownr, 1, 1))[0] is not None


def _field(fields, name):
    for part in name.split("."):
        if not isinstance(fields, dict) or part not in fields:
            raise ColumnError(f"there is no keyword {name}")
        fields = fields[part]
    return fields
