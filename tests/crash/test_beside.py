"""Writes beside casacore processes that have the table open: what they see, what they write afterwards, who waits for whom.

usage: test_beside.py WRITE_ONCE [--seconds N]
"""
import ctypes
import os
import subprocess
import sys
import tempfile
import time
import unittest

try:
    import numpy as np
    from casacore import tables
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
WRITER = os.path.abspath(sys.argv[1])
SECONDS = 3.0
if "--seconds" in sys.argv:
    SECONDS = float(sys.argv[sys.argv.index("--seconds") + 1])

from test_crash import ROWS, element_values, make_table  # noqa: E402

# A second casacore process: reads lines of Python from its input, answers each with a line.
OTHER = """
import sys
import numpy as np
from casacore import tables
t = tables.table(sys.argv[1], ack=False, readonly=False, lockoptions=sys.argv[2])
print("open", flush=True)
for line in sys.stdin:
    try:
        print(repr(eval(line)), flush=True)
    except Exception as error:
        print("error", error, flush=True)
"""


class Other:
    def __init__(self, path, lock):
        self.process = subprocess.Popen([sys.executable, "-c", OTHER, path, lock], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        assert self.process.stdout.readline() == "open\n"

    def ask(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def close(self):
        self.process.stdin.close()
        self.process.wait(timeout=30)
        self.process.stdout.close()


def write(kind, path, seconds=None):
    env = dict(os.environ)
    if seconds is not None:
        env["WRITE_ONCE_LOCK_SECONDS"] = str(seconds)
    done = subprocess.run([WRITER, kind, path], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, env=env)
    return done.returncode, done.stdout + done.stderr


class OpenOpts(ctypes.Structure):  # msio_open_opts
    _fields_ = [("struct_size", ctypes.c_size_t), ("freshness", ctypes.c_int), ("native", ctypes.c_int),
                ("nolock", ctypes.c_int), ("lock_seconds", ctypes.c_double), ("writable", ctypes.c_int)]


class WriteOpts(ctypes.Structure):  # msio_write_opts
    _fields_ = [("struct_size", ctypes.c_size_t), ("threads", ctypes.c_int), ("atomic", ctypes.c_int),
                ("sync", ctypes.c_int), ("unguarded", ctypes.c_int), ("cell_ndim", ctypes.c_int),
                ("cell_shape", ctypes.c_int64 * 8), ("allocate", ctypes.c_int), ("progress", ctypes.c_void_p),
                ("user", ctypes.c_void_p)]


class Select(ctypes.Structure):  # msio_select
    _fields_ = [("struct_size", ctypes.c_size_t), ("row", ctypes.c_int64), ("rows", ctypes.c_int64),
                ("row_step", ctypes.c_int64), ("row_list", ctypes.c_void_p), ("rows_in_list", ctypes.c_int64),
                ("chan", ctypes.c_int64), ("chans", ctypes.c_int64), ("chan_step", ctypes.c_int64),
                ("corr", ctypes.c_int64), ("corrs", ctypes.c_int64), ("corr_step", ctypes.c_int64)]


class InThisProcess:
    """The library in the process that has python-casacore, too."""

    def __init__(self, path, writable):
        self.lib = ctypes.CDLL(os.environ["MSIO_LIBRARY"])
        self.lib.msio_status_name.restype = ctypes.c_char_p
        self.table = ctypes.c_void_p()
        self.column = ctypes.c_void_p()
        opts = OpenOpts(ctypes.sizeof(OpenOpts), 0, 1, 0, 0.5, writable)
        self.told(self.lib.msio_table_open(path.encode(), ctypes.byref(opts), ctypes.byref(self.table)))
        self.told(self.lib.msio_table_column(self.table, b"ANTENNA1", ctypes.byref(self.column)))

    def told(self, status):
        assert status == 0, self.lib.msio_status_name(status)

    def read(self):
        out = np.zeros(ROWS, np.int32)
        self.told(self.lib.msio_read(self.column, None, ctypes.c_void_p(out.ctypes.data), ctypes.c_size_t(out.nbytes), None))
        return out

    def write(self, value):
        number = ctypes.c_int32(value)
        status = self.lib.msio_write_value(self.column, None, ctypes.byref(number), ctypes.c_size_t(4), None)
        return self.lib.msio_status_name(status).decode()

    def close(self):
        self.told(self.lib.msio_table_close(self.table))


class Beside(unittest.TestCase):
    def setUp(self):
        self.scratch = tempfile.TemporaryDirectory(prefix="msio-beside-")
        self.path = os.path.join(self.scratch.name, "table")
        make_table(self.path)
        self.others = []

    def tearDown(self):
        for other in self.others:
            other.close()
        self.scratch.cleanup()

    def open_other(self, lock):
        self.others.append(Other(self.path, lock))
        return self.others[-1]

    def check_cells(self, column, expected):
        with tables.table(self.path, ack=False, lockoptions="usernoread") as t:
            np.testing.assert_array_equal(t.getcol(column), expected)

    def sees_and_keeps(self, lock, unlock):
        """The other one has cells of a tile in memory, lets go; we write; it sees ours at its next lock, and its put of a
        neighbour in the same tile loses nothing."""
        other = self.open_other(lock)
        other.ask("t.lock(True)")
        for column in ("DATA", "FLAG", "ANTENNA1"):
            other.ask(f"float(np.real(t.getcell('{column}', 3)).sum())")
        other.ask(unlock)
        code, said = write("both", self.path)
        self.assertEqual(code, 0, said)
        other.ask("t.lock(True)")
        new = {c: element_values(c, 1) for c in ("DATA", "FLAG", "ANTENNA1")}
        self.assertEqual(other.ask("complex(t.getcell('DATA', 3)[5, 2])"), repr(complex(new["DATA"][3, 5, 2])))
        self.assertEqual(other.ask("bool(t.getcell('FLAG', 3)[5, 2])"), repr(bool(new["FLAG"][3, 5, 2])))
        self.assertEqual(other.ask("int(t.getcell('ANTENNA1', 3))"), repr(int(new["ANTENNA1"][3])))
        other.ask("t.putcell('DATA', 4, np.full((64, 4), 9j, np.complex64))")
        other.ask("t.putcell('FLAG', 4, np.ones((64, 4), bool))")
        other.ask("t.putcell('ANTENNA1', 4, 12345)")
        other.ask("t.flush()")
        other.ask("t.unlock()")
        other.close()
        self.others.remove(other)
        new["DATA"][4], new["FLAG"][4], new["ANTENNA1"][4] = 9j, True, 12345
        for column, expected in new.items():
            self.check_cells(column, expected)

    def test_user_locking(self):
        self.sees_and_keeps("user", "t.unlock()")

    def test_auto_locking(self):
        self.sees_and_keeps("auto", "t.unlock()")

    def test_autonoread_locking(self):
        other = self.open_other("autonoread")
        self.assertEqual(other.ask("int(t.getcell('ANTENNA1', 3))"), "3")
        code, said = write("scalar", self.path)
        self.assertEqual(code, 0, said)
        other.ask("t.resync()")
        self.assertEqual(other.ask("int(t.getcell('ANTENNA1', 3))"), "1000003")

    def test_new_cells_are_seen(self):
        other = self.open_other("user")
        other.ask("t.lock(False)")
        self.assertEqual(other.ask("t.iscelldefined('MODEL_DATA', 7)"), "False")
        other.ask("t.unlock()")
        code, said = write("fresh", self.path)
        self.assertEqual(code, 0, said)
        other.ask("t.lock(True)")
        self.assertEqual(other.ask("complex(t.getcell('MODEL_DATA', 7)[1, 1])"),
                         repr(complex(element_values("DATA", 1)[7, 1, 1])))
        other.ask("t.putcell('MODEL_DATA', 8, np.full((64, 4), 2j, np.complex64))")
        other.ask("t.unlock()")
        other.close()
        self.others.remove(other)
        expected = element_values("DATA", 1)
        expected[8] = 2j
        self.check_cells("MODEL_DATA", expected)

    def test_who_keeps_its_lock_is_named(self):
        other = self.open_other("auto")
        other.ask("int(t.getcell('ANTENNA1', 3))")
        code, said = write("scalar", self.path, seconds=0.5)
        self.assertEqual(code, 1)
        self.assertIn("E_LOCKED", said)
        self.assertIn(str(other.process.pid), said)
        self.assertIn("unlock", said)
        self.check_cells("ANTENNA1", element_values("ANTENNA1", 0))
        with open(os.path.join(self.path, "table.lock"), "rb") as f:
            self.assertEqual(f.read(4), b"\0\0\0\0", "a request was left")
        self.assertEqual(other.ask("t.unlock()"), "None")
        self.assertEqual(write("scalar", self.path)[0], 0)

    def test_who_waits_files_casacores_request(self):
        other = self.open_other("user")
        other.ask("t.lock(False)")
        waiting = subprocess.Popen([WRITER, "scalar", self.path], stdout=subprocess.PIPE, text=True)
        deadline = time.time() + 20
        asked = 0
        while not asked and time.time() < deadline:  # the request that casacore looks after
            with open(os.path.join(self.path, "table.lock"), "rb") as f:
                asked = int.from_bytes(f.read(4), "big")
            time.sleep(0.01)
        self.assertEqual(asked, 1)
        with open(os.path.join(self.path, "table.lock"), "rb") as f:
            self.assertEqual(int.from_bytes(f.read(8)[4:], "big"), waiting.pid)
        other.ask("t.unlock()")
        self.assertEqual(waiting.communicate(timeout=30)[0], "OK\n")
        waiting.stdout.close()
        self.check_cells("ANTENNA1", element_values("ANTENNA1", 1))
        with open(os.path.join(self.path, "table.lock"), "rb") as f:
            self.assertEqual(f.read(4), b"\0\0\0\0", "the request was left")

    def test_two_writers_in_turn(self):
        """casacore writes even rows and one tile's neighbours, msio all: every element is that of the last writer."""
        other = self.open_other("user")
        expected = element_values("ANTENNA1", 0).copy()
        data = element_values("DATA", 0).copy()
        turns = 0
        end = time.time() + SECONDS
        while time.time() < end:
            row = turns * 37 % ROWS
            other.ask("t.lock(True)")
            self.assertEqual(other.ask(f"int(t.getcell('ANTENNA1', {row}))"), repr(int(expected[row])))
            self.assertEqual(other.ask(f"complex(t.getcell('DATA', {row})[1, 2])"), repr(complex(data[row, 1, 2])))
            other.ask(f"t.putcell('ANTENNA1', {row}, {turns})")
            other.ask(f"t.putcell('DATA', {row}, np.full((64, 4), {turns}j, np.complex64))")
            other.ask("t.unlock()")
            expected[row], data[row] = turns, turns * 1j
            if turns % 3 == 0:
                self.assertEqual(write("list", self.path)[0], 0)
                rows, at = [], 0
                while at < ROWS and len(rows) < 200:
                    rows.append(at)
                    at += 10 if len(rows) % 2 else 12
                data[rows] = element_values("DATA", 1)[rows]
            if turns % 5 == 1:
                self.assertEqual(write("scalar", self.path)[0], 0)
                expected = element_values("ANTENNA1", 1).copy()
            turns += 1
        self.check_cells("ANTENNA1", expected)
        self.check_cells("DATA", data)
        self.assertGreater(turns, 3)
        print(f"{turns} turns", flush=True)

    def test_casacore_in_this_process(self):
        """Its write lock outlives our opening, reading and closing; a write of ours beside it is an error at its time."""
        t = tables.table(self.path, ack=False, readonly=False, lockoptions="user")
        t.lock(True)
        t.putcell("ANTENNA1", 0, 4242)
        t.flush()
        ours = InThisProcess(self.path, 1)
        self.assertEqual(ours.read()[0], 4242)
        self.assertEqual(ours.write(7), "E_LOCKED")
        ours.close()
        code, said = write("scalar", self.path, seconds=0.3)
        self.assertEqual(code, 2, said)  # not even opened: the lock is still there
        self.assertIn("E_LOCKED", said)
        self.assertIn(str(os.getpid()), said)
        self.assertTrue(t.haslock(True))
        t.unlock()
        ours = InThisProcess(self.path, 1)
        self.assertEqual(ours.write(7), "OK")
        t.lock(True)
        self.assertEqual(t.getcell("ANTENNA1", 5), 7)
        t.putcell("ANTENNA1", 6, 8)
        t.unlock()
        self.assertEqual(list(ours.read()[4:8]), [7, 7, 8, 7])
        t.lock(True)  # and a handle that stands is closed under casacore's lock
        ours.close()
        self.assertEqual(write("scalar", self.path, seconds=0.3)[0], 2)
        t.unlock()
        t.close()

    def test_a_tile_file_beyond_4_gib(self):
        """5 GB of zeros are a hole; the last rows are put, and read by casacore."""
        shape = (131072, 4)
        ours = InThisProcess(self.path, 1)
        model = ctypes.c_void_p()
        ours.told(ours.lib.msio_table_column(ours.table, b"MODEL_DATA", ctypes.byref(model)))
        opts = WriteOpts(ctypes.sizeof(WriteOpts), 0, 0, 0, 0, 2, (ctypes.c_int64 * 8)(*shape), 0, None, None)
        zero = (ctypes.c_float * 2)()
        ours.told(ours.lib.msio_write_value(model, None, zero, ctypes.c_size_t(8), ctypes.byref(opts)))
        values = np.arange(2 * shape[0] * shape[1], dtype=np.float32).reshape(2, *shape).astype(np.complex64)
        select = Select(ctypes.sizeof(Select), ROWS - 2, 2, 1, None, 0, 0, -1, 1, 0, -1, 1)
        ours.told(ours.lib.msio_write(model, ctypes.byref(select), ctypes.c_void_p(values.ctypes.data),
                                      ctypes.c_size_t(values.nbytes), None))
        ours.close()
        files = [os.path.join(self.path, name) for name in os.listdir(self.path)]
        self.assertGreater(max(map(os.path.getsize, files)), 1 << 32)
        self.assertLess(sum(os.stat(path).st_blocks * 512 for path in files), 1 << 26, "zeros took room")
        with tables.table(self.path, ack=False, lockoptions="usernoread") as t:
            for k in range(2):
                np.testing.assert_array_equal(t.getcell("MODEL_DATA", ROWS - 2 + k), values[k])
            self.assertFalse(np.any(t.getcell("MODEL_DATA", ROWS - 3)))
            self.assertFalse(np.any(t.getcell("MODEL_DATA", 0)))

    def test_counters_go_up_by_two_and_only_those(self):
        def record():
            with open(os.path.join(self.path, "table.lock"), "rb") as f:
                return f.read()[260:]
        before = record()
        self.assertEqual(write("data", self.path)[0], 0)
        after = record()
        self.assertEqual(len(before), len(after))
        words = [i for i in range(len(before)) if before[i] != after[i]]
        self.assertEqual(len(words), 2, "the table's counter and one manager's")
        for i in words:
            self.assertEqual((after[i] - before[i]) % 256, 2)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]])
