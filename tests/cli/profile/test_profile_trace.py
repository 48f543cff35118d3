"""msio profile --trace: what trace.json has of single accesses and file calls is what is counted, of threads, children and
killed programs too; the log and the file are bounded, and tell what they left out.
usage: test_profile_trace.py MSIO GROUP [unittest's arguments]
"""
import collections
import json
import os
import signal
import subprocess

import numpy as np

from profiled_table import PYTHON, Profile, column_of
from running import main, msio

PROFILED = os.environ.get("MSIO_TEST_PROFILED", "")
EVENTS = 1 << 20
SLICES = 100_000
SCRIPT = """
import sys
from casacore.tables import table
t = table(sys.argv[1], ack=False)
for row in range(t.nrows()):
    t.getcell('DATA', row)          # line 5
for row in range(0, t.nrows(), 3):
    t.getcell('UVW', row), t.getcell('FLAG', row)          # line 7
t.getcol('DATA', 100, 50)
"""


class Trace(Profile):
    def setUp(self):
        super().setUp()
        self.script = self.write("script.py", SCRIPT)
        self.file = os.path.join(self.table, "table.f0_TSM0")

    def trace(self, *program, options=(), **more):
        report, run = self.profile(*program, options=["--trace", "--no-estimate", *options], **more)
        return report, self.read(), run

    def read(self, out="report"):
        with open(self.path(out + "/trace.json"), encoding="utf-8") as file:
            trace = json.load(file)
        return trace

    def slices(self, trace, category):
        return [e for e in trace["traceEvents"] if e["ph"] == "X" and e["cat"] == category]

    def check_tracks(self, trace):
        """Each has a name, and its slices do not overlap."""
        named = {(e["pid"], e["tid"]) for e in trace["traceEvents"] if e["name"] == "thread_name"}
        ends = {}
        for e in trace["traceEvents"]:
            if e["ph"] != "X":
                continue
            track = e["pid"], e["tid"]
            self.assertIn(track, named)
            self.assertGreaterEqual(e["ts"] + 1e-3, ends.get(track, 0))
            ends[track] = e["ts"] + e["dur"]


class TestTruth(Trace):
    def test_counts(self):
        report, trace, run = self.trace(PYTHON, self.script, self.table)
        self.check_tracks(trace)
        by_line = collections.Counter()
        for e in self.slices(trace, "access"):
            by_line[e["name"]] += e["args"]["accesses"]
        self.assertEqual(by_line, {"script.py:5 <module>": 600, "script.py:7 <module>": 400, "script.py:8 <module>": 1})
        columns = {name for e in self.slices(trace, "access") for name in e["args"]["columns"]}
        self.assertEqual(columns, {"read a.tab.DATA", "read a.tab.UVW", "read a.tab.FLAG"})
        rows = sum(e["args"]["rows"] for e in self.slices(trace, "access"))
        self.assertEqual(rows, sum(c["rows"] for c in report["columns"]))
        calls = collections.Counter()
        moved = collections.Counter()
        names = {(e["pid"], e["tid"]): e["args"]["name"].split(": ", 1)[1] for e in trace["traceEvents"]
                 if e["name"] == "thread_name"}
        for e in self.slices(trace, "file"):
            key = names[e["pid"], e["tid"]], e["name"]
            calls[key] += e["args"]["calls"]
            moved[key] += e["args"]["bytes"]
            self.assertGreaterEqual(e["dur"] + 1e-3, e["args"]["in calls us"])
        told = {}
        for f in report["files"]:
            for kind, n in (("read", f["reads"]), ("write", f["writes"])):
                if n and not f["path"].endswith("table.lock"):
                    told["/".join(f["path"].split("/")[-2:]), kind] = n, f["bytes_read" if kind == "read" else "bytes_written"]
        self.assertEqual({key: (calls[key], moved[key]) for key in calls}, told)
        flows = sum(e["args"]["a.tab"] for e in trace["traceEvents"] if e["ph"] == "C" and e["name"] == "bytes read")
        self.assertEqual(flows, sum(c["bytes_read"] for c in report["columns"]))
        self.assertEqual(trace["otherData"]["events"], 1001 + sum(calls.values()))
        self.assertEqual(report["own_cost"]["events_dropped"], 0)
        self.assertIn(b"events in trace.json", run.stderr)
        self.assertNotIn("events", os.listdir(self.path("report")))

    def test_order(self):
        """Accesses stand in time as the program made them."""
        _, trace, _ = self.trace(PYTHON, self.script, self.table)
        first, second, third = ([e["ts"] for e in self.slices(trace, "access") if f":{line} " in e["name"]]
                                for line in (5, 7, 8))
        self.assertLess(max(first), min(second))
        self.assertLess(max(second), min(third))

    def test_processes(self):
        """Threads, children, and what a killed program had done."""
        if not PROFILED:
            self.skipTest("the program under test is not built here")
        for mode, code in (("threads", 0), ("fork", 0), ("killed", 128 + signal.SIGKILL), ("handler", 0), ("closefrom", 0)):
            report, trace, run = self.trace(PROFILED, mode, self.file, code=code, out="report")
            self.check_tracks(trace)
            read = [e for e in self.slices(trace, "file") if e["name"] == "read"]
            reads, size = map(int, run.stdout.split())
            told = next(f for f in report["files"] if f["path"] == self.file)
            self.assertEqual(sum(e["args"]["calls"] for e in read), told["reads"])
            self.assertEqual(sum(e["args"]["bytes"] for e in read), told["bytes_read"])
            self.assertEqual(told["reads"], reads)
            self.assertEqual(size, 512 * reads)
            self.assertEqual(len({e["pid"] for e in read}), 101 if mode == "fork" else 1)
            self.assertEqual(len({e["tid"] for e in read}), {"threads": 64, "fork": 101}.get(mode, 1))

    def test_off(self):
        self.profile(PYTHON, self.script, self.table)
        trace = self.read()
        self.assertEqual({e["ph"] for e in trace["traceEvents"]}, {"C"})
        self.assertNotIn("otherData", trace)

    def test_by_environment(self):
        library = msio("profile", "--print-library").stdout.decode().strip()
        for mode, functions in (("profile+trace", False), ("profile+calls+trace", True), ("profile+trace+calls", True)):
            out = self.path(mode)
            os.mkdir(out, 0o700)
            subprocess.run([PYTHON, self.script, self.table], check=True, capture_output=True,
                           env={**os.environ, "LD_PRELOAD": library, "MSIO_PROF": f"{mode}:{out}"})
            report = json.loads(msio("profile", "show", out, "--json").stdout)
            self.assertEqual(column_of(report, "DATA")["calls"], 601)
            self.assertEqual("calls" in report, functions)
            self.assertEqual(sum(e["args"]["accesses"] for e in self.slices(self.read(mode), "access")), 1001)


