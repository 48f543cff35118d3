"""Columns of tables and datasets of HDF5 files, whole or in part, at once or in batches."""
import os
import warnings

import numpy as np

from . import _msio
from ._errors import ArgumentError, CopyWarning, UnsupportedError
from ._progress import progress as _progress
from ._selecting import axis as _axis, positive as _positive, rows as _rows

__all__ = ["read", "stream", "Batch"]


def _first_row(table, rows):
    """The first of the wanted rows, or None where there is none."""
    if isinstance(rows, int):
        return rows
    if rows is None or isinstance(rows, slice):
        wanted = range(table.nrows)[slice(None) if rows is None else rows]
        return wanted[0] if wanted else None
    return rows[0] if len(rows) else None


def _cell(table, column, rows):
    """The shape of a column's cells: the first wanted one's where they are not known to agree; None of no cell."""
    described = table.describe(column)
    if described["ndim"] == 0 or described["shape"] is not None:
        return described["shape"] or ()
    first = _first_row(table, rows)
    return None if first is None else table.read(column, rows=[first]).shape[1:]


def _no_axis(column, what, shape):
    axes = f"its cells have {len(shape)} axes" if shape else "it has one value a row"
    return ValueError(f"column {column} has no axis of {what}: {axes}")


def _parts(column, shape, chans, corrs):
    """(start, count, step) of channels and of correlations in cells of that shape."""
    if chans is not None and len(shape) < 2:
        raise _no_axis(column, "channels", shape)
    if corrs is not None and len(shape) < 1:
        raise _no_axis(column, "correlations", shape)
    return _axis(chans, shape[-2] if len(shape) > 1 else 0, "chans"), _axis(corrs, shape[-1] if shape else 0, "corrs")


def _check_out(out, answer):
    """Whether an array can take an answer without elements, as the extension checks it for the others."""
    if not isinstance(out, np.ndarray) or out.dtype != answer.dtype:
        kind = out.dtype if isinstance(out, np.ndarray) else type(out).__name__
        raise TypeError(f"out is of type {kind}, the answer of {answer.dtype}")
    if out.shape != answer.shape:
        raise ValueError(f"out is of shape {out.shape}, the answer of {answer.shape}")
    if not out.flags.writeable:
        raise ValueError("out may not be written")


def _read_part(table, read, column, rows, chans, corrs, **how):
    """Reads, or views, a part of each cell."""
    shape = _cell(table, column, rows)
    if shape is None:  # no row, so that nothing tells what a cell has
        return read(column, rows=rows, **how)
    parts = _parts(column, shape, chans, corrs)
    spans = [slice(None) if count < 0 else slice(start, start + max(0, (count - 1) * step + 1), step)
             for start, count, step in parts][-min(len(shape), 2):]
    if all(count for _, count, _ in parts):
        return read(column, rows=rows, box=[slice(None)] * (len(shape) - 2) + spans, **how)
    out = how.pop("out", None)
    answer = read(column, rows=rows, **how)[(..., *spans)]
    if out is not None:
        _check_out(out, answer)
    return answer if out is None else out


def _viewed(level, view, *arguments, **how):
    """What a view shows; None, and a warning, where it has to be copied. Mistakes of the caller's come up again then."""
    try:
        return view(*arguments, **how)
    except (UnsupportedError, ArgumentError) as error:
        warnings.warn(f"{error}; it is copied", CopyWarning, stacklevel=level)


def _view_column(table, column, rows, chans, corrs, private):
    if chans is None and corrs is None:
        return _viewed(5, table.view, column, rows=rows, writable=private)
    return _viewed(5, _read_part, table, table.view, column, rows, chans, corrs, writable=private)


def _read_column(path, column, rows, chans, corrs, view, **how):
    with _msio.Table(path) as table:
        rows = _rows(rows, lambda: table.nrows)
        if view:
            shown = _view_column(table, column, rows, chans, corrs, view == "private")
            if shown is not None:
                return shown
        if table.describe(column)["type"] != "String":
            if chans is None and corrs is None:
                return table.read(column, rows=rows, once=True, **how)
            return _read_part(table, table.read, column, rows, chans, corrs, once=True, **how)
        if chans is not None or corrs is not None or how["out"] is not None:
            raise ValueError(f"column {column} holds strings, which are read whole, into a list of their own")
        cells = table.read_cells(column, rows=rows, threads=how["threads"])
        return cells[0] if isinstance(rows, int) else cells


