#!/usr/bin/env python3
"""The commands that change tables: write, fill, copy, repair; read back by python-casacore, files compared byte by byte.

usage: test_write_command.py MSIO [GROUP]      GROUP: Write, Npy, Fill, Copy, Dry, Observed, ReadOnly, Locks, Repair, Plan

Exit codes: 0 all passed, 1 some failed, 77 nothing could be tested (and why).
"""
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

from running import main, MSIO, msio, on_terminal, oracle, report

with oracle():
    import numpy as np
    import casacore.tables as ct

SCRATCH = tempfile.mkdtemp(prefix="msio-writing-")
os.chmod(SCRATCH, 0o755)


# ---------------------------------------------------------------- running, comparing

def scratch(name):
    return os.path.join(SCRATCH, name)


def state(path):
    """Every file below a table, and what is in it."""
    found = {}
    for folder, _, names in os.walk(path):
        for name in names:
            with open(os.path.join(folder, name), "rb") as file:
                found[os.path.relpath(os.path.join(folder, name), path)] = hashlib.sha256(file.read()).hexdigest()
    return found


def column(path, name):
    with ct.table(path, ack=False) as table:
        return table.getcol(name)


def npy(name, array):
    path = scratch(name)
    np.save(path, array)
    return path


def simulate(name, *arguments):
    path = scratch(name)
    run = msio("simulate", "ms", "--out", path, "--quiet", "--force", *arguments, code=None)
    if b"casacore is needed" in run.stderr:
        raise unittest.SkipTest(run.stderr.decode())
    assert run.returncode == 0, run.stderr
    return path


def small(name):
    return simulate(name, "--antennas", 6, "--times", 4, "--subbands", 3, "--channels", 8, "--imaging")


def random_like(array, seed=1):
    random = np.random.default_rng(seed)
    if array.dtype.kind == "c":
        return (random.normal(size=array.shape) + 1j * random.normal(size=array.shape)).astype(array.dtype)
    if array.dtype.kind == "b":
        return random.random(array.shape) < 0.4
    if array.dtype.kind == "f":
        return random.normal(size=array.shape).astype(array.dtype)
    return random.integers(0, 100, array.shape).astype(array.dtype)


class WritingTest(unittest.TestCase):
    maxDiff = 2000

    def refused(self, path, *arguments, code=2, says=None, **more):
        """The command fails, says why in one line, and leaves every file as it was."""
        before = state(path)
        run = msio(*arguments, code=code, **more)
        self.assertEqual(state(path), before, arguments)
        if says:
            self.assertIn(says, run.stderr.decode())
        return run

    def equal(self, path, name, wanted):
        np.testing.assert_array_equal(column(path, name), wanted)


# ---------------------------------------------------------------- write