class TestBound(Trace):
    def test_many(self):
        """More events than the log has room for: the last ones stay, few slices stand for them, and sums hold."""
        script = self.write("many.py", "import os, sys\nfd = os.open(sys.argv[1], os.O_RDONLY)\n"
                            "for i in range(1_200_000): os.pread(fd, 8, 8)\n")
        report, trace, _ = self.trace(PYTHON, script, self.file)
        read = self.slices(trace, "file")
        self.check_tracks(trace)
        self.assertEqual(report["own_cost"]["events"], EVENTS)
        self.assertEqual(report["own_cost"]["events_dropped"], 1_200_000 - EVENTS)
        self.assertLessEqual(len(read), SLICES)
        self.assertEqual(sum(e["args"]["calls"] for e in read), EVENTS)
        self.assertEqual(sum(e["args"]["bytes"] for e in read), 8 * EVENTS)
        self.assertGreater(trace["otherData"]["together_within_us"], 0)

    def test_hostile(self):
        """A log full of nonsense: an answer, never a crash."""
        library = msio("profile", "--print-library").stdout.decode().strip()
        out = self.path("out")
        os.mkdir(out, 0o700)
        subprocess.run([PYTHON, self.script, self.table], check=True, capture_output=True,
                       env={**os.environ, "LD_PRELOAD": library, "MSIO_PROF": f"profile+trace:{out}"})
        good = np.fromfile(out + "/events", np.uint8)
        random = np.random.default_rng(1)
        for turn in range(8):
            bad = good.copy()
            if turn == 0:
                bad[64:] = 255
            elif turn == 1:
                bad[64:] = random.integers(0, 256, len(bad) - 64, np.uint8)
            elif turn == 2:
                bad = bad[:1000]
            elif turn == 3:
                bad[:64] = 255
            else:
                at = random.choice(60_000, 3000) + 16
                bad[at] = random.integers(0, 256, 3000, np.uint8)
            for name in os.listdir(out):
                if name not in ("counters", "events"):
                    os.unlink(os.path.join(out, name))
            bad.tofile(out + "/events")
            msio("profile", "show", out)
            self.read("out")


if __name__ == "__main__":
    main(globals())
