"""msio profile where casacore's accesses are taken from its own text trace, as with versions that are not known: the same
accesses as by its trace functions and as in its trace's file; lines that are none do no harm; the user's settings hold.
usage: test_profile_text.py MSIO GROUP [unittest's arguments]
"""
import ctypes.util
import os
import re
import shutil
import subprocess

from profiled_table import PYTHON, Profile, column_of
from running import main

SCRIBBLING = os.environ.get("MSIO_TEST_SCRIBBLING", "")
TRACED = os.environ.get("MSIO_TEST_TRACED", "")
TEXT = "casacore's text trace"
FUNCTIONS = "casacore's trace functions"
# All kinds of accesses: cells, columns, ranges, lists of rows, parts of cells, references, a new table.
SCRIPT = """
import sys
import numpy as np
from casacore import tables
t = tables.table(sys.argv[1], ack=False, readonly=False)
for row in range(300): t.getcell('DATA', row)
for row in range(0, 300, 7): t.putcell('UVW', row, np.arange(3.))
t.getcol('FLAG')
t.getcol('DATA', 10, 5)
t.getcol('TIME', 2, 50, 3)
t.getcellslice('DATA', 2, [0, 0], [3, 1])
t.getcolslice('DATA', [0, 1], [7, 3], [2, 1])
t.getcolslice('DATA', [0, 1], [7, 3], [2, 1], 100, 20)
t.putcol('TIME', t.getcol('TIME'))
few = t.selectrows(list(range(0, 600, 2)) * 20)
few.getcol('DATA')
few.getcol('UVW')
found = t.query('TIME > 100', columns='TIME,DATA')
found.getcol('DATA')
t.close()
new = tables.table(sys.argv[1] + '.new', tables.maketabdesc([tables.makearrcoldesc('WITH SPACE', 0., ndim=2)]), nrow=9,
                   ack=False)
for row in range(9): new.putcell('WITH SPACE', row, np.ones((row + 1, 2)))
new.close()
tables.table(sys.argv[1] + '.new', ack=False).getcell('WITH SPACE', 3)
"""


class Text(Profile):
    def setUp(self):
        super().setUp()
        self.script = self.write("script.py", SCRIPT)

    def by_text(self, *program):
        return self.profile(*program, options=["--no-estimate"], env={"MSIO_PROFILE_TEXT": "1"})[0]

    def fresh(self):
        shutil.rmtree(self.table + ".new", ignore_errors=True)
        super().fresh()


def accesses(report):
    """What is told of accesses, without what is told of files' bytes and times."""
    columns = {(c["table"], c["column"]): {name: c[name] for name in ("calls", "cells", "rows", "bytes_wanted")}
               for c in report["columns"]}
    lines = sorted((c["table"], c["column"], sorted((key, str(value)) for key, value in b.items()))
                   for c in report["columns"] for b in c["by"])
    return columns, lines