def _read_dataset(path, name, rows, chans, corrs, view, out, threads, progress):
    def total():
        shape = _msio.describe_dataset(path, name)["shape"]
        return shape[0] if shape else 1
    rows = _rows(rows, total)
    shown = _viewed(4, _msio.view_dataset, path, name, rows, chans, corrs, view == "private") if view else None
    return _msio.read_dataset(path, name, rows, chans, corrs, out, threads, progress) if shown is None else shown


def read(path, column, rows=None, chans=None, corrs=None, out=None, threads=0, fill=None, progress=False, copy=True,
         private=False):
    """Reads a column of a casacore table, or a dataset of an HDF5 or UVH5 file, into one array.

    Parameters
    ----------
    path : path-like
        A Measurement Set or any table, "obs.ms::ANTENNA", or an HDF5 file.
    column : str
        The column's name; of an HDF5 file the dataset's ("Data/visdata", or "visdata").
    rows : None, slice, int, or array of int or bool
        Which rows: of a UVH5 file baseline-times, of any dataset the first axis. Numbers in any order, also repeated,
        negative ones from the end; or a mask as long as the table. An int leaves the axis of rows out.
    chans, corrs : None, slice, or int
        Which channels and correlations: the last two axes of a cell. An int keeps its axis, of length 1.
    out : ndarray, optional
        Where the answer goes: of its shape and type; nothing is broadcast or converted. One that is not contiguous is
        filled by a copy.
    threads : int
        0: all that the process may use.
    fill : scalar, optional
        Stands for cells of a table that were never written; without it they are an error.
    progress : bool
        Whether to show how far it is.
    copy : bool
        False: where cells lie in the file as they lie in memory, the array shows the file's own pages: nothing is read
        or allocated until they are touched, however large it is. It can only be read; its strides may not be those of a
        dense array. Else the cells are copied as ever, and a `msio.CopyWarning` says why. You say that nobody writes
        the file while the array lives; see Notes.
    private : bool
        With copy=False: the array can be written. Changes stay in memory, page by page, and never reach the file.

    Returns
    -------
    ndarray or list
        [row][channel][correlation], in the machine's byte order and the column's units; it owns memory of msio's pool,
        or is `out`. With copy=False its `base` is a `msio.View` where nothing was copied, which keeps the mapping. Strings are a list of str, of a table one entry a row; of one row the entry.

    Raises
    ------
    FileNotFoundError
        There is no such table or file.
    KeyError
        It has no such column or dataset.
    IndexError
        Rows, channels or correlations beyond what there is; ends of slices may lie beyond.
    ValueError
        The cells differ in shape (`msio.Table(path).read_cells(column, rows)` is a list of them); there is no axis of
        channels or correlations; `out` is of another shape, or may not be written.
    TypeError
        `out` is of another type.
    msio.Error
        A RuntimeError: all that goes wrong with tables and files is one.

    Notes
    -----
    Each call opens the table or file and checks that it is unchanged, which takes some tens of microseconds;
    `msio.Table` stays open, and `msio.stream` reads ahead.

    Of a file that is cut while a view shows it zeros are read, also where a private view was changed; the next call of
    msio, or the end of the array, warns (`msio.ViewWarning`). One that was written, replaced or removed is told when the
    array ends. `array.base.check()` tells both at once, as an error: values computed from a view are good when a check
    after them returns. A handler of SIGBUS that is installed later (`faulthandler.enable()`) gets in msio's way there.

    Examples
    --------
    >>> data = msio.read("obs.ms", "DATA", rows=slice(0, 1000), chans=slice(12, 24))
    >>> data.shape
    (1000, 12, 2)
    >>> msio.read("obs_sb07.hdf5", "Header/antenna_names", rows=0)
    '1'
    """
    if not isinstance(column, str):
        raise TypeError(f"the name of a column has to be a str, not {column!r}")
    if private and copy or out is not None and not copy:
        raise ValueError("private is for copy=False, which has no out")
    view = not copy and ("private" if private else "shared")
    path = _msio.expand_path(path)
    with _progress(progress, f"reading {column}") as told:
        if os.path.isfile(path):
            return _read_dataset(path, column, rows, chans, corrs, view, out, threads, told)
        return _read_column(path, column, rows, chans, corrs, view, out=out, threads=threads, fill=fill, progress=told)


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


