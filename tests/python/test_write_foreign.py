"""What casacore has to write leaves the locks of the python-casacore in this process alone."""
import ctypes
import subprocess
import sys

import numpy as np
import pytest

import msio
from msio import _msio

tables = pytest.importorskip("casacore.tables")
LOCKED = -12
library = ctypes.CDLL(_msio.__file__)


class ColumnsOpts(ctypes.Structure):
    _fields_ = [("struct_size", ctypes.c_size_t), ("lock_seconds", ctypes.c_double), ("zeros", ctypes.c_int),
                ("allocate", ctypes.c_int), ("copy_data", ctypes.c_int), ("progress", ctypes.c_void_p),
                ("user", ctypes.c_void_p)]


def add_rows(path, rows):
    opts = ColumnsOpts(ctypes.sizeof(ColumnsOpts), 0.2, 1, 0, 0, None, None)
    return library.msio_rows_add(path.encode(), ctypes.c_int64(rows), ctypes.byref(opts))


def add_column(path, name, like):
    opts = ColumnsOpts(ctypes.sizeof(ColumnsOpts), 0.2, 1, 0, 0, None, None)
    return library.msio_column_add_like(path.encode(), name.encode(), like.encode(), ctypes.byref(opts), None)


@pytest.fixture
def path(tmp_path):
    name = str(tmp_path / "t")
    columns = [tables.makescacoldesc("ISM", 0, datamanagertype="IncrementalStMan", datamanagergroup="i"),
               tables.makescacoldesc("PLAIN", 0)]
    table = tables.table(name, tables.maketabdesc(columns), nrow=10, ack=False)
    table.putcol("ISM", np.arange(10))
    table.close()
    return name


def locked_elsewhere(path):
    """Whether another process finds the table's write lock taken."""
    code = ("import sys, fcntl\n"
            "with open(sys.argv[1] + '/table.lock', 'r+b') as f:\n"
            "    try: fcntl.lockf(f, fcntl.LOCK_EX | fcntl.LOCK_NB, 1)\n"
            "    except OSError: sys.exit(1)\n")
    return subprocess.run([sys.executable, "-c", code, path]).returncode == 1


def test_a_lock_of_this_process_survives(path):
    table = tables.table(path, readonly=False, lockoptions="user", ack=False)
    table.lock(True)
    table.putcell("ISM", 4, 44)
    assert add_rows(path, 3) == LOCKED
    assert locked_elsewhere(path)
    assert add_column(path, "NEW", "PLAIN") == LOCKED
    assert locked_elsewhere(path)
    with pytest.raises(msio.LockedError, match="this process"):
        msio.write(path, "PLAIN", np.arange(10, dtype=np.int32))
    assert locked_elsewhere(path)
    table.putcell("ISM", 5, 55)
    table.unlock()
    assert not locked_elsewhere(path)
    assert list(tables.table(path, ack=False).getcol("ISM")[4:6]) == [44, 55]


@pytest.mark.parametrize("option", ["user", "auto", "permanent"])
def test_what_casacore_has_to_write_is_written_by_the_one_that_has_the_table_open(path, option):
    table = tables.table(path, readonly=False, lockoptions=option, ack=False)
    if option == "user":
        table.lock(True)
    table.putcell("ISM", 4, 44)
    locked = table.haslock(True)
    msio.write(path, "ISM", np.array([70, 30], np.int32), rows=[7, 3])
    assert table.haslock(True) == locked == locked_elsewhere(path)
    assert list(table.getcol("ISM")) == [0, 1, 2, 30, 44, 5, 6, 70, 8, 9]
    msio.fill(path, "ISM", 5, rows=slice(0, 6, 2))
    msio.write(path, "ISM", np.array([11], np.int32)[0:1], rows=[1])
    assert list(table.getcol("ISM")) == [5, 11, 5, 30, 5, 5, 6, 70, 8, 9]
    msio.write(path, "ISM", np.arange(10, dtype=np.int32) + 100)
    with pytest.raises((ValueError, msio.Error)):
        msio.write(path, "ISM", np.arange(4, dtype=np.int32))
    with pytest.raises((IndexError, msio.Error)):
        msio.fill(path, "ISM", 5, rows=[3, 99])
    table.putcell("PLAIN", 2, 22)
    assert table.haslock(True) == locked_elsewhere(path)
    table.close()
    assert list(msio.read(path, "ISM")) == list(range(100, 110)) and msio.read(path, "PLAIN")[2] == 22


def test_a_lock_on_another_table_survives_and_an_open_table_sees_it(path, tmp_path):
    other = str(tmp_path / "other")
    tables.tablecopy(path, other)
    held = tables.table(other, readonly=False, lockoptions="user", ack=False)
    held.lock(True)
    table = tables.table(path, readonly=False, lockoptions="user", ack=False)
    table.lock(False)
    assert table.getcell("ISM", 3) == 3
    table.unlock()
    msio.write(path, "ISM", np.arange(100, 110, dtype=np.int32))
    msio.fill(path, "PLAIN", 7)
    assert locked_elsewhere(other)
    table.lock(True)
    assert list(table.getcol("ISM")) == list(range(100, 110))
    assert (table.getcol("PLAIN") == 7).all()
    table.putcell("ISM", 0, 5)
    table.unlock()
    assert list(msio.read(path, "ISM")) == [5, *range(101, 110)]
    table.close()
    assert add_rows(path, 3) == 0
    assert add_column(path, "NEW", "PLAIN") == 0
    assert len(msio.read(path, "NEW")) == 13
    assert locked_elsewhere(other)
    held.putcell("ISM", 0, 6)
    held.unlock()
    assert not locked_elsewhere(other)
