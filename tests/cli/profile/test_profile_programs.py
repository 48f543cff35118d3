"""msio profile on programs as people run them: WSClean and AOFlagger from Debian. What they make with and without is the
same, bytes and calls are strace's, loops have the functions that they are in, and the counts of these versions come out.
usage: test_profile_programs.py MSIO GROUP [unittest's arguments]
"""
import json
import os
import re
import shutil
import subprocess
import tempfile
import unittest

import numpy as np
from casacore.tables import table

from running import main, msio

STRACE = re.compile(r"\d+ +(read|pread64|readv|write|pwrite64|writev)\(\d+<([^>]*)>.*\) += +(\d+)")
CLEAN = ("wsclean", "-quiet", "-j", "2", "-size", "256", "256", "-scale", "12asec", "-niter", "100", "-mgain", "0.8",
         "-threshold", "0.01", "-weight", "briggs", "0.5", "-field", "all", "-reorder", "-name", "image")
FLAG = ("aoflagger", "-j", "2", "-column", "DATA")


def version_of(program, *arguments):
    run = subprocess.run([program, *arguments], capture_output=True, text=True, check=False)
    found = re.search(r"(?:WSClean version|AOFlagger) ([0-9.]+)", run.stdout + run.stderr)
    return found[1] if found else ""


