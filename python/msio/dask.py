"""dask arrays over Measurement Sets and groups of subbands, for one machine and for many.

    import msio.dask
    columns = msio.dask.columns("obs.ms", ["DATA", "FLAG"])
    fraction = columns["FLAG"].mean().compute()
    msio.dask.store(columns["DATA"] / gain, "obs.ms", "CORRECTED_DATA")

Chunks follow the tiles and chunks on disk. A task carries path, selection and the file's signature, and holds no handle:
it may run in any process that sees the path. A file that changed since the array was made is an error.
"""
import hashlib
import math
import os
import re
import sys
import threading
import time
from functools import partial
from multiprocessing import parent_process
from numbers import Integral

import numpy as np

from . import _msio
from ._errors import ChangedError, LockedError, ShapeError, UndefinedError, UnsupportedError
from .subbands import _wish
from .writing import _dtype, write as _write

__all__ = ["columns", "group", "signature", "store"]

_CHUNK_BYTES = 64 << 20
_FACTS = ("frequencies", "widths", "polarizations", "times", "antenna1", "antenna2", "uvw", "integration_times")


def signature(path):
    """What tells one state of a table or file from another: a digest of its files' names, inodes, sizes and times.

    Parameters
    ----------
    path : path-like
        A file, a table's folder, or "obs.ms::ANTENNA". Of a reference or concatenated table those of the tables whose
        rows it shows count as well.

    Returns
    -------
    str
    """
    return _digest(os.fspath(path))


def _digest(path, without=()):
    """The signature; without the files of data managers, by their numbers, that are written meanwhile."""
    return hashlib.blake2b(repr(_stamps(path, without)).encode(), digest_size=16).hexdigest()


# What a write puts beside the files that it changes: its lock, and old bytes that are put back after a kill.
_NO_STATE = ("table.lock", "table.msio_write")


def _stamps(path, without=()):
    path = _msio.expand_path(path)
    if os.path.isfile(path):
        return [_stamp(path)]
    with _msio.Table(path) as table:
        folder, parts = table.path, table.parts
    names = sorted(name for name in os.listdir(folder)
                   if name.startswith("table.") and name not in _NO_STATE and _manager_of(name) not in without)
    return [_stamp(os.path.join(folder, name)) for name in names] + [stamp for part in parts for stamp in _stamps(part)]


def _manager_of(name):
    """The number of the data manager whose file that is: table.f3, table.f3_TSM1, table.f3i; -1: of none."""
    found = re.match(r"table\.f(\d+)", name)
    return int(found[1]) if found else -1


def _stamp(path):
    """Of the file itself, not of the machine that looks: no device, whose number is each machine's own."""
    facts = os.stat(path)
    return os.path.basename(path), facts.st_ino, facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns


def _check(paths, expected, without=()):
    for path, before in zip(paths, expected):
        if _digest(path, without) != before:
            raise ChangedError(f"{path}: it changed since the dask array was made; make the array anew")


def _threads():
    """Threads of msio for one task: one where others run beside it, in a worker of several threads, a pool's thread or a
    pool's process; else 0, all that there may be."""
    try:
        several = sys.modules["distributed"].get_worker().state.nthreads > 1
    except (KeyError, ValueError, AttributeError):
        several = threading.current_thread() is not threading.main_thread() or parent_process() is not None
    return 1 if several else 0


def _read_rows(path, column, cell, expected, start, stop, without=()):
    """One chunk of a column, whose cells have that shape: a task."""
    _check([path], [expected], without)
    with _msio.Table(path) as table:
        array = table.read(column, rows=slice(start, stop), threads=_threads(), once=True)
    _check([path], [expected], without)
    if array.shape[1:] != cell:
        raise ShapeError(f"{path}: column {column} varies in shape: row 0 has {list(cell)}, rows {start} to {stop - 1} "
                         f"have {list(array.shape[1:])}; a dask array has to have one")
    return array


