#!/usr/bin/env python3
"""The installed wheel, held against what casacore and h5py read (wheel_sets.py): reading, writing, UVH5, the command, and
what it says where casacore is needed; alone, or with python-casacore's wheel imported before it and after it.

usage: check_wheel.py SETS alone|before|after
"""
import glob
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import unittest

SETS, ORDER = sys.argv[1:3]
if ORDER == "before":
    import casacore.tables
import msio
if ORDER == "after":
    msio.metadata(f"{SETS}/small.ms")
    import casacore.tables
import numpy as np

VALUES = dict(np.load(f"{SETS}/values.npz"))
COLUMNS = [name for name in VALUES if ":" not in name and name != "NAME"]
SCRATCH = tempfile.mkdtemp(prefix="msio-wheel-")
PACKAGE = os.path.dirname(msio.__file__)
COMMAND = os.path.join(sysconfig.get_path("scripts"), "msio")


def a_copy():
    folder = tempfile.mkdtemp(dir=SCRATCH)
    return shutil.copytree(f"{SETS}/small.ms", f"{folder}/small.ms")


class Alone(unittest.TestCase):
    def test_what_is_inside(self):
        files = os.listdir(PACKAGE) + os.listdir(PACKAGE + ".libs")
        self.assertTrue(any(name.startswith("libhdf5") for name in files), files)
        self.assertFalse([name for name in files if "casa" in name and name.endswith(".so")], "a casacore is in the wheel")
        self.assertEqual(importlib.util.find_spec("casacore") is None, ORDER == "alone")

    def test_reading(self):
        for column in COLUMNS:
            np.testing.assert_array_equal(msio.read(f"{SETS}/small.ms", column), VALUES[column], column)
        np.testing.assert_array_equal(msio.read(f"{SETS}/small.ms/ANTENNA", "NAME"), VALUES["NAME"])

    def test_uvh5(self):
        names = sorted(name for name in VALUES if name.startswith("uvh5:"))
        self.assertEqual(len(names), 2)
        for name in names:
            loaded = msio.load(f"{SETS}/group/{name[5:]}", "visdata")
            theirs = VALUES[name].reshape(-1, *VALUES[name].shape[-2:])
            ours = loaded.visdata.reshape(theirs.shape)
            self.assertTrue(np.array_equal(ours, theirs) or np.array_equal(ours[:, ::-1], theirs), name)
        made = msio.simulate_uvh5(f"{SCRATCH}/made", antennas=4, times=2, subbands=1)
        self.assertTrue(glob.glob(f"{SCRATCH}/made/*"), made)

    def test_writing(self):
        path = a_copy()
        msio.write(path, "DATA", 2 * VALUES["DATA"])
        msio.fill(path, "FLAG", True, rows=slice(3, 9))
        flags = VALUES["FLAG"].copy()
        flags[3:9] = True
        np.testing.assert_array_equal(msio.read(path, "DATA"), 2 * VALUES["DATA"])
        np.testing.assert_array_equal(msio.read(path, "FLAG"), flags)
        if ORDER != "alone":
            with casacore.tables.table(path, ack=False) as table:
                np.testing.assert_array_equal(table.getcol("DATA"), 2 * VALUES["DATA"])
                np.testing.assert_array_equal(table.getcol("FLAG"), flags)

    def test_command(self):
        told = subprocess.run([COMMAND, "info", f"{SETS}/small.ms"], capture_output=True, text=True, check=True)
        self.assertIn("DATA", told.stdout)
        profiled = subprocess.run([COMMAND, "profile", "--quiet", "--out", f"{SCRATCH}/profile", "--", sys.executable, "-c",
                                   f"import msio; msio.read({SETS + '/small.ms'!r}, 'DATA')"], capture_output=True, text=True)
        self.assertEqual(profiled.returncode, 0, profiled.stderr)
        with open(f"{SCRATCH}/profile/report.txt", encoding="utf-8") as report:
            self.assertIn("small.ms", report.read())

    def test_steps_are_run_and_judged(self):
        path, steps = a_copy(), f"{SCRATCH}/steps.toml"
        with open(steps, "w", encoding="utf-8") as file:
            file.write(f"""[[calibration]]\nname = "read"\n"""
                       f"""argv = ["{sys.executable}", "-c", "import msio; msio.read('{{ms}}', 'DATA')"]\n""")
        told = subprocess.run([COMMAND, "verify", path, "--run", "calibration", "--config", steps, "--json", "--quiet"],
                              capture_output=True, text=True)
        self.assertIn(told.returncode, (0, 1), told.stderr)
        (judged,) = [found for found in json.loads(told.stdout)["paths"] if found["name"] == "calibration"]
        (step,) = judged["steps"]
        self.assertEqual((judged["verdict"], step["exit_code"]), ("PASS", 0))
        self.assertGreater(step["bytes_read"], 0)  # headers: what is mapped is seen by no call

    def test_what_needs_casacore_says_so(self):
        with self.assertRaises(msio.CasacoreError) as refused:
            msio.convert(f"{SETS}/group", f"{SCRATCH}/new.ms", missing="skip")
        self.assertIn("casacore-dev", str(refused.exception))
        self.assertFalse(os.path.exists(f"{SCRATCH}/new.ms"))
        if ORDER == "alone":
            with self.assertRaises(msio.CasacoreError):
                msio.add_columns(a_copy(), {"MINE": {"type": "f8", "shape": (2,)}})


class Beside(unittest.TestCase):
    def test_columns_are_added_by_python_casacore(self):
        path = a_copy()
        msio.add_columns(path, {"MINE": {"type": "f8", "shape": (2,)}})
        msio.add_columns(path, imaging=True)
        msio.write(path, "MINE", np.ones((len(VALUES["DATA"]), 2)))
        with casacore.tables.table(path, ack=False) as table:
            self.assertTrue((table.getcol("MINE") == 1).all())
            self.assertIn("MODEL_DATA", table.colnames())

    def test_rows_are_added_by_python_casacore(self):
        path = a_copy()
        msio.add_rows(path, 5)
        with casacore.tables.table(path, ack=False) as table:
            self.assertEqual(table.nrows(), len(VALUES["DATA"]) + 5)

    def test_both_in_turn(self):
        path = a_copy()
        with casacore.tables.table(path, readonly=False, ack=False, lockoptions="user") as table:
            for turn in range(1, 6):
                table.lock(True)
                table.putcol("DATA", turn * VALUES["DATA"])
                table.unlock()
                np.testing.assert_array_equal(msio.read(path, "DATA"), turn * VALUES["DATA"])
                msio.write(path, "DATA", -turn * VALUES["DATA"])
                table.lock(False)
                np.testing.assert_array_equal(table.getcol("DATA"), -turn * VALUES["DATA"])
                table.unlock()

    def test_the_drop_in(self):
        msio.patch_casacore()
        try:
            with casacore.tables.table(f"{SETS}/small.ms", ack=False) as table:
                for column in COLUMNS:
                    np.testing.assert_array_equal(table.getcol(column), VALUES[column])
                    np.testing.assert_array_equal(table.getcell(column, 2), VALUES[column][2])
        finally:
            msio.unpatch_casacore()

    def test_threads_after_fork(self):
        child = os.fork()
        if child == 0:
            ours = msio.read(f"{SETS}/small.ms", "DATA")
            os._exit(0 if np.array_equal(ours, VALUES["DATA"]) else 1)
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), 0)


if __name__ == "__main__":
    if ORDER == "alone":
        del Beside
    try:
        unittest.main(argv=sys.argv[:1], verbosity=1)
    finally:
        shutil.rmtree(SCRATCH, ignore_errors=True)
