"""What the tests of `msio profile` share: a small table, and a program run under the profiler."""
import json
import os
import shutil
import tempfile
import unittest

import numpy as np
from casacore import tables

from running import msio

PYTHON = os.environ.get("MSIO_PYTHON", "/usr/bin/python3")

HALVES = """
import sys, time
from casacore.tables import table
t = table(sys.argv[1], ack=False)
for half in range(2):
    t.getcol('DATA', 2400 * half, 2400)
    time.sleep(1)
"""


def make_table(path, rows=600):
    """A small table with tiled and standard columns."""
    description = tables.maketabdesc([
        tables.makearrcoldesc("DATA", 0j, shape=[16, 4], datamanagertype="TiledColumnStMan", datamanagergroup="data"),
        tables.makearrcoldesc("FLAG", False, shape=[16, 4], datamanagertype="TiledColumnStMan",
                              datamanagergroup="flag"),
        tables.makearrcoldesc("UVW", 0.0, shape=[3]), tables.makescacoldesc("TIME", 0.0)])
    table = tables.table(path, description, nrow=rows, ack=False)
    table.putcol("DATA", np.arange(rows * 64).reshape(rows, 16, 4) * (1 + 2j))
    table.putcol("FLAG", np.arange(rows * 64).reshape(rows, 16, 4) % 3 == 0)
    table.putcol("UVW", np.arange(rows * 3.0).reshape(rows, 3))
    table.putcol("TIME", np.arange(rows) * 2.5)
    table.close()


class Profile(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="msio-profile-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.table = os.path.join(os.path.realpath(self.folder), "a.tab")
        make_table(self.table)

    def path(self, name):
        return os.path.join(self.folder, name)

    def fresh(self):
        """The table as it was made."""
        shutil.rmtree(self.table)
        make_table(self.table)

    def profile(self, *program, code=0, options=(), out="report", **more):
        """Runs the program under the profiler; the report."""
        run = msio("profile", "--out", self.path(out), *options, "--", *program, code=code, **more)
        with open(self.path(out + "/report.json"), encoding="utf-8") as file:
            return json.load(file), run

    def halves(self):
        """The report of a run that reads the first half of a large table's DATA, and a second later the other half."""
        large = os.path.join(os.path.realpath(self.folder), "large.tab")
        make_table(large, rows=4800)
        return self.profile(PYTHON, self.write("halves.py", HALVES), large)[0]

    def write(self, name, text):
        """A script in the test's folder; its path."""
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text.lstrip("\n"))
        return self.path(name)


def column_of(report, name):
    return next(c for c in report["columns"] if c["column"] == name)