def _split(rows, size):
    """Chunks of that size, and one of what is left; of no rows one as well."""
    return (size,) * (rows // size) + ((rows % size,) if rows % size or not rows else ())


def _row_chunks(chunks, rows, arrays):
    """Rows of each chunk, the same for all arrays that are made together, so that dask need not cut them anew to combine
    them: as the caller wants them, or whole units (tiles, chunks, integrations) that make about _CHUNK_BYTES of the largest.

    arrays: (bytes of a row, rows of a unit) of each.
    """
    if chunks is None or isinstance(chunks, str) and chunks == "auto":
        row_bytes, unit = max(arrays, default=(1, 1))
        common = math.lcm(*(rows_of_one for _, rows_of_one in arrays))
        unit = max(1, min(common if common * row_bytes <= _CHUNK_BYTES else unit, rows or 1))
        return _split(rows, max(1, _CHUNK_BYTES // max(1, row_bytes * unit)) * unit)
    one = isinstance(chunks, Integral)
    each = isinstance(chunks, (list, tuple, np.ndarray)) and all(isinstance(size, Integral) for size in chunks)
    if not one and not each:
        raise TypeError('chunks are a number of rows (-1: all), a sequence of those of each chunk, or "auto", not '
                        f"{chunks!r}")
    if one and chunks == -1:
        chunks = rows or 1
    least = int(chunks if one else min(chunks, default=1))
    if least < 1 and (one or rows):
        raise ValueError(f"a chunk has at least one row, not {least}")
    if one or not rows:
        return _split(rows, max(least, 1))
    if sum(chunks) != rows:
        raise ValueError(f"the chunks have {sum(chunks)} rows together, there are {rows}")
    return tuple(int(size) for size in chunks)


def _assemble(name, read, sizes, shape, dtype):
    """An array of chunks along the first axis: what `read` gives from a first row to before a last.

    A task is a call without arguments: dask takes an argument that equals a key beside it for what that key stands for.
    """
    import dask.array as da
    ends, rest = np.cumsum(sizes).tolist(), tuple((size,) for size in shape[1:])
    graph = {(name, i, *[0] * len(rest)): (partial(read, end - size, end),)
             for i, (size, end) in enumerate(zip(sizes, ends))}
    return da.Array(graph, name, (sizes, *rest), dtype=dtype, shape=shape)


def columns(path, names, chunks=None):
    """Columns of a table as dask arrays.

    Parameters
    ----------
    path : path-like
        Has to be seen by the workers under the same name.
    names : str or sequence of str
        Columns of numbers or truths whose cells have one shape.
    chunks : int, sequence of int, or "auto", optional
        Rows of every chunk (-1: all in one), or of each; default, and "auto": whole tiles, about 64 MiB of the column that
        has the largest rows. All columns of one call have the same chunks.

    Returns
    -------
    dict of dask.array.Array
        [row][channel][correlation] by column.

    Raises
    ------
    Those of `msio.read`, and UnsupportedError for a column of strings; where an array is computed ShapeError, where cells
    have another shape than that of row 0, and ChangedError.
    """
    from dask.base import tokenize
    path, made = os.path.abspath(os.fspath(_msio.expand_path(path))), {}
    state = signature(path)
    with _msio.Table(path) as table:
        rows = table.nrows
        firsts = {column: _first_row(table, column) for column in ((names,) if isinstance(names, str) else names)}
    sizes = _row_chunks(chunks, rows, [(first.nbytes, unit) for first, unit in firsts.values()])
    for column, (first, _) in firsts.items():
        shape = (rows, *first.shape[1:])
        name = f"msio-{column}-" + tokenize(path, column, state, sizes)
        made[column] = _assemble(name, partial(_read_rows, path, column, shape[1:], state), sizes, shape, first.dtype)
    return made


def _first_row(table, column):
    """A column's first row, where there is one, and the rows of a tile."""
    described = table.describe(column)
    if described["type"] == "String":
        raise UnsupportedError(f"{table.path}: column {column} holds strings, which make no dask array; msio.read gives "
                               "them as a list")
    return table.read(column, rows=slice(0, min(table.nrows, 1))), described["tile"][0] if described["tile"] else 1


def _load_rows(wish, expected, start, stop):
    """One chunk of a group's array: a task. `wish` is what the extension's load takes, for one array."""
    _check(wish["paths"], expected)
    loaded = _msio.load(**{**wish, "rows": (start, stop - start, 1), "threads": _threads()})
    _check(wish["paths"], expected)
    (array,) = (loaded[name] for name in ("visdata", "flags", "nsamples") if loaded[name] is not None)
    return array


def _chunk_rows(path, array):
    """Rows of a chunk of a file's array; 0 where it is stored in one piece, or this is no UVH5 file."""
    if os.path.isdir(path):
        return 0
    chunk = _msio.describe_dataset(path, "Data/" + array)["chunk"]
    return chunk[0] if chunk else 0


def group(what, chunks=None, arrays=("visdata", "flags", "nsamples"), missing="error", chans=None, corrs=None,
          subbands=None, visdata_type=None, time=None, pattern=None, expected=16):
    """The subbands of an observation time as dask arrays.

    Parameters
    ----------
    what : Group, path-like, or sequence of path-like
        See `msio.load`, as for all but chunks.
    chunks : int, sequence of int, or "auto", optional
        Rows of every chunk (-1: all in one), or of each; default, and "auto": whole chunks of the files, else whole
        integrations, about 64 MiB of the largest array.
    arrays : sequence of {"visdata", "flags", "nsamples"}
    missing : {"error", "skip", "flag"}
    chans, corrs : slice or int, optional
    subbands : sequence of int, optional
    visdata_type : dtype, optional
    time, pattern, expected
        Which group of a folder.

    Returns
    -------
    dict
        dask arrays [row][channel][polarization] by name, and what one needs to use them as numpy arrays: frequencies,
        widths, polarizations, times, antenna1, antenna2, uvw, integration_times.

    Raises
    ------
    Those of `msio.load`; where the array is computed ChangedError as well: a file changed since the array was made.
    """
    from dask.base import tokenize
    arrays = (arrays,) if isinstance(arrays, str) else tuple(arrays)

    def wished(*names):
        wish = _wish(what, names, missing, "row-chan-pol", None, None, chans, corrs, subbands, None, visdata_type, 0,
                     time, pattern, expected)
        wish["paths"] = [os.path.abspath(os.fspath(path)) for path in wish["paths"]]
        return wish
    facts = _msio.load(**wished())
    made = {name: facts[name] for name in _FACTS}
    rows, wishes = len(facts["times"]), {name: wished(name) for name in arrays}
    paths = wished()["paths"]
    state = tuple(signature(path) for path in paths)
    firsts = {name: _load_rows(wish, state, 0, min(rows, 1)) for name, wish in wishes.items()}
    integration = int(np.argmax(facts["times"] != facts["times"][0])) if rows else 0
    sizes = _row_chunks(chunks, rows, [(first.nbytes, _chunk_rows(paths[0], name) or integration or rows or 1)
                                       for name, first in firsts.items()])
    for name, first in firsts.items():
        token = f"msio-{name}-" + tokenize(wishes[name], state, sizes)
        made[name] = _assemble(token, partial(_load_rows, wishes[name], state), sizes, (rows, *first.shape[1:]), first.dtype)
    return made


# ---------------------------------------------------------------- arrays into columns

def _target(path, column, array):
    """(rows of a tile, number of the data manager) of a column that can take the array. Cells that were never written get
    their shape, and room on the disk: tasks write parts of them."""
    with _msio.Table(path, writable=True) as table:
        described, rows, cell = table.describe(column), table.nrows, array.shape[1:]
        if array.ndim < 1 or array.shape[0] != rows:
            raise ValueError(f"{path}: an array of shape {array.shape} for the {rows} rows of column {column}")
        if rows:
            try:
                there = table.read(column, rows=slice(0, 1)).shape[1:]
            except UndefinedError:
                there = cell
                table.fill(column, np.zeros((), _dtype(table, column)), None, cell_shape=cell, allocate=True)
            if there != cell:
                raise ValueError(f"{path}: an array of cells {list(cell)} for column {column}, whose cells are {list(there)}")
        return (described["tile"] or [1])[0], table.manager_number(column)


def _tile_chunks(sizes, unit):
    """Chunks that end where tiles do: each of those there are goes on to the end of its last tile."""
    ends, rows = [], sum(sizes)
    for end in np.cumsum(sizes).tolist():
        end = min(rows, -(-end // unit) * unit)
        if end > (ends[-1] if ends else 0):
            ends.append(end)
    return tuple(np.diff([0, *ends]).tolist()) or (0,)


def _write_rows(path, column, start, casting, sync, lock_seconds, block):
    """One chunk put into a column: a task. What it wrote before, and did not live to tell, it writes again."""
    deadline = time.monotonic() + lock_seconds
    while True:
        try:
            _write(path, column, block, rows=slice(start, start + len(block)), casting=casting, sync=sync, threads=_threads())
            return np.array([len(block)])
        except LockedError:  # by other tasks, which write one after the other
            if time.monotonic() >= deadline:
                raise


def _written(array, path, column, unit, casting, sync, lock_seconds):
    """An array of the rows that each task wrote."""
    import dask.array as da
    from dask.base import tokenize
    from dask.highlevelgraph import HighLevelGraph
    array = array.rechunk({0: _tile_chunks(array.chunks[0], unit), **{axis: -1 for axis in range(1, array.ndim)}})
    name = f"msio-store-{column}-" + tokenize(array.name, path, column, os.urandom(8))
    ends = np.cumsum(array.chunks[0]).tolist()
    graph = {(name, i): (partial(_write_rows, path, column, end - size, casting, sync, lock_seconds),
                         (array.name, i, *[0] * (array.ndim - 1)))
             for i, (size, end) in enumerate(zip(array.chunks[0], ends))}
    graph = HighLevelGraph.from_collections(name, graph, dependencies=[array])
    return da.Array(graph, name, ((1,) * len(ends),), dtype=int)


# Tasks of `columns` that read the table which is written must not take that for a change of what they read.

def _reads(task):
    """The call of _read_rows that a task is; None: another one."""
    call = task[0] if isinstance(task, tuple) and task else getattr(task, "func", None)
    return call if isinstance(call, partial) and call.func is _read_rows else None


def _layers(array):
    return {name: dict(layer) for name, layer in array.__dask_graph__().layers.items() if name.startswith("msio-")}


def _check_reads(array, path, columns):
    """What the array reads of the table is as it was, and none of what is written: a task may run twice."""
    for layer in _layers(array).values():
        calls = [call for call in map(_reads, layer.values()) if call and os.path.realpath(call.args[0]) == path]
        for call in calls[:1]:
            if call.args[1] in columns:
                raise ValueError(f"{path}: column {call.args[1]} would be made of itself: a task that runs twice, as after "
                                 "the death of a worker, would read what it wrote; store into another column")
            _check([call.args[0]], [call.args[3]])


def _reading_beside(array, path, state, without):
    """The same array, whose reads of the table let files of these data managers change."""
    import dask.array as da
    from dask.highlevelgraph import HighLevelGraph, MaterializedLayer
    graph, layers = array.__dask_graph__(), {}
    for name, layer in _layers(array).items():
        for key, task in layer.items():
            call = _reads(task)
            if not call or os.path.realpath(call.args[0]) != path:
                break
            source, column, cell, _, start, stop = call.args
            layer[key] = (partial(_read_rows, source, column, cell, state, start, stop, without=without),)
        else:
            layers[name] = MaterializedLayer(layer)
    if not layers:
        return array
    graph = HighLevelGraph({**graph.layers, **layers}, graph.dependencies)
    return da.Array(graph, array.name, array.chunks, meta=array._meta)


def store(arrays, path, columns, compute=True, casting=None, sync=False, lock_seconds=600):
    """Puts dask arrays into columns of a casacore table, from the workers that computed them.

    Parameters
    ----------
    arrays : dask.array.Array, or sequence of them
        [row][channel][correlation] of all rows, of the columns' types. Chunks are put together to whole cells and, along
        rows, to whole tiles: no two tasks write to one tile.
    path : path-like
        Has to be seen by the workers under the same name.
    columns : str, or sequence of str
        Their names. Cells that were never written, as of a column that was just added, get their shape at once, and room on
        the disk.
    compute : bool
        Whether to do it now; else what is given back does it.
    casting, sync
        As of `msio.write`.
    lock_seconds : float
        How long a task waits for its turn: one after the other writes a table, while the others compute.

    Returns
    -------
    None, or with compute=False a dask array without axes: computing it writes, and gives the number of rows.

    Raises
    ------
    ValueError
        An array of another shape than its column; one that reads the column which it is to be put into.
    Those of `msio.write`; where the arrays read columns of the same table ChangedError, if it changed since they were made.

    Notes
    -----
    A task that is run again, because its worker died, writes the same values to the same rows once more; what the dead one
    left half written is put back before. After a kill of everything so does the same call, made again. Columns that arrays of
    `msio.dask.columns` read of the same table may be read meanwhile: files of the columns that are written do not count as
    changes.

    Examples
    --------
    >>> columns = msio.dask.columns("obs.ms", ["DATA", "MODEL_DATA"])
    >>> msio.dask.store(columns["DATA"] - columns["MODEL_DATA"], "obs.ms", "CORRECTED_DATA")
    """
    import dask
    arrays, columns = ((arrays,), (columns,)) if isinstance(columns, str) else (tuple(arrays), tuple(columns))
    if len(arrays) != len(columns) or len(set(columns)) != len(columns):
        raise ValueError(f"{len(arrays)} arrays for the columns {', '.join(map(str, columns))}: one each")
    path = os.path.abspath(os.fspath(_msio.expand_path(path)))
    for array in arrays:
        _check_reads(array, os.path.realpath(path), columns)
    targets = [_target(path, column, array) for column, array in zip(columns, arrays)]
    numbers = tuple(number for _, number in targets)
    state = _digest(path, numbers)
    parts = [_written(_reading_beside(array, os.path.realpath(path), state, numbers), path, column, unit, casting, sync,
                      lock_seconds) for array, column, (unit, _) in zip(arrays, columns, targets)]
    if not compute:
        return sum(part.sum() for part in parts)
    dask.compute(*parts)
    return None