class TestWrite(WritingTest):
    @classmethod
    def setUpClass(cls):
        cls.path = small("write.ms")

    def put(self, name, values, wanted, *arguments):
        found = report("write", self.path, name, "--in", npy("in.npy", values), *arguments)
        self.equal(self.path, name, wanted)
        return found

    def test_whole_columns(self):
        for name in ("MODEL_DATA", "FLAG", "WEIGHT", "UVW", "ANTENNA1", "FLAG_ROW", "IMAGING_WEIGHT"):
            values = random_like(column(self.path, name), 3)
            found = self.put(name, values, values)
            self.assertEqual((found["rows"], found["bytes"], found["way"]), (len(values), values.nbytes, "native"), name)
            self.assertGreaterEqual(found["seconds"], 0)

    def test_selections(self):
        for name in ("MODEL_DATA", "FLAG"):
            for seed, (rows, chans, corrs) in enumerate(((":", "2:5", ":"), ("7:", ":", "1:"), ("3:90:7", "::3", ":"),
                                                          ("-10:", ":", ":"), ("5", "0", "1"), ("::-1", ":", ":"),
                                                          (":", "::-1", "::-1"), ("90:3:-5", "6:1:-2", "::-1"))):
                pick = tuple(eval(f"np.s_[{part}]") if ":" in part else slice(int(part), int(part) + 1)
                             for part in (rows, chans, corrs))
                wanted = column(self.path, name)
                values = random_like(wanted[pick], seed + 20)
                wanted[pick] = values
                found = self.put(name, values, wanted, f"--rows={rows}", f"--chans={chans}", f"--corrs={corrs}")
                self.assertEqual(found["bytes"], values.nbytes)

    def test_nothing_selected(self):
        before = state(self.path)
        self.assertEqual(report("write", self.path, "UVW", "--rows", "5:5", "--in",
                                npy("none.npy", np.zeros((0, 3))))["rows"], 0)
        self.assertEqual(state(self.path), before)

    def test_all_or_nothing_and_on_disk(self):
        values = random_like(column(self.path, "FLAG"), 9)
        self.put("FLAG", values, values, "--atomic", "--sync")
        self.assertNotIn("table.msio_write", os.listdir(self.path))

    def test_many_batches(self):
        path = simulate("batches.ms", "--antennas", 30, "--times", 8, "--subbands", 4, "--channels", 48, "--imaging")
        values = random_like(column(path, "MODEL_DATA"), 4)
        for array in (values, np.asfortranarray(values[::-1]).astype(">c8")):
            found = report("write", path, "MODEL_DATA", "--in", npy("large.npy", array))
            self.assertEqual(found["bytes"], values.nbytes)
            self.equal(path, "MODEL_DATA", array)

    def test_other_columns_stay(self):
        before = state(self.path)
        values = random_like(column(self.path, "CORRECTED_DATA"), 6)
        self.put("CORRECTED_DATA", values, values)
        changed = {name for name, content in state(self.path).items() if before.get(name) != content}
        self.assertEqual(len({name for name in changed if "lock" not in name}), 1, changed)

    def test_wrong_input(self):
        path, good = self.path, random_like(column(self.path, "MODEL_DATA"))
        for values, name in ((good.astype("c16"), "MODEL_DATA"), (good.real.copy(), "MODEL_DATA"),
                             (good[:-1], "MODEL_DATA"), (good[:, :, :1], "MODEL_DATA"), (good.ravel(), "MODEL_DATA"),
                             (good[..., None], "MODEL_DATA"), (good.astype(bool).astype("u1"), "FLAG"),
                             (np.zeros(len(good), "i8"), "ANTENNA1"), (np.zeros(len(good), "u4"), "ANTENNA1")):
            run = self.refused(path, "write", path, name, "--in", npy("wrong.npy", values), "--json")
            self.assertIn(json.loads(run.stdout)["error"]["code"], ("E_ARGUMENT", "E_SHAPE"))
        rows = npy("strings.npy", np.array(["a"] * 8))
        self.refused(path + "/ANTENNA", "write", path + "::ANTENNA", "NAME", "--in", rows, says="strings")
        self.refused(path, "write", path, "MODEL_DATA", "--in", npy("ok.npy", good), "--chans", "99", code=3)
        self.refused(path, "write", path, "MODEL_DATA", "--in", scratch("absent.npy"), code=3)
        self.refused(path, "write", path, "NO_SUCH", "--in", npy("ok.npy", good), code=3)
        self.refused(path, "write", path, "MODEL_DATA", code=2, says="--in")
        self.refused(path, "write", path, code=2)
        self.refused(path, "write", path, "MODEL_DATA", "--in", npy("ok.npy", good), "--nolock", says="--nolock")

    def test_what_is_not_written_natively(self):
        values = random_like(column(self.path, "TIME"))  # IncrementalStMan, where one value holds for many rows
        before, file = column(self.path, "TIME"), npy("time.npy", values)
        planned = report("write", self.path, "TIME", "--in", file, "--dry-run")
        self.assertIn("one stored value", planned["why_not"])
        self.assertEqual(planned["way"], "native or casacore")
        run = msio("write", self.path, "TIME", "--in", file, code=None)
        self.assertIn(run.returncode, (0, 3))
        self.assertIn("one stored value", run.stderr.decode())
        self.equal(self.path, "TIME", before if run.returncode else values)

    def test_subtables_and_views(self):
        antennas = self.path + "/ANTENNA"
        values = random_like(column(antennas, "POSITION"))
        report("write", self.path + "::ANTENNA", "POSITION", "--in", npy("position.npy", values))
        self.equal(antennas, "POSITION", values)
        wanted = column(self.path, "CORRECTED_DATA")
        with ct.table(self.path, ack=False) as table:
            table.selectrows([7, 3, 100]).copy(scratch("view"), deep=False).close()
        values = random_like(wanted[:3], 8)
        wanted[[7, 3, 100]] = values
        report("write", scratch("view"), "CORRECTED_DATA", "--in", npy("view.npy", values))
        self.equal(self.path, "CORRECTED_DATA", wanted)

    def test_what_is_told(self):
        values = random_like(column(self.path, "MODEL_DATA"), 12)
        run = msio("write", self.path, "MODEL_DATA", "--in", npy("told.npy", values))
        self.assertEqual(run.stdout, b"")
        self.assertIn(f"{len(values)} rows of MODEL_DATA become those of", run.stderr.decode())
        self.assertIn("kB in 1 block", run.stderr.decode())
        self.assertEqual(msio("write", self.path, "MODEL_DATA", "--in", npy("told.npy", values), "--quiet").stderr, b"")