class _Batches:
    """Batches of the columns _names, from a _stream over a _table that is closed with it; what a stream adds is close."""

    def __iter__(self):
        return self

    def __next__(self):
        found = self._stream.next()
        if found is None:
            self._table.close()
            raise StopIteration
        return Batch(found[0], dict(zip(self._names, found[1])))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class stream(_Batches):
    """Columns of a table in batches of rows; the next batch is read while the program works on this one.

    Parameters
    ----------
    path : path-like
        A Measurement Set or any table.
    columns : str or sequence of str
        Of numbers, each with cells of one shape.
    rows : None, slice, or array of int or bool
        Which rows: numbers, in the order of the answer, or a mask.
    chans, corrs : None, slice, or int
        Which channels and correlations: the last two axes of a cell, in all columns that have them. Columns in which
        they differ in size (corrs: DATA and UVW) have to be streamed apart.
    memory : int, optional
        Bytes that the two batches in flight may take together; default 256 MiB. The copy that is handed over comes on
        top: half as much again for each batch that the program keeps.
    rows_per_batch : int, optional
        Default: as many as the memory allows.
    threads : int
        0: all that the process may use.

    Yields
    ------
    Batch
        A dict of arrays [row][channel][correlation] by column, with `row` and `rows`. It owns its arrays: they are
        copied out of the stream's memory, which takes about as long as to read a batch that the system has cached.

    Notes
    -----
    A stream belongs to one thread at a time; another one that uses it meanwhile gets a ValueError. Ctrl-C ends a batch
    that is being waited for, and with it the stream. Used by `with`, or closed, it gives its memory back at once, else
    when it is collected.

    Examples
    --------
    >>> with msio.stream("obs.ms", ["DATA", "FLAG"]) as batches:
    ...     for batch in batches:
    ...         check(batch["DATA"], batch["FLAG"], first_row=batch.row)
    """

    def __init__(self, path, columns, rows=None, chans=None, corrs=None, memory=None, rows_per_batch=None, threads=0):
        self._names = (columns,) if isinstance(columns, str) else tuple(columns)
        limits = _positive(memory, "memory"), _positive(rows_per_batch, "rows_per_batch")
        self._table = _msio.Table(path)
        try:
            rows = _rows(rows, lambda: self._table.nrows)
            self._stream = _msio.ColumnStream(self._table, self._names, rows, *self._parts(rows, chans, corrs), *limits,
                                              threads)
        except BaseException:
            self._table.close()
            raise

    def _parts(self, rows, chans, corrs):
        """(start, count, step) of channels and of correlations, which mean the same in all columns."""
        if chans is None and corrs is None:
            return _axis(None, 0, "chans"), _axis(None, 0, "corrs")
        cells = {name: _cell(self._table, name, rows) for name in self._names}
        if None in cells.values():  # no row is wanted
            return _axis(None, 0, "chans"), _axis(None, 0, "corrs")
        for what, wanted, axis in (("chans", chans, -2), ("corrs", corrs, -1)):
            sizes = {shape[axis]: name for name, shape in cells.items() if len(shape) >= -axis}
            if wanted is not None and len(sizes) > 1:
                (one, size), (other, than) = [(name, size) for size, name in sizes.items()][:2]
                raise ValueError(f"{what} would be of {size} in column {one} and of {than} in column {other}: they "
                                 "have to be streamed apart")
        largest = max(cells, key=lambda name: len(cells[name]))
        return _parts(largest, cells[largest], chans, corrs)

    def close(self):
        """Ends the stream; may come before its end, and more than once."""
        self._stream.close()
        self._table.close()