class TestTruth(Text):
    def test_functions(self):
        """The same accesses from the same lines as by the trace functions."""
        known, _ = self.profile(PYTHON, self.script, self.table, options=["--no-estimate"], out="known")
        self.fresh()
        report = self.by_text(PYTHON, self.script, self.table)
        self.assertEqual([p["seen_by"] for p in known["processes"]], [FUNCTIONS])
        self.assertEqual([p["seen_by"] for p in report["processes"]], [TEXT])
        self.assertEqual(accesses(report), accesses(known))
        self.assertEqual(report["own_cost"]["garbled_lines"], 0)
        self.assertEqual(report["own_cost"]["accesses"], known["own_cost"]["accesses"])
        self.assertEqual(column_of(report, "WITH SPACE")["calls"], 10)
        self.assertGreater(report["own_cost"]["accesses"], 350)

    def test_cplusplus(self):
        if not TRACED:
            self.skipTest("the program under test is not built here")
        known, _ = self.profile(TRACED, self.table, options=["--no-estimate"], out="known")
        report = self.by_text(TRACED, self.table)
        self.assertEqual([p["seen_by"] for p in report["processes"]], [TEXT])
        self.assertEqual(accesses(report)[0], accesses(known)[0])
        by = {b["function"].split("(")[0] for c in report["columns"] for b in c["by"]}
        self.assertEqual(by, {"first_loop", "second_loop"})

    def test_trace_file(self):
        """The same accesses as in casacore's trace, written to a file."""
        trace, rc = self.path("trace.txt"), self.path("rc")
        with open(rc, "w", encoding="utf-8") as file:
            file.write(f"table.trace.filename: {trace}\ntable.trace.operation: srw\ntable.trace.columntype: sar\n")
        subprocess.run([PYTHON, self.script, self.table], check=True, env={**os.environ, "CASARCFILES": rc})
        expected = {}
        line = re.compile(r"\S+ ([rw]) t=\d+ (.+?) [0-9*:,]+(?: \[.*)?$")
        with open(trace, encoding="utf-8") as file:
            for found in filter(None, map(line.match, file)):
                key = (found[2], "write" if found[1] == "w" else "read")
                expected[key] = expected.get(key, 0) + 1
        self.fresh()
        told = {}
        for column in self.by_text(PYTHON, self.script, self.table)["columns"]:
            for by in column["by"]:
                key = (column["column"], by["operation"])
                told[key] = told.get(key, 0) + by["calls"]
        self.assertEqual(told, expected)

    def test_unknown_version(self):
        """A casacore that the trace functions were not tried with is taken by its text without being asked."""
        path = ctypes.util.find_library("casa_tables")
        places = [f"/usr/lib/x86_64-linux-gnu/{path}", f"/usr/lib/{path}", f"/usr/local/lib/{path}"]
        library = next((place for place in places if path and os.path.exists(place)), None)
        if not library:
            self.skipTest("libcasa_tables is not found")
        newer = self.path("libcasa_tables.so.99")
        shutil.copyfile(os.path.realpath(library), newer)
        report, run = self.profile(PYTHON, self.script, self.table, options=["--no-estimate"],
                                   env={"LD_PRELOAD": newer})
        if report["processes"][0]["seen_by"] == FUNCTIONS:
            self.skipTest("this Python has a casacore of its own")
        self.assertEqual([p["seen_by"] for p in report["processes"]], [TEXT])
        self.assertIn(b"by casacore's text trace", run.stderr)
        self.assertEqual(column_of(report, "DATA")["cells"], 301)


class TestHarm(Text):
    def scribble(self, way, *more, garbled=None):
        if not SCRIBBLING:
            self.skipTest("the program under test is not built here")
        report, run = self.profile(SCRIBBLING, way, self.table, *more, options=["--no-estimate"])
        self.assertEqual(report["own_cost"]["accesses"] - (way == "long"), int(run.stdout))
        if garbled is not None:
            self.assertEqual(report["own_cost"]["garbled_lines"], garbled)
        return report

    def test_lines(self):
        report = self.scribble("lines")
        self.assertGreater(report["own_cost"]["garbled_lines"], 20)

    def test_noise(self):
        report = self.scribble("noise")
        self.assertGreater(report["own_cost"]["garbled_lines"], 1000)

    def test_long(self):
        self.scribble("long", garbled=0)

    def test_closed(self):
        self.scribble("closed", self.path("taken"), garbled=0)
        self.assertEqual(os.path.getsize(self.path("taken")), 0)

    def test_settings(self):
        """The user's own settings stay in force, by whichever file: tiles are mapped here."""
        rc, home = self.path("rc"), self.path("home")
        os.mkdir(home)
        for path in (rc, os.path.join(home, ".casarc")):
            with open(path, "w", encoding="utf-8") as file:
                file.write("table.tsm.option: MMap\n")
        loop = self.write("loop.py", "import sys\nfrom casacore.tables import table\n"
                          "t = table(sys.argv[1], ack=False)\nfor row in range(100): t.getcell('DATA', row)\n")
        for changed, mapped in (({"CASARCFILES": rc}, True), ({"HOME": home}, True),
                                ({"HOME": self.path("nowhere")}, False)):
            self.profile(PYTHON, loop, self.table, options=["--no-estimate"],
                         env={"CASARCFILES": "", **changed, "MSIO_PROFILE_TEXT": "1"})
            with open(self.path("report/report.txt"), encoding="utf-8") as file:
                text = file.read()
            self.assertEqual("files of tables were mapped" in text, mapped, changed)
            self.assertIn("by casacore's text trace", text)

    def test_nothing_beside(self):
        """Without a table nothing is opened; what the program starts has the list once."""
        show = "import os; print(os.environ.get('CASARCFILES', '').count('/dev/.//null'), os.listdir('/proc/self/fd'))"
        again = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {show!r}], check=True)"
        _, run = self.profile(PYTHON, "-c", again)
        alone = subprocess.run([PYTHON, "-c", again], capture_output=True, check=True)
        self.assertEqual(run.stdout.split(None, 1)[0], b"1")
        self.assertEqual(run.stdout.split(None, 1)[1], alone.stdout.split(None, 1)[1])


if __name__ == "__main__":
    main(globals())
