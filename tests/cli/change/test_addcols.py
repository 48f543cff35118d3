#!/usr/bin/env python3
"""`msio addcols`, held against casacore.tables.addImagingColumns.

usage: test_addcols.py MSIO [GROUP]      GROUP: Imaging, Like, Dry, Errors (classes below)

Exit codes: 0 all passed, 1 some failed, 77 nothing could be tested (and why).
"""
import json
import os
import resource
import shutil
import subprocess
import sys
import tarfile
import tempfile
import unittest

from running import DATA, main, msio, oracle

with oracle():
    import numpy as np
    import casacore.tables as ct

SCRATCH = tempfile.mkdtemp(prefix="msio-addcols-")
NEW = ("MODEL_DATA", "CORRECTED_DATA", "IMAGING_WEIGHT")


def addcols(path, *arguments):
    return json.loads(msio("addcols", path, *arguments, "--json").stdout)


def described(path):
    """Description and data manager of each column, without what depends on chance."""
    with ct.table(path, ack=False) as table:
        found = {}
        for name in table.colnames():
            description, manager = table.getcoldesc(name), table.getdminfo(name)
            found[name] = (description, manager["TYPE"], manager["NAME"],
                           np.array(manager["SPEC"].get("DEFAULTTILESHAPE", [])).tolist())
        return found


def cells(path, name):
    with ct.table(path, ack=False) as table:
        return [table.getcell(name, row) if table.iscelldefined(name, row) else None for row in range(table.nrows())]


def same_cells(ours, theirs):
    return len(ours) == len(theirs) and all(
        (a is None) == (b is None) and (a is None or np.array_equal(a, b)) for a, b in zip(ours, theirs))


def files_of(path):
    found = {}
    for name in os.listdir(path):
        if name.startswith("table.") and name != "table.lock":
            with open(os.path.join(path, name), "rb") as file:
                found[name] = file.read()
    return found