class TestNpy(WritingTest):
    """Files of every order, and files that are none."""
    @classmethod
    def setUpClass(cls):
        cls.path = small("npy.ms")

    def test_orders(self):
        values = random_like(column(self.path, "MODEL_DATA"))
        for seed, order in enumerate("CF"):
            for dtype in ("<c8", ">c8"):
                array = np.array(values * (seed + 1), order=order, dtype=dtype)
                report("write", self.path, "MODEL_DATA", "--in", npy("order.npy", array))
                self.equal(self.path, "MODEL_DATA", array)
        for name, dtype in (("UVW", ">f8"), ("ANTENNA1", ">i4"), ("FLAG_ROW", "?")):
            array = random_like(column(self.path, name)).astype(dtype)
            report("write", self.path, name, "--in", npy("order.npy", array))
            self.equal(self.path, name, array)

    def test_versions(self):
        values = random_like(column(self.path, "UVW"))
        for version in ((1, 0), (2, 0), (3, 0)):
            with open(scratch("version.npy"), "wb") as file:
                np.lib.format.write_array(file, values + version[0], version=version)
            report("write", self.path, "UVW", "--in", scratch("version.npy"))
            self.equal(self.path, "UVW", values + version[0])

    def test_damaged(self):
        with open(npy("good.npy", column(self.path, "UVW")), "rb") as file:
            good = file.read()
        at = good.index(b"(")
        wrong = [b"", good[:9], good[:60], good[:-1], b"\x93NUMPX" + good[6:], good[:6] + b"\x09" + good[7:],
                 good[:8] + b"\xff\xff" + good[10:], good.replace(b"'descr'", b"'Descr'"),
                 good.replace(b"False", b"Falze"), good[:at] + b"{" + good[at + 1:],
                 good.replace(b"'<f8'", b"'|O8'"), good[:at + 1] + b"99999999999" + good[at + 12:],
                 good[:at + 1] + b"-" + good[at + 2:]]
        for index, content in enumerate(wrong):
            with open(scratch("damaged.npy"), "wb") as file:
                file.write(content)
            before = state(self.path)
            run = msio("write", self.path, "UVW", "--in", scratch("damaged.npy"), code=None)
            self.assertIn(run.returncode, (2, 3), (index, run.stderr))
            self.assertEqual(len(run.stderr.decode().splitlines()), 1, run.stderr)
            self.assertEqual(state(self.path), before, index)
        self.refused(self.path, "write", self.path, "UVW", "--in", SCRATCH, code=3)

    def test_flipped_headers_never_crash(self):
        with open(npy("good.npy", column(self.path, "UVW")), "rb") as file:
            good = file.read()
        random = np.random.default_rng(5)
        codes = set()
        for _ in range(60):
            bad = bytearray(good)
            bad[random.integers(0, 70)] ^= 1 << random.integers(0, 8)
            with open(scratch("flipped.npy"), "wb") as file:
                file.write(bad)
            codes.add(msio("write", self.path, "UVW", "--in", scratch("flipped.npy"), "--dry-run", code=None).returncode)
        self.assertLessEqual(codes, {0, 2, 3})
        self.assertTrue(codes & {2, 3})


# ---------------------------------------------------------------- fill

def with_new_column(path, name="NEW"):
    """Adds a column whose cells have no shape yet, as python-casacore's addImagingColumns does."""
    with ct.table(path, readonly=False, ack=False) as table:
        description = ct.makearrcoldesc(name, 0j, ndim=2, valuetype="complex")
        table.addcols(description, {"TYPE": "TiledShapeStMan", "NAME": name + "_manager",
                                    "SPEC": {"DEFAULTTILESHAPE": [2, 8, 64]}})