class Program(unittest.TestCase):
    program = ()

    def setUp(self):
        if not shutil.which(self.program[0]):
            self.skipTest(f"LEFT OUT: {self.program[0]} is not installed (apt install {self.program[0]})")
        self.folder = os.path.realpath(tempfile.mkdtemp(prefix="msio-program-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.made = os.path.join(self.folder, "made.ms")
        msio("simulate", "ms", "--quiet", "--out", self.made, "--antennas", "24", "--times", "8", "--subbands", "4")

    def fresh(self, name):
        """A folder of its own with the same Measurement Set, under the same name."""
        folder = os.path.join(self.folder, name)
        os.mkdir(folder)
        shutil.copytree(self.made, os.path.join(folder, "obs.ms"))
        return folder

    def counted(self, folder):
        msio("profile", "--no-estimate", "--out", os.path.join(self.folder, "report"), "--", *self.program, "obs.ms",
             cwd=folder)
        with open(os.path.join(self.folder, "report/report.json"), encoding="utf-8") as file:
            return json.load(file)

    def traced(self, folder):
        """Of each file of the Measurement Set: reads, bytes read, writes, bytes written, as strace sees them."""
        log, ms = os.path.join(self.folder, "log"), os.path.join(folder, "obs.ms") + "/"
        run = subprocess.run(["strace", "-f", "-y", "-e", "trace=read,pread64,readv,write,pwrite64,writev", "-o", log,
                              *self.program, "obs.ms"], cwd=folder, capture_output=True, check=False)
        self.assertEqual(run.returncode, 0, run.stderr[-1000:])
        files = {}
        with open(log, encoding="utf-8", errors="replace") as file:
            for found in filter(None, map(STRACE.match, file)):
                if not found[2].startswith(ms):
                    continue
                entry = files.setdefault(found[2][len(ms):], [0, 0, 0, 0])
                at = 0 if "read" in found[1] else 2
                entry[at] += 1
                entry[at + 1] += int(found[3])
        return files

    def same_results(self, one, other):
        """All columns of both Measurement Sets and what lies beside them are the same."""
        with table(os.path.join(one, "obs.ms"), ack=False) as a, table(os.path.join(other, "obs.ms"), ack=False) as b:
            self.assertEqual(a.colnames(), b.colnames())
            for name in a.colnames():
                if a.iscelldefined(name, 0):
                    self.assertEqual(np.asarray(a.getcol(name)).tobytes(), np.asarray(b.getcol(name)).tobytes(), name)
        self.assertEqual(sorted(os.listdir(one)), sorted(os.listdir(other)))
        for name in os.listdir(one):
            if name.endswith(".fits"):
                with open(os.path.join(one, name), "rb") as a, open(os.path.join(other, name), "rb") as b:
                    self.assertEqual(pixels(a.read()), pixels(b.read()), name)

    def run_both(self):
        without, with_it = self.fresh("without"), self.fresh("with")
        subprocess.run([*self.program, "obs.ms"], cwd=without, check=True, capture_output=True)
        report = self.counted(with_it)
        self.assertEqual(report["own_cost"]["lost"], 0)
        self.same_results(without, with_it)
        self.same_counts(report, with_it)
        return report

    def same_counts(self, report, folder):
        """Of each file what strace says, and all of it is given to columns."""
        if not shutil.which("strace"):
            self.skipTest("LEFT OUT: strace is not installed (apt install strace)")
        expected, ms = self.traced(self.fresh("traced")), os.path.join(folder, "obs.ms") + "/"
        told = {f["path"][len(ms):]: [f["reads"], f["bytes_read"], f["writes"], f["bytes_written"]]
                for f in report["files"] if f["path"].startswith(ms)}
        # of files that are only opened nothing is read; how often threads and processes look at locks is a matter of time
        self.assertEqual({n: c for n, c in told.items() if any(c) and not n.endswith("table.lock")},
                         {n: c for n, c in expected.items() if not n.endswith("table.lock")})
        read, columns = {}, {}
        for name, counts in told.items():
            if not name.endswith("table.lock"):
                read[os.path.dirname(name)] = read.get(os.path.dirname(name), 0) + counts[1]
        for c in report["columns"]:
            if (c["table"] + "/").startswith(ms):
                name = c["table"][len(ms):]
                columns[name] = columns.get(name, 0) + c["bytes_read"]
        self.assertEqual({n: c for n, c in columns.items() if c}, {n: c for n, c in read.items() if c})

    def loop_of(self, report, method, column):
        found = [l for l in report["loops"] if (l["method"], l["column"]) == (method, column)]
        self.assertTrue(found, f"no loop: {method} of {column}")
        return max(found, key=lambda l: l["count"])


def pixels(fits):
    """A FITS file behind its header, which has dates: whole blocks up to the card END."""
    return fits[(fits.index(b"END" + b" " * 77) // 2880 + 1) * 2880:]


class TestWsclean(Program):
    program = CLEAN

    def test_run(self):
        report = self.run_both()
        loop = self.loop_of(report, "putcell", "MODEL_DATA")
        self.assertEqual((loop["count"], loop["file"]), (9600, "wsclean"))
        self.assertRegex(loop["function"], r"^\+0x[0-9a-f]+$|[A-Z]")  # Debian's program has no names
        kinds = {f["kind"] for f in report["findings"]}
        self.assertTrue({"cell loop", "opened again and again", "small buckets", "row-wise writes"} <= kinds, kinds)
        if not version_of("wsclean", "--version").startswith("3.1"):
            self.skipTest("LEFT OUT: the counts are of WSClean 3.1")
        columns = {c["column"]: c for c in report["columns"] if c["table"].endswith("/obs.ms")}
        self.assertEqual({n: columns[n]["cells"] for n in ("UVW", "DATA", "FLAG", "WEIGHT_SPECTRUM")},
                         {"UVW": 19200, "DATA": 8832, "FLAG": 8832, "WEIGHT_SPECTRUM": 8832})
        opens = {os.path.basename(t["table"]): t["opens"] for t in report["tables"]}
        self.assertEqual((opens["obs.ms"], opens["SPECTRAL_WINDOW"]), (165, 165))


class TestAoflagger(Program):
    program = FLAG

    def test_run(self):
        report = self.run_both()
        for method, column, function in (("getcell", "DATA", "readSet"), ("getcell", "UVW", "readSet"),
                                         ("putcell", "FLAG", "writeFlags")):
            loop = self.loop_of(report, method, column)
            self.assertEqual((loop["count"], loop["file"][:17]), (9600, "libaoflagger.so.0"), column)
            self.assertIn(function, loop["function"])
        opens = {os.path.basename(t["table"]): t["opens"] for t in report["tables"]}
        if not version_of("aoflagger", "--version").startswith("3.1"):
            self.skipTest("LEFT OUT: the counts are of AOFlagger 3.1")
        self.assertEqual(opens["obs.ms"], 48)

    def test_again(self):
        """A second run goes through its statistics row by row, and writes each bucket eight times."""
        folder = self.fresh("again")
        subprocess.run([*self.program, "obs.ms"], cwd=folder, check=True, capture_output=True)
        report = self.counted(folder)
        found = [f for f in report["findings"] if f["kind"] == "row-wise writes"]
        self.assertTrue(any("written 8.0 times" in f["what"] for f in found), found)


main(globals())