class Base(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(dir=SCRATCH)
        self.addCleanup(shutil.rmtree, self.folder)

    def simulated(self, *arguments):
        path = os.path.join(self.folder, "sim.ms")
        msio("simulate", "ms", "--out", path, "--antennas", 5, "--times", 3, "--subbands", 2, "--channels", 8,
             *arguments)
        return path

    def real(self, name):
        archive = os.path.join(DATA, name + ".tgz")
        if not os.path.exists(archive):
            self.skipTest(f"{archive} is not there")
        with tarfile.open(archive) as packed:
            packed.extractall(self.folder)
        return next(os.path.join(self.folder, found) for found in sorted(os.listdir(self.folder)))


class Imaging(Base):
    def compare(self, path):
        twin = path + ".twin"
        with ct.table(path, readonly=False, ack=False) as table:
            there = [name for name in NEW if name in table.colnames()]
            if there:
                table.removecols(there)
        shutil.copytree(path, twin)
        ct.addImagingColumns(twin, ack=False)
        self.assertEqual(addcols(path, "--imaging"), {"added": list(NEW), "there": []})
        ours, theirs = described(path), described(twin)
        self.assertEqual(list(ours), list(theirs))
        for name in ours:
            if name != "IMAGING_WEIGHT":
                self.assertEqual(ours[name][0].get("comment"), theirs[name][0].get("comment"))
            for key in ("valueType", "ndim", "shape", "option"):
                if name == "IMAGING_WEIGHT" and "shape" not in ours[name][0] and key in ("shape", "option"):
                    continue  # windows of different channels: no shape is right for all rows
                self.assertEqual(str(ours[name][0].get(key)), str(theirs[name][0].get(key)), (name, key))
            self.assertEqual(ours[name][1:3], theirs[name][1:3], name)
        with ct.table(path, ack=False) as a, ct.table(twin, ack=False) as b:
            np.testing.assert_array_equal(a.getcolkeyword("MODEL_DATA", "CHANNEL_SELECTION"),
                                          b.getcolkeyword("MODEL_DATA", "CHANNEL_SELECTION"))
        self.check_zeros(path)
        self.assertTrue(same_cells(cells(path, "DATA"), cells(twin, "DATA")))
        self.assertEqual(addcols(path, "--imaging"), {"added": [], "there": list(NEW)})

    def check_zeros(self, path):
        data = cells(path, "DATA")
        for name in NEW[:2]:
            zeros = [None if cell is None else np.zeros_like(cell) for cell in data]
            self.assertTrue(same_cells(cells(path, name), zeros), name)
        weights = [None if cell is None else np.zeros(cell.shape[0], np.float32) for cell in data]
        self.assertTrue(same_cells(cells(path, "IMAGING_WEIGHT"), weights))

    def test_simulated(self):
        self.compare(self.simulated())

    def test_one_telescope(self):
        self.compare(self.real("vla_small.ms"))

    def test_averaged_by_baseline(self):
        """Cells of several shapes, of a column of unknown dimensions: addImagingColumns refuses that."""
        path = self.real("bda_variable_shape.ms")
        with ct.table(path, readonly=False, ack=False) as table:
            table.removecols([name for name in NEW if name in table.colnames()])
        addcols(path, "--imaging")
        self.check_zeros(path)

    def test_big_endian(self):
        self.compare(self.real("lofar_be.ms"))

    def test_copy_of_data(self):
        path = self.real("bda_variable_shape.ms")
        with ct.table(path, readonly=False, ack=False) as table:
            table.removecols([name for name in NEW if name in table.colnames()])
        addcols(path, "--imaging", "--copy-data")
        self.assertTrue(same_cells(cells(path, "CORRECTED_DATA"), cells(path, "DATA")))

    def test_virtual_models_and_sorting_go(self):
        path = self.simulated()
        with ct.table(path, readonly=False, ack=False) as table:
            table.removecols([name for name in NEW if name in table.colnames()])
            table.putkeyword("definedmodel_field_0", "model_0")
            table.putkeyword("model_0", {"cl_0": 1})
            table.putkeyword("SORT_COLUMNS", "TIME")
        addcols(path, "--imaging")
        with ct.table(path, ack=False) as table:
            left = set(table.keywordnames()) & {"definedmodel_field_0", "model_0", "SORT_COLUMNS"}
        self.assertEqual(left, set())


class Like(Base):
    def test_like_data(self):
        path = self.real("bda_variable_shape.ms")
        self.assertEqual(addcols(path, "RESIDUAL_DATA", "--like", "DATA"), {"added": ["RESIDUAL_DATA"], "there": []})
        zeros = [None if cell is None else np.zeros_like(cell) for cell in cells(path, "DATA")]
        self.assertTrue(same_cells(cells(path, "RESIDUAL_DATA"), zeros))
        self.assertEqual(addcols(path, "RESIDUAL_DATA", "--like", "DATA"), {"added": [], "there": ["RESIDUAL_DATA"]})

    def test_like_a_scalar(self):
        path = self.simulated()
        addcols(path, "SECOND_TIME", "--like", "TIME")
        with ct.table(path, ack=False) as table:
            self.assertEqual(table.getcoldesc("SECOND_TIME")["valueType"], "double")
            self.assertFalse(table.getcol("SECOND_TIME").any())


class Dry(Base):
    def told(self, path, *arguments):
        before = files_of(path)
        run = msio("addcols", path, *arguments, "--dry-run", "--json")
        self.assertEqual(files_of(path), before)
        self.assertIn("nothing is changed", run.stderr.decode())
        return json.loads(run.stdout)

    def test_it_is_what_is_done(self):
        path = self.simulated("--imaging")
        with ct.table(path, readonly=False, ack=False) as table:
            table.removecols(["MODEL_DATA", "IMAGING_WEIGHT"])
            data, rows = table.getcol("DATA"), table.nrows()
        told = self.told(path, "--imaging")
        self.assertEqual(told, {"added": ["MODEL_DATA", "IMAGING_WEIGHT"], "there": ["CORRECTED_DATA"], "rows": rows,
                                "bytes": data.nbytes + 4 * rows * data.shape[1], "dry_run": True})
        self.assertEqual(self.told(path, "X", "--like", "DATA")["bytes"], data.nbytes)
        self.assertEqual(addcols(path, "--imaging"), {key: told[key] for key in ("added", "there")})
        self.assertEqual(self.told(path, "--imaging")["bytes"], 0)

    def test_cells_of_many_shapes(self):
        path = self.real("bda_variable_shape.ms")
        size = sum(cell.nbytes for cell in cells(path, "DATA") if cell is not None)
        self.assertEqual(self.told(path, "X", "--like", "DATA")["bytes"], size)

    def test_what_is_said_before(self):
        path = self.simulated()
        said = msio("addcols", path, "X", "--like", "DATA").stderr.decode()
        self.assertIn("X for 90 rows: ", said)
        self.assertIn("holes", said)
        self.assertIn("allocated", msio("addcols", path, "Y", "--like", "DATA", "--allocate").stderr.decode())

    def test_zeros_take_room_where_they_are_to(self):
        for arguments in ((), ("--allocate",)):
            path = os.path.join(self.folder, "room.ms")
            shutil.rmtree(path, ignore_errors=True)
            msio("simulate", "ms", "--out", path, "--antennas", 20, "--times", 3, "--subbands", 2)
            there = files_of(path)
            addcols(path, "--imaging", *arguments)
            made = [os.stat(os.path.join(path, name)) for name in files_of(path).keys() - there.keys() if "TSM" in name]
            self.assertEqual(len(made), 3)
            for file in made:
                self.assertGreater(file.st_size, 100000)
                room = file.st_blocks * 512
                self.assertTrue(room >= file.st_size if arguments else room < 16384, f"{room} of {file.st_size} bytes")


class Errors(Base):
    def refused(self, path, *arguments, code=3, **more):
        before = files_of(path)
        said = msio("addcols", path, *arguments, code=code, **more).stderr.decode()
        self.assertEqual(files_of(path), before)
        return said

    def test_nothing_changes(self):
        path = self.simulated()
        self.assertIn("NONE", self.refused(path, "X", "--like", "NONE"))
        self.refused(path, "X", code=2)
        self.refused(path, "--imaging", "--like", "DATA", code=2)
        with ct.table(path, readonly=False, ack=False) as table:
            table.removecols(["DATA"])
        self.assertIn("DATA", self.refused(path, "--imaging"))

    def test_no_room(self):
        path = self.simulated()
        with ct.table(path, readonly=False, ack=False) as table:
            table.removecols([name for name in NEW if name in table.colnames()])
        limit = 1 << 20
        said = self.refused(path, "--imaging", preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE,
                                                                                    (limit, limit)))
        self.assertIn("nothing was changed", said)

    def test_a_table_that_is_locked(self):
        path = self.simulated()
        holder = subprocess.Popen([sys.executable, "-c", f"""
import casacore.tables as ct
t = ct.table({path!r}, readonly=False, ack=False, lockoptions='user'); t.lock(True); print('held', flush=True); input()
"""], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        try:
            self.assertEqual(holder.stdout.readline(), b"held\n")
            self.assertIn(str(holder.pid), self.refused(path, "X", "--like", "DATA"))
        finally:
            holder.communicate(b"\n")


if __name__ == "__main__":
    main(globals(), SCRATCH)
