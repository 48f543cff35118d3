"""Columns of tables and datasets of HDF5 files, whole or in part, at once or in batches."""
import os

import numpy as np

from . import _msio
from ._progress import progress as _progress
from ._selecting import axis as _axis

__all__ = ["read", "stream", "Batch"]

_HDF5_SIGNATURE = b"\x89HDF\r\n\x1a\n"


def _is_hdf5(path):
    """Whether a path is an HDF5 file: by its first bytes, or by its name."""
    path = os.fspath(path)
    if not os.path.isfile(path):
        return False
    with open(path, "rb") as file:
        return file.read(8) == _HDF5_SIGNATURE or path.endswith((".hdf5", ".h5", ".uvh5"))


def _box(table, column, rows, chans, corrs):
    """The part of a cell as the table's read takes it: whole axes before those of channels and correlations."""
    if chans is None and corrs is None:
        return None
    described = table.describe(column)
    ndim = described["ndim"]
    if ndim < 0:  # the cells' own number of axes
        cell = table.read(column, rows=slice(0, 1)) if rows is None else table.read(column, rows=rows)[:1]
        ndim = cell.ndim - 1
    if chans is not None and ndim < 2:
        raise ValueError(f"column {column} has no axis of channels: its cells have {ndim} axes")
    if corrs is not None and ndim < 1:
        raise ValueError(f"column {column} has no axis of correlations: it has one value a row")
    wanted = [slice(None)] * (ndim - 2) + [chans, corrs][-min(ndim, 2):]
    return [slice(None) if part is None else part for part in wanted]


def read(path, column, rows=None, chans=None, corrs=None, out=None, threads=0, fill=None, progress=False):
    """Reads a column of a casacore table, or a dataset of an HDF5 or UVH5 file, into one array.

    Parameters
    ----------
    path : path-like
        A Measurement Set or any table, "obs.ms::ANTENNA", or an HDF5 file.
    column : str
        The column's name; of an HDF5 file the dataset's ("Data/visdata", or "visdata").
    rows : None, slice, int, or array of int
        Which rows: of a UVH5 file baseline-times. An int leaves the axis of rows out.
    chans, corrs : None, slice, or int
        Which channels and correlations: the last two axes of a cell. An int keeps its axis, of length 1.
    out : ndarray, optional
        Where the answer goes: of its shape and type, contiguous or strided.
    threads : int
        0: all that the process may use.
    fill : scalar, optional
        Stands for cells that were never written; without it they are an error.
    progress : bool
        Whether to show how far it is.

    Returns
    -------
    ndarray or list
        [row][channel][correlation], in the machine's byte order and the column's units; it owns memory of msio's pool.
        Strings are a list of str, in a table one entry a row.

    Raises
    ------
    FileNotFoundError, KeyError (no such column), IndexError (rows or channels beyond what there is), ValueError (cells
    that differ in shape), RuntimeError: all are also msio.Error.
    """
    with _progress(progress, f"reading {column}") as told:
        if _is_hdf5(path):
            return _msio.read_dataset(path, column, rows, chans, corrs, out, threads, told)
        with _msio.Table(path) as table:
            if table.describe(column)["type"] == "String":
                one = isinstance(rows, (int, np.integer))
                cells = table.read_cells(column, rows=rows, threads=threads)
                return cells[0] if one else cells
            return table.read(column, rows=rows, box=_box(table, column, rows, chans, corrs), out=out, threads=threads,
                              fill=fill, progress=told)


class Batch(dict):
    """Some rows of several columns: a dict of arrays by column.

    Attributes
    ----------
    row : int
        Place of the first row in the selection.
    rows : int
        Number of rows.
    """

    def __init__(self, row, arrays):
        super().__init__(arrays)
        self.row = row
        self.rows = len(next(iter(arrays.values()))) if arrays else 0


class stream:
    """Columns of a table in batches of rows; the next batch is read while the program works on this one.

    Parameters
    ----------
    path : path-like
    columns : str or sequence of str
    rows : None, slice, or array of int
    chans, corrs : None or slice
        Of columns whose cells have those axes.
    memory : int, optional
        Bytes that the batches in flight may take together; default 256 MiB. Each batch is handed over as a copy.
    rows_per_batch : int, optional
        Default: as many as the memory allows.
    threads : int

    Yields
    ------
    Batch
        A dict of arrays by column, with `row` and `rows`.

    Examples
    --------
    >>> for batch in msio.stream("obs.ms", ["DATA", "FLAG"]):
    ...     check(batch["DATA"], batch["FLAG"])
    """

    def __init__(self, path, columns, rows=None, chans=None, corrs=None, memory=None, rows_per_batch=None, threads=0):
        self._names = (columns,) if isinstance(columns, str) else tuple(columns)
        self._table = _msio.Table(path)
        shape = self._cell()
        self._stream = _msio.ColumnStream(
            self._table, self._names, rows, _axis(chans, shape[-2] if len(shape) > 1 else 0, "chans"),
            _axis(corrs, shape[-1] if shape else 0, "corrs"), memory or 0, rows_per_batch or 0, threads)

    def _cell(self):
        """The shape of the cells that have channels, as far as it is known."""
        shapes = [self._table.describe(name)["shape"] or () for name in self._names]
        return max(shapes, key=len, default=())

    def __iter__(self):
        return self

    def __next__(self):
        found = self._stream.next()
        if found is None:
            self.close()
            raise StopIteration
        return Batch(found[0], dict(zip(self._names, found[1])))

    def close(self):
        """Ends the stream; may come before its end."""
        self._stream.close()
        self._table.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
