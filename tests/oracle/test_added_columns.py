"""Columns and rows that the C API adds, as python-casacore then sees them.

usage: test_added_columns.py LIBRARY      LIBRARY: libmsio.so

The library is called in a process that has python-casacore's own copy of casacore, tables and locks of it included.
Exit codes: 0 all passed, 1 some failed, 77 nothing could be tested (and why).
"""
import ctypes
import os
import shutil
import sys
import tempfile
import unittest

try:
    import numpy as np
    import casacore.tables as ct
except ImportError as missing:
    print(f"skipped: {missing}; the oracle of these tests is python-casacore (apt install python3-casacore)")
    sys.exit(77)

LIBRARY = ctypes.CDLL(sys.argv[1]) if len(sys.argv) > 1 else None
AXES = 8
INT, FLOAT, COMPLEX, STRING = 5, 7, 9, 11  # of msio_type, which are casacore's


class Keyword(ctypes.Structure):
    _fields_ = [("name", ctypes.c_char_p), ("type", ctypes.c_int), ("count", ctypes.c_int64),
                ("values", ctypes.c_void_p)]


class Column(ctypes.Structure):
    _fields_ = [("struct_size", ctypes.c_size_t), ("name", ctypes.c_char_p), ("comment", ctypes.c_char_p),
                ("type", ctypes.c_int), ("ndim", ctypes.c_int), ("fixed_shape", ctypes.c_int),
                ("direct", ctypes.c_int), ("shape", ctypes.c_int64 * AXES), ("manager", ctypes.c_char_p),
                ("manager_name", ctypes.c_char_p), ("tile_ndim", ctypes.c_int), ("tile", ctypes.c_int64 * (AXES + 1)),
                ("bucket_bytes", ctypes.c_int64), ("keywords", ctypes.c_int), ("keyword", ctypes.POINTER(Keyword))]


class Options(ctypes.Structure):
    _fields_ = [("struct_size", ctypes.c_size_t), ("lock_seconds", ctypes.c_double), ("zeros", ctypes.c_int),
                ("allocate", ctypes.c_int), ("copy_data", ctypes.c_int), ("progress", ctypes.c_void_p),
                ("user", ctypes.c_void_p)]


def add(path, *columns, seconds=5):
    options = Options(ctypes.sizeof(Options), seconds, 1, 0, 0)
    all_of_them = (Column * len(columns))(*columns)
    return LIBRARY.msio_columns_add(os.fsencode(path), len(columns), all_of_them, ctypes.byref(options))


def add_rows(path, rows, seconds=5):
    options = Options(ctypes.sizeof(Options), seconds, 1, 0, 0)
    return LIBRARY.msio_rows_add(os.fsencode(path), ctypes.c_int64(rows), ctypes.byref(options))


def column(name, kind, shape=None, ndim=0, **more):
    made = Column(ctypes.sizeof(Column), name, more.pop("comment", None), kind, len(shape) if shape else ndim,
                  int(bool(shape)))
    made.shape[:len(shape or ())] = shape or ()
    tile = more.pop("tile", ())
    made.tile[:len(tile)] = tile
    made.tile_ndim = len(tile)
    for key, value in more.items():
        setattr(made, key, value)
    return made


class Added(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="msio-added-")
        self.addCleanup(shutil.rmtree, self.folder)
        self.path = os.path.join(self.folder, "t")
        with ct.table(self.path, ct.maketabdesc([ct.makescacoldesc("A", 0)]), nrow=10, ack=False) as table:
            table.putcol("A", np.arange(10))

    def test_columns_as_described(self):
        unit = (ctypes.c_char_p * 1)(b"Jy")
        keyword = Keyword(b"UNIT", STRING, -1, ctypes.cast(unit, ctypes.c_void_p))
        status = add(self.path,
                     column(b"F", FLOAT, shape=(4, 2), manager=b"TiledColumnStMan", manager_name=b"tiles",
                            tile=(5, 4, 2), comment=b"two words", keywords=1, keyword=ctypes.pointer(keyword)),
                     column(b"V", COMPLEX, ndim=2, manager=b"TiledShapeStMan", tile=(8, 4, 2)),
                     column(b"S", INT))
        self.assertEqual(status, 0)
        with ct.table(self.path, ack=False) as table:
            self.assertEqual(table.colnames(), ["A", "F", "V", "S"])
            self.assertEqual(table.getcoldesc("F")["comment"], "two words")
            self.assertEqual(table.getcolkeywords("F"), {"UNIT": "Jy"})
            np.testing.assert_array_equal(table.getcol("F"), np.zeros((10, 4, 2), np.float32))
            self.assertEqual(list(table.getdminfo("F")["SPEC"]["DEFAULTTILESHAPE"]), [2, 4, 5])
            self.assertEqual((table.getdminfo("F")["TYPE"], table.getdminfo("F")["NAME"]), ("TiledColumnStMan", "tiles"))
            self.assertEqual(table.getcoldesc("V")["valueType"], "complex")
            self.assertFalse(table.iscelldefined("V", 0))
            self.assertEqual(table.getdminfo("S")["TYPE"], "StandardStMan")
            np.testing.assert_array_equal(table.getcol("A"), np.arange(10))

    def test_rows(self):
        self.assertEqual(add_rows(self.path, 7), 0)
        with ct.table(self.path, ack=False) as table:
            self.assertEqual(table.nrows(), 17)
            np.testing.assert_array_equal(table.getcol("A", 0, 10), np.arange(10))

    def test_wrong_ones_change_nothing(self):
        wrong = (column(b"A", INT), column(b"X", INT, manager=b"NoSuchStMan"), column(b"X", 99), column(b"", INT),
                 column(b"X", FLOAT, manager=b"TiledShapeStMan"),
                 column(b"X", FLOAT, ndim=2, manager=b"TiledColumnStMan"),
                 column(b"X", FLOAT, ndim=2, manager=b"TiledShapeStMan", tile=(4, 4)))
        for one in wrong:
            self.assertNotEqual(add(self.path, column(b"GOOD", INT), one), 0, one.name)
            with ct.table(self.path, ack=False) as table:
                self.assertEqual(table.colnames(), ["A"])

    def test_locks_of_this_process_survive(self):
        """A POSIX lock goes when any descriptor of its file is closed: nothing here may open and close table.lock."""
        with ct.table(self.path, readonly=False, ack=False, lockoptions="user") as table:
            table.lock(True)
            self.assertNotEqual(add(self.path, column(b"X", INT), seconds=0.2), 0)
            self.assertNotEqual(add_rows(self.path, 1, seconds=0.2), 0)
            with open("/proc/locks") as file:
                inode = os.stat(os.path.join(self.path, "table.lock")).st_ino
                held = [line for line in file if f":{inode} " in line and "WRITE" in line]
            self.assertTrue(any("POSIX" in line and f" {os.getpid()} " in line for line in held), held)
            self.assertTrue(table.haslock(True))
            table.unlock()


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]], verbosity=1)