def of_many_shapes(name, rows=300):
    """A table of cells that differ in shape, some never written; and the values as a list."""
    shapes = ((4, 2), (16, 4), (7, 1))
    path = scratch(name)
    shutil.rmtree(path, ignore_errors=True)
    columns = [ct.makearrcoldesc("A", 0.0, ndim=2, valuetype="float"), ct.makearrcoldesc("B", 0.0, ndim=2, valuetype="float")]
    info = {"*1": {"NAME": "a", "TYPE": "TiledShapeStMan", "SPEC": {"DEFAULTTILESHAPE": [2, 4, 8]}, "COLUMNS": ["A"],
                   "SEQNR": 0},
            "*2": {"NAME": "b", "TYPE": "TiledShapeStMan", "SPEC": {"DEFAULTTILESHAPE": [2, 4, 8]}, "COLUMNS": ["B"],
                   "SEQNR": 1}}
    random = np.random.default_rng(2)
    with ct.table(path, ct.maketabdesc(columns), nrow=rows, dminfo=info, ack=False) as table:
        for row in range(rows):
            shape = shapes[row // 40 % 3] if row < rows // 2 else shapes[row % 3]
            table.putcell("A", row, random.normal(size=shape).astype("f4"))
            table.putcell("B", row, random.normal(size=shape).astype("f4"))
    return path


def cells(path, name):
    with ct.table(path, ack=False) as table:
        return [table.getcell(name, row) if table.iscelldefined(name, row) else None for row in range(table.nrows())]


class TestFill(WritingTest):
    @classmethod
    def setUpClass(cls):
        cls.path = small("fill.ms")

    def test_values(self):
        for name, text, value in (("MODEL_DATA", "1+2j", 1 + 2j), ("MODEL_DATA", "-1.5", -1.5), ("MODEL_DATA", "3j", 3j),
                                  ("MODEL_DATA", "-2-3j", -2 - 3j), ("MODEL_DATA", "1-j", 1 - 1j),
                                  ("MODEL_DATA", "nan+infj", complex(np.nan, np.inf)), ("MODEL_DATA", "0", 0),
                                  ("WEIGHT", "nan", np.nan), ("WEIGHT", "-inf", -np.inf), ("WEIGHT", "0.25", 0.25),
                                  ("WEIGHT", "1e-60", 0), ("UVW", "5e9", 5e9), ("ANTENNA1", "-1", -1),
                                  ("ANTENNA1", "2147483647", 2**31 - 1), ("ANTENNA1", "-2147483648", -2**31),
                                  ("FLAG", "true", True), ("FLAG", "0", False), ("FLAG_ROW", "True", True)):
            found = report("fill", self.path, name, text)
            values = column(self.path, name)
            np.testing.assert_array_equal(values, np.full_like(values, value), f"{name} {text}")
            self.assertEqual((found["rows"], found["bytes"], found["way"]), (len(values), values.nbytes, "native"))

    def test_wrong_values(self):
        for name, text in (("ANTENNA1", "2147483648"), ("ANTENNA1", "-2147483649"), ("ANTENNA1", "1.0"), ("ANTENNA1", "x"),
                           ("ANTENNA1", ""), ("ANTENNA1", "1 2"), ("WEIGHT", "1e39"), ("WEIGHT", "1+2j"),
                           ("WEIGHT", "true"), ("UVW", "1e400"), ("MODEL_DATA", "1+2"), ("MODEL_DATA", "1e39j"),
                           ("MODEL_DATA", "1+2jj"), ("FLAG", "2"), ("FLAG", "maybe"), ("FLAG", "")):
            run = self.refused(self.path, "fill", self.path, name, text, "--json")
            self.assertEqual(json.loads(run.stdout)["error"]["code"], "E_ARGUMENT", (name, text))
        self.refused(self.path, "fill", self.path, "ANTENNA1")
        self.refused(self.path, "fill", self.path, "ANTENNA1", "1", "2")

    def test_selections(self):
        for name, value in (("MODEL_DATA", 7 - 1j), ("FLAG", True)):
            wanted = column(self.path, name)
            wanted[4:90:3, 2:6:2, 1:] = value
            report("fill", self.path, name, "7-1j" if name == "MODEL_DATA" else "true", "--rows", "4:90:3", "--chans",
                   "2:6:2", "--corrs", "-1:")
            self.equal(self.path, name, wanted)

    def test_cells_that_differ_in_shape(self):
        path = of_many_shapes("fill_many")
        wanted = cells(path, "A")
        for cell in wanted[10:]:
            cell[::2, -1:] = 5
        found = report("fill", path, "A", "5", "--rows", "10:", "--chans", "::2", "--corrs", "-1:")
        self.assertEqual(found["rows"], len(wanted) - 10)
        self.assertEqual(found["bytes"], 4 * sum(cell[::2, -1:].size for cell in wanted[10:]))
        for got, cell in zip(cells(path, "A"), wanted):
            np.testing.assert_array_equal(got, cell)
        self.refused(path, "fill", path, "A", "5", "--atomic", says="--atomic")

    def test_cells_that_were_never_written(self):
        for index, more in enumerate(([], ["--allocate"])):
            name = f"NEW{index}"
            with_new_column(self.path, name)
            self.refused(self.path, "fill", self.path, name, "0", "--chans", "0:2")
            run = msio("fill", self.path, name, "0", "--json", *more)
            found = json.loads(run.stdout)
            self.assertTrue(found["new_cells"])
            self.assertEqual(b"hole" in run.stderr, not more)
            self.equal(self.path, name, np.zeros_like(column(self.path, "DATA")))
            with ct.table(self.path, ack=False) as table:
                manager = table.getdminfo(name)["SEQNR"]
            tiles = os.stat(os.path.join(self.path, f"table.f{manager}_TSM1"))
            self.assertEqual(tiles.st_blocks > 0, bool(more))
        with_new_column(self.path, "NEW2")
        report("fill", self.path, "NEW2", "1+1j", "--shape", "4,1")
        self.equal(self.path, "NEW2", np.full((len(column(self.path, "TIME")), 4, 1), 1 + 1j, "c8"))

    def test_a_new_column_written(self):
        with_new_column(self.path, "NEW3")
        values = random_like(column(self.path, "DATA"), 30)
        self.assertTrue(report("write", self.path, "NEW3", "--in", npy("new.npy", values))["new_cells"])
        self.equal(self.path, "NEW3", values)


class TestCopy(WritingTest):
    @classmethod
    def setUpClass(cls):
        cls.path = small("copy.ms")

    def test_whole_and_parts(self):
        found = report("copy", self.path, "DATA", "CORRECTED_DATA")
        self.equal(self.path, "CORRECTED_DATA", column(self.path, "DATA"))
        self.assertEqual((found["rows"], found["way"]), (len(column(self.path, "DATA")), "native"))
        wanted, source = column(self.path, "MODEL_DATA"), column(self.path, "DATA")
        wanted[3:50:2, 1:7:3, :1] = source[3:50:2, 1:7:3, :1]
        report("copy", self.path, "DATA", "MODEL_DATA", "--rows", "3:50:2", "--chans", "1:7:3", "--corrs", "0")
        self.equal(self.path, "MODEL_DATA", wanted)
        report("copy", self.path, "ANTENNA1", "ANTENNA2", "--atomic")
        self.equal(self.path, "ANTENNA2", column(self.path, "ANTENNA1"))

    def test_into_cells_that_were_never_written(self):
        with_new_column(self.path)
        self.assertTrue(report("copy", self.path, "DATA", "NEW")["new_cells"])
        self.equal(self.path, "NEW", column(self.path, "DATA"))

    def test_new_cells_in_many_batches(self):
        path = simulate("copy_large.ms", "--antennas", 30, "--times", 10, "--subbands", 12, "--channels", 48)
        with_new_column(path)
        self.assertGreater(column(path, "DATA").nbytes, 32 << 20)
        report("copy", path, "DATA", "NEW")
        self.equal(path, "NEW", column(path, "DATA"))

    def test_all_or_nothing_of_more_than_the_memory(self):
        path = simulate("copy_atomic.ms", "--antennas", 30, "--times", 20, "--subbands", 12, "--channels", 48)
        data = column(path, "DATA")
        self.assertGreater(data.nbytes, 64 << 20)
        with_new_column(path)
        self.assertTrue(report("copy", path, "DATA", "NEW", "--atomic")["new_cells"])  # cells made by the first part
        self.equal(path, "NEW", data)
        before = {name: os.stat(os.path.join(path, name)).st_ino for name in os.listdir(path)}
        held = [open(os.path.join(path, name), "rb") for name in before if name.endswith("_TSM1")]  # no number is used again
        report("fill", path, "NEW", "7")
        report("copy", path, "DATA", "NEW", "--atomic", "--chans", "1:40:3")  # a file of which most stays
        wanted = np.full_like(data, 7)
        wanted[:, 1:40:3] = data[:, 1:40:3]
        self.equal(path, "NEW", wanted)
        report("copy", path, "DATA", "NEW", "--atomic", "--rows", "3::2")
        wanted[3::2] = data[3::2]
        self.equal(path, "NEW", wanted)
        with ct.table(path, readonly=False, ack=False) as table:
            flags = np.random.default_rng(5).random(data.shape) < 0.5
            table.putcol("FLAG", flags)
        report("copy", path, "FLAG", "SAVED_FLAG", "--make", "--atomic")
        self.equal(path, "SAVED_FLAG", flags)
        after = {name: os.stat(os.path.join(path, name)).st_ino for name in os.listdir(path)}
        self.assertEqual(sum(before[name] != after[name] for name in before if name.endswith("_TSM1")), 1)
        for file in held:
            file.close()
        self.assertFalse([name for name in after if "msio" in name or name.endswith("_tmp")])
        code = "import casacore.tables as ct, sys; t = ct.table(sys.argv[1], ack=False, lockoptions='usernoread'); print('open', flush=True); input()"
        with subprocess.Popen([sys.executable, "-c", code, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
            self.assertEqual(holder.stdout.readline(), b"open\n")  # who would go on with the old file
            run = msio("copy", path, "DATA", "NEW", "--atomic", code=3)
            holder.stdin.write(b"\n")
        self.assertIn("64 MiB", run.stderr.decode())
        self.equal(path, "NEW", wanted)

    def test_cells_that_differ_in_shape(self):
        path = of_many_shapes("copy_many")
        report("copy", path, "A", "B")
        for got, cell in zip(cells(path, "B"), cells(path, "A")):
            np.testing.assert_array_equal(got, cell)
        with ct.table(path, readonly=False, ack=False) as table:
            table.addcols(ct.makearrcoldesc("C", 0.0, ndim=2, valuetype="float"),
                          {"TYPE": "StandardStMan", "NAME": "c", "SPEC": {}})
            for row in range(table.nrows()):
                table.putcell("C", row, np.zeros((3, 3), "f4"))
        self.refused(path, "copy", path, "A", "C", says="differ in shape")

    def test_making_the_target(self):
        for name, source in (("SAVED_DATA", "DATA"), ("SAVED_FLAG", "FLAG"), ("SAVED_TIME", "TIME")):
            found = report("copy", self.path, source, name, "--make")
            self.assertTrue(found["made"])
            self.equal(self.path, name, column(self.path, source))
            with ct.table(self.path, ack=False) as table:
                self.assertEqual(table.getcoldesc(name)["valueType"], table.getcoldesc(source)["valueType"])
        with ct.table(self.path, ack=False) as table:
            tiles = [list(table.getdminfo(name)["SPEC"]["HYPERCUBES"].values())[-1]["TileShape"].tolist()
                     for name in ("SAVED_DATA", "DATA")]
        self.assertEqual(*tiles)
        report("fill", self.path, "SAVED_DATA", "3")
        self.assertFalse(report("copy", self.path, "DATA", "SAVED_DATA", "--make")["made"])
        self.equal(self.path, "SAVED_DATA", column(self.path, "DATA"))

    def test_making_the_target_for_a_part(self):
        wanted = column(self.path, "DATA")
        wanted[:, :2], wanted[:, 5:] = 0, 0
        found = report("copy", self.path, "DATA", "PART", "--make", "--chans", "2:5", "--atomic")
        self.assertEqual((found["made"], found["bytes"]), (True, wanted[:, 2:5].nbytes))
        self.equal(self.path, "PART", wanted)

    def test_making_the_target_of_many_shapes(self):
        path = of_many_shapes("copy_made")
        self.assertTrue(report("copy", path, "A", "MADE", "--make")["made"])
        for got, cell in zip(cells(path, "MADE"), cells(path, "A")):
            np.testing.assert_array_equal(got, cell)

    def test_nothing_is_made_in_vain(self):
        """Whatever is wrong is told before the column is there."""
        for arguments, code in ((("DATA", "VAIN", "--chans", "99"), 3), (("DATA", "VAIN", "--rows", "100000"), 3),
                                (("NO_SUCH", "VAIN"), 3), (("DATA", "VAIN", "--nolock"), 2), (("DATA", "DATA"), 2),
                                (("DATA", "FLAG"), 2)):
            self.refused(self.path, "copy", self.path, *arguments, "--make", code=code)
        path = of_many_shapes("copy_vain")
        self.refused(path, "copy", path, "A", "VAIN", "--make", "--atomic", says="differ in shape")
        before = state(self.path)
        run = msio("copy", self.path, "DATA", "VAIN", "--make", "--dry-run", "--json")
        found = json.loads(run.stdout)
        self.assertEqual((found["made"], found["new_cells"], found["dry_run"], found["bytes"]),
                         (True, True, True, column(self.path, "DATA").nbytes))
        self.assertIn("VAIN is made like DATA", run.stderr.decode())
        self.assertEqual(state(self.path), before)

    def test_wrong_columns(self):
        for source, target in (("DATA", "FLAG"), ("DATA", "DATA"), ("DATA", "WEIGHT_SPECTRUM"), ("TIME", "ANTENNA1")):
            self.refused(self.path, "copy", self.path, source, target)
        self.refused(self.path, "copy", self.path, "DATA", "NO_SUCH", code=3)
        self.refused(self.path, "copy", self.path, "NO_SUCH", "MODEL_DATA", code=3)
        self.refused(self.path, "copy", self.path, "DATA")


# ---------------------------------------------------------------- nothing is changed

class TestDry(WritingTest):
    @classmethod
    def setUpClass(cls):
        cls.path = small("dry.ms")
        with_new_column(cls.path)

    def test_every_command(self):
        values = npy("dry.npy", random_like(column(self.path, "DATA")))
        for arguments in (("write", self.path, "DATA", "--in", values), ("fill", self.path, "MODEL_DATA", "0"),
                          ("fill", self.path, "NEW", "0"), ("copy", self.path, "DATA", "NEW"),
                          ("fill", self.path, "FLAG", "1", "--chans", "1"), ("flags", self.path, "--set"),
                          ("flags", self.path, "--clear", "--chans", "0:2", "--backup", scratch("dry.flags"))):
            before = state(self.path)
            run = msio(*arguments, "--dry-run", "--json")
            found = json.loads(run.stdout)
            self.assertEqual(state(self.path), before, arguments)
            self.assertTrue(found["dry_run"])
            self.assertIsNone(found["seconds"])
            self.assertGreater(found["blocks"], 0)
            self.assertGreaterEqual(found["bytes_stored"], found["bytes_kept"])
            self.assertIn("nothing is changed", run.stderr.decode())
        self.assertFalse(os.path.exists(scratch("dry.flags")))

    def test_a_table_without_a_lock_file(self):
        path = small("unlocked.ms")
        os.remove(path + "/table.lock")
        before = state(path)
        report("fill", path, "MODEL_DATA", "0", "--dry-run")
        self.assertEqual(state(path), before)

    def test_the_plan_is_what_is_done(self):
        dry = report("fill", self.path, "MODEL_DATA", "3", "--chans", "2:4", "--dry-run")
        wet = report("fill", self.path, "MODEL_DATA", "3", "--chans", "2:4")
        for key in ("rows", "bytes", "pieces", "blocks", "bytes_stored", "bytes_kept", "way"):
            self.assertEqual(dry[key], wet[key], key)


class TestObserved(WritingTest):
    """What a telescope took."""
    @classmethod
    def setUpClass(cls):
        cls.path = small("observed.ms")
        cls.values = random_like(column(cls.path, "DATA"), 40)
        cls.file = npy("observed.npy", cls.values)

    def test_needs_force_without_a_terminal(self):
        for arguments in (("write", self.path, "DATA", "--in", self.file), ("fill", self.path, "DATA", "0"),
                          ("copy", self.path, "MODEL_DATA", "DATA")):
            self.refused(self.path, *arguments, says="--force")
        self.equal(self.path, "DATA", column(self.path, "DATA"))
        report("write", self.path, "DATA", "--in", self.file, "--force")
        self.equal(self.path, "DATA", self.values)

    def test_is_asked_about_on_a_terminal(self):
        for answer, code in ((b"n\n", 2), (b"\n", 2)):
            before = state(self.path)
            found, shown = on_terminal("fill", self.path, "DATA", "0", typed=answer)
            self.assertEqual(found, code, shown)
            self.assertIn("252 rows", shown)
            self.assertEqual(state(self.path), before)
        self.assertEqual(on_terminal("fill", self.path, "DATA", "5", typed=b"y\n")[0], 0)
        self.assertTrue((column(self.path, "DATA") == 5).all())

    def test_others_are_not_asked_about(self):
        report("fill", self.path, "FLAG", "true")
        report("fill", self.path, "MODEL_DATA", "0")
        self.assertNotIn("[y/N]", on_terminal("fill", self.path, "FLAG", "false", typed=b"n\n")[1])
        self.assertFalse(column(self.path, "FLAG").any())

    def test_a_table_that_is_no_measurement_set(self):
        path = scratch("no.ms")
        with ct.table(path, ct.maketabdesc([ct.makescacoldesc("DATA", 0.0)]), nrow=3, ack=False):
            pass
        report("fill", path, "DATA", "2.5")
        self.equal(path, "DATA", [2.5] * 3)


@unittest.skipUnless(os.geteuid() == 0, "permissions are tried as another user, which only root can become")
class TestReadOnly(WritingTest):
    """As a user who may not write: exit code 3, and nothing is changed."""
    @classmethod
    def setUpClass(cls):
        cls.path = small("readonly.ms")
        for folder, _, names in os.walk(cls.path):
            os.chmod(folder, 0o777)
            for name in names:
                os.chmod(os.path.join(folder, name), 0o666)
        with ct.table(cls.path, ack=False) as table:
            cls.tiles = os.path.join(cls.path, f"table.f{table.getdminfo('MODEL_DATA')['SEQNR']}_TSM0")
            if not os.path.exists(cls.tiles):
                cls.tiles = cls.tiles[:-1] + "1"

    def try_without(self, path, mode, back):
        os.chmod(path, mode)
        try:
            for arguments in (("fill", self.path, "MODEL_DATA", "3"), ("fill", self.path, "MODEL_DATA", "3", "--json")):
                run = self.refused(self.path, *arguments, code=3, user=65534, group=65534, extra_groups=[])
            self.assertEqual(json.loads(run.stdout)["error"]["code"], "E_IO")
        finally:
            os.chmod(path, back)

    def test_folder(self):
        self.try_without(self.path, 0o755, 0o777)

    def test_lock_file(self):
        self.try_without(self.path + "/table.lock", 0o644, 0o666)

    def test_tiles(self):
        self.try_without(self.tiles, 0o444, 0o666)
        report("fill", self.path, "CORRECTED_DATA", "3", user=65534, group=65534, extra_groups=[])

    def test_adding(self):
        os.chmod(self.path, 0o755)
        try:
            for arguments in (("addcols", self.path, "X", "--like", "DATA"), ("copy", self.path, "DATA", "X", "--make")):
                self.refused(self.path, *arguments, code=3, user=65534, group=65534, extra_groups=[])
        finally:
            os.chmod(self.path, 0o777)

    def test_flags(self):
        os.chmod(self.path, 0o755)
        try:
            self.refused(self.path, "flags", self.path, "--set", code=3, user=65534, group=65534, extra_groups=[])
        finally:
            os.chmod(self.path, 0o777)


# ---------------------------------------------------------------- locks

HOLDER = """
import sys, casacore.tables as ct
t = ct.table(sys.argv[1], readonly=False, ack=False, lockoptions=sys.argv[2])
if sys.argv[2] == "user":
    t.lock(True)
else:
    t.getcell("TIME", 0)
print("held", flush=True)
sys.stdin.readline()
if sys.argv[2] == "user":
    t.unlock()
t.close()
"""


class TestLocks(WritingTest):
    @classmethod
    def setUpClass(cls):
        cls.path = small("locks.ms")

    def hold(self, options):
        holder = subprocess.Popen([sys.executable, "-c", HOLDER, self.path, options], stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE, text=True)
        self.addCleanup(holder.stdout.close)
        self.assertEqual(holder.stdout.readline(), "held\n")
        return holder

    def let_go(self, holder):
        holder.stdin.write("\n")
        holder.stdin.close()
        self.assertEqual(holder.wait(timeout=60), 0)

    def cells_and_files(self):
        """Without the lock file, where a waiting writer files its request and takes it back."""
        return {name: content for name, content in state(self.path).items() if "lock" not in name}

    def test_a_write_lock_elsewhere(self):
        holder = self.hold("user")
        before = self.cells_and_files()
        for arguments in (("fill", self.path, "MODEL_DATA", "1"), ("flags", self.path, "--set"), ("repair", self.path)):
            began = time.monotonic()
            run = msio(*arguments, "--lock-seconds", "0.4", code=3)
            self.assertLess(time.monotonic() - began, 8)
            self.assertIn(str(holder.pid), run.stderr.decode(), arguments)
        self.assertEqual(self.cells_and_files(), before)
        self.let_go(holder)
        report("fill", self.path, "MODEL_DATA", "1", "--lock-seconds", "0.4")

    def test_an_open_table_with_automatic_locks(self):
        holder = self.hold("auto")
        before = self.cells_and_files()
        run = msio("fill", self.path, "MODEL_DATA", "2", "--lock-seconds", "0.4", "--json", code=3)
        error = json.loads(run.stdout)["error"]
        self.assertEqual(error["code"], "E_LOCKED")
        for words in (str(holder.pid), "unlock", "autonoread"):
            self.assertIn(words, error["message"])
        self.assertEqual(self.cells_and_files(), before)
        self.let_go(holder)
        report("fill", self.path, "MODEL_DATA", "2")
        self.assertTrue((column(self.path, "MODEL_DATA") == 2).all())

    def test_a_lock_that_is_given_back_meanwhile(self):
        holder = self.hold("user")
        writer = subprocess.Popen([MSIO, "fill", self.path, "MODEL_DATA", "4", "--quiet"])
        time.sleep(0.5)
        self.let_go(holder)
        self.assertEqual(writer.wait(timeout=60), 0)
        self.assertTrue((column(self.path, "MODEL_DATA") == 4).all())

    def test_wrong_seconds(self):
        for wrong in ("x", "-1", "nan", ""):
            self.refused(self.path, "fill", self.path, "MODEL_DATA", "1", f"--lock-seconds={wrong}")


# ---------------------------------------------------------------- interrupted writes

class TestRepair(WritingTest):
    def test_nothing_to_repair(self):
        path = small("whole.ms")
        before = state(path)
        found = report("repair", path)
        self.assertEqual((found["repaired"], found["columns"], found["may_be_mixed"]), (0, [], False))
        self.assertEqual(state(path), before)

    def test_dry(self):
        path = small("repair_dry.ms")
        before = state(path)
        run = msio("repair", path, "--dry-run", "--json")
        self.assertEqual((json.loads(run.stdout)["repaired"], json.loads(run.stdout)["dry_run"]), (0, True))
        self.assertEqual(state(path), before)

    def test_killed_writes(self):
        path = simulate("killed.ms", "--antennas", 40, "--times", 8, "--subbands", 6, "--channels", 48, "--imaging")
        rows = len(column(path, "TIME"))
        report("fill", path, "MODEL_DATA", "0")
        with ct.table(path, ack=False) as table:
            tile = int(table.getdminfo("MODEL_DATA")["SPEC"]["HYPERCUBES"]["*1"]["TileShape"][-1])
        random, repaired, killed, value = np.random.default_rng(6), 0, 0, 0
        for attempt in range(80):
            writer = subprocess.Popen([MSIO, "fill", path, "MODEL_DATA", f"{attempt + 1}", "--quiet"])
            time.sleep(random.uniform(0.005, 0.06))
            writer.send_signal(signal.SIGKILL)
            if writer.wait(timeout=60) != -signal.SIGKILL:
                continue
            killed += 1
            if not os.path.exists(path + "/table.msio_write"):
                continue
            left = state(path)
            foretold = report("repair", path, "--dry-run")
            self.assertEqual(state(path), left)
            found = report("repair", path)
            self.assertEqual({**foretold, "dry_run": False}, found)
            self.assertFalse(os.path.exists(path + "/table.msio_write"))
            self.assertFalse(found["may_be_mixed"])
            self.assertEqual(report("repair", path)["repaired"], 0)
            values = column(path, "MODEL_DATA")
            for first in range(0, rows, tile):
                part = values[first:first + tile]
                self.assertTrue((part == part.flat[0]).all(), f"rows from {first}, attempt {attempt}")
            if found["interrupted"]:
                self.assertEqual(found["columns"], ["MODEL_DATA"])
                self.assertEqual(found["rows"], [0, rows - 1])
            repaired += found["repaired"] > 0
            if repaired:
                break
        self.assertGreater(killed, 0)
        if not repaired:
            self.skipTest(f"{killed} kills, none of which came while a block was stored")
        report("fill", path, "MODEL_DATA", "7")
        self.assertTrue((column(path, "MODEL_DATA") == 7).all())

    def test_stopped_by_a_signal(self):
        path = simulate("stopped.ms", "--antennas", 30, "--times", 8, "--subbands", 4, "--channels", 48, "--imaging")
        values = npy("stopped.npy", random_like(column(path, "MODEL_DATA")))
        writer = subprocess.Popen([MSIO, "write", path, "MODEL_DATA", "--in", values, "--quiet"],
                                  preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler))
        time.sleep(0.03)
        writer.send_signal(signal.SIGINT)
        self.assertIn(writer.wait(timeout=60), (0, -signal.SIGINT))
        self.assertFalse(os.path.exists(path + "/table.msio_write"))
        self.assertEqual(report("repair", path)["repaired"], 0)

    def test_wrong_usage(self):
        self.assertEqual(report("repair", scratch("absent.ms"), code=3)["error"]["code"], "E_NOT_FOUND")
        msio("repair", code=2)
        msio("repair", "a", "b", code=2)


# ---------------------------------------------------------------- plans

class TestPlan(WritingTest):
    @classmethod
    def setUpClass(cls):
        cls.path = small("plan.ms")

    def test_counts(self):
        before = state(self.path)
        found = report("plan", self.path, "DATA", "--write")
        values = column(self.path, "DATA")
        self.assertEqual((found["rows"], found["bytes"], found["bytes_stored"], found["bytes_kept"], found["way"]),
                         (len(values), values.nbytes, values.nbytes, 0, "native"))
        part = report("plan", self.path, "DATA", "--write", "--chans", "2:4")
        self.assertEqual(part["bytes"], values.nbytes // 4)
        self.assertEqual(part["bytes_kept"], part["bytes_stored"])
        self.assertGreater(part["bytes_stored"], part["bytes"])
        self.assertEqual(report("plan", self.path, "FLAG", "--write")["bytes_stored"], -(-column(self.path, "FLAG").size // 8))
        self.assertEqual(state(self.path), before)

    def test_new_cells(self):
        with_new_column(self.path)
        found = report("plan", self.path, "NEW", "--write")
        self.assertTrue(found["new_cells"])
        self.assertEqual(found["bytes"], column(self.path, "DATA").nbytes)

    def test_what_casacore_may_put(self):
        """Of IncrementalStMan it depends on the values, which a plan does not know, but where all rows get one."""
        found = report("plan", self.path, "TIME", "--write")
        self.assertEqual(found["way"], "native or casacore")
        self.assertIn("one stored value", found["why_not"])
        shown = msio("plan", self.path, "TIME", "--write").stdout.decode()
        self.assertRegex(shown, "way +native or casacore: .*one stored value")
        for rows, way in (([], "native"), (["--rows", "0:1"], "casacore")):
            filled = report("fill", self.path, "TIME", "5.0", "--dry-run", *rows)
            self.assertEqual(filled["way"], way)
            self.assertEqual(filled["why_not"] is None, way == "native")

    def test_text_and_usage(self):
        shown = msio("plan", self.path, "FLAG", "--write", "--rows", "::3").stdout.decode()
        for words in ("blocks", "bytes stored", "read first", "native"):
            self.assertIn(words, shown)
        msio("plan", self.path, "FLAG", "--write", "--pieces", "3", code=2)


if __name__ == "__main__":
    main(globals(), SCRATCH)
