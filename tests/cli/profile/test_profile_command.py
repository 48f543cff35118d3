"""msio profile, from its user's side: what it counts is held against strace and casacore's own text trace, on the same
programs; programs that die, fork, close everything or read in signal handlers end as they do without it.
usage: test_profile_command.py MSIO GROUP [unittest's arguments]
"""
import csv
import json
import os
import pstats
import re
import shutil
import signal
import subprocess

import numpy as np

from profiled_table import PYTHON, Profile, column_of, make_table
from running import main, msio

PROFILED = os.environ.get("MSIO_TEST_PROFILED", "")
THREADS = os.environ.get("MSIO_TEST_PROFILE_THREADS", "")
SAMPLED = os.environ.get("MSIO_TEST_SAMPLED", "")
TRACED = os.environ.get("MSIO_TEST_TRACED", "")
LOOP = """
import sys
import numpy as np
from casacore.tables import table
t = table(sys.argv[1], ack=False)
total = 0
for row in range(t.nrows()):
    total += t.getcell('DATA', row).sum()          # line 7
def times():
    for row in range(0, t.nrows(), 32):
        yield t.getcell('TIME', row)               # line 10
print(total, sum(times()))
for again in range(4):
    flags = t.getcol('FLAG')                       # line 13
part = t.getcol('DATA', 100, 50)
t.close()
t = table(sys.argv[1], ack=False, readonly=False)
for row in range(100):
    t.putcell('UVW', row, np.arange(3.) * row)     # line 18
t.putcol('TIME', t.getcol('TIME'))
t.close()
np.save(sys.argv[2], part)
"""


class Loop(Profile):
    def setUp(self):
        super().setUp()
        self.script = self.write("loop.py", LOOP)

    def loop(self, **more):
        return self.profile(PYTHON, self.script, self.table, self.path("part.npy"), **more)


class TestTruth(Loop):
    def test_strace(self):
        """Bytes and calls are strace's, file by file."""
        if not shutil.which("strace"):
            self.skipTest("strace is not installed")
        log = self.path("log")
        traced = subprocess.run(["strace", "-f", "-y", "-e", "trace=read,pread64,readv,write,pwrite64,writev,openat,"
                                 "fsync", "-o", log, PYTHON, self.script, self.table, self.path("part.npy")],
                                capture_output=True, check=False)
        if traced.returncode:
            self.skipTest("strace may not trace here")
        expected = {}
        line = re.compile(r"\d+ +(\w+)\((\d+)<([^>]*)>.*\) += +(-?\d+)")
        opened = re.compile(r"\d+ +openat\(.*= \d+<([^>]*)>")
        with open(log, encoding="utf-8", errors="replace") as file:
            for text in file:
                found, open_of = line.match(text), opened.match(text)
                path = found[3] if found else open_of[1] if open_of else ""
                if not path.startswith(self.table + "/"):
                    continue
                entry = expected.setdefault(path, [0, 0, 0, 0, 0, 0])
                if open_of:
                    entry[0] += 1
                elif found[1] in ("read", "pread64", "readv"):
                    entry[1] += 1
                    entry[2] += max(0, int(found[4]))
                elif found[1] == "fsync":
                    entry[5] += 1
                else:
                    entry[3] += 1
                    entry[4] += max(0, int(found[4]))
        self.fresh()
        report, _ = self.loop()
        told = {f["path"]: [f["opens"], f["reads"], f["bytes_read"], f["writes"], f["bytes_written"], f["syncs"]]
                for f in report["files"] if f["path"].startswith(self.table + "/")}
        self.assertEqual(told, expected)
        self.assertGreater(sum(entry[1] for entry in expected.values()), 500)
        # and each byte of the data files is some column's
        for kind, key in (("bytes_read", 2), ("bytes_written", 4)):
            columns = sum(c[kind] for c in report["columns"] if c["table"] == self.table)
            files = sum(entry[key] for path, entry in expected.items() if not path.endswith("table.lock"))
            self.assertEqual(columns, files)

    def test_casacore_trace(self):
        """Accesses are those of casacore's own text trace."""
        trace, rc = self.path("trace.txt"), self.path("rc")
        with open(rc, "w", encoding="utf-8") as file:
            file.write(f"table.trace.filename: {trace}\ntable.trace.operation: srw\ntable.trace.columntype: sar\n")
        subprocess.run([PYTHON, self.script, self.table, self.path("part.npy")], check=True, capture_output=True,
                       env={**os.environ, "CASARCFILES": rc})
        expected = {}
        with open(trace, encoding="utf-8") as file:
            for line in file:
                fields = line.split()
                if len(fields) >= 4 and fields[1] in "rw" and fields[2].startswith("t="):
                    key = (fields[3], "write" if fields[1] == "w" else "read")
                    expected[key] = expected.get(key, 0) + 1
        self.fresh()
        report, _ = self.loop()
        told = {}
        for column in report["columns"]:
            for by in column["by"]:
                key = (column["column"], by["operation"])
                told[key] = told.get(key, 0) + by["calls"]
        self.assertEqual(told, expected)
        self.assertEqual(expected["DATA", "read"], 601)

    def test_same_results(self):
        command = [PYTHON, self.script, self.table, self.path("part.npy")]
        without = subprocess.run(command, check=True, capture_output=True)
        with open(self.path("part.npy"), "rb") as file:
            part = file.read()
        files = {name: open(os.path.join(self.table, name), "rb").read() for name in os.listdir(self.table)}
        self.fresh()
        _, run = self.loop()
        self.assertEqual(run.stdout, without.stdout)
        with open(self.path("part.npy"), "rb") as file:
            self.assertEqual(file.read(), part)
        for name, content in files.items():
            with open(os.path.join(self.table, name), "rb") as file:
                self.assertEqual(file.read(), content, name)

    def test_lines(self):
        report, _ = self.loop()
        loops = {(l["column"], l["line"]): l for l in report["loops"]}
        loop = loops["DATA", 7]
        self.assertEqual((loop["count"], loop["file"], loop["function"], loop["method"]),
                         (600, self.script, "<module>", "getcell"))
        self.assertGreaterEqual(loop["would_take_seconds"], 0)
        self.assertEqual(loops["UVW", 18]["method"], "putcell")
        lines = {l["line"]: l for l in report["lines"] if l["file"] == self.script}
        self.assertEqual(lines[10]["function"], "times")
        self.assertEqual(lines[13]["hits"], 4)
        self.assertEqual(lines[7]["bytes"], 600 * 64 * 16)
        data = column_of(report, "DATA")
        self.assertEqual(data["rows"], 650)
        self.assertEqual(data["bytes_wanted"], 650 * 64 * 16)
        kinds = {(f["kind"], f["column"]) for f in report["findings"]}
        self.assertIn(("cell loop", "DATA"), kinds)
        self.assertIn(("column again", "FLAG"), kinds)
        self.assertIn("lock per access", {f["kind"] for f in report["findings"]})

    def test_native_sites(self):
        """Accesses from C++ have the function and, built with -g, the line that they come from; two loops keep theirs."""
        if not TRACED:
            self.skipTest("the program under test is not built here")
        report, run = self.profile(TRACED, self.table)
        self.assertEqual(run.stdout, subprocess.run([TRACED, self.table], capture_output=True, check=True).stdout)
        loops = {(l["function"].split("(")[0], l["column"]): l["count"] for l in report["loops"]}
        self.assertEqual(loops, {("first_loop", "DATA"): 600, ("second_loop", "UVW"): 300})
        by = column_of(report, "DATA")["by"]
        self.assertEqual({b["site"] for b in by}, {"sampled"})
        with open(os.path.join(os.path.dirname(os.path.realpath(__file__)), "traced.cc"), encoding="utf-8") as file:
            source = file.readlines()
        lines = {column: next(i for i, text in enumerate(source, 1) if part in text)
                 for column, part in (("DATA", "data()[1].real()"), ("UVW", "column.get(row).data()[1];"))}
        for loop in report["loops"]:
            self.assertTrue(loop["file"].startswith("/") and loop["file"].endswith("/tests/cli/profile/traced.cc"), loop)
            self.assertEqual(loop["line"], lines[loop["column"]])
        bare = self.path("bare")
        shutil.copy(TRACED, bare)
        subprocess.run(["strip", "--strip-all", bare], check=True)
        report, run = self.profile(bare, self.table, out="bare-report")
        loops = {(l["file"], l["line"], l["function"].split("(")[0], l["column"]): l["count"] for l in report["loops"]}
        self.assertEqual(loops, {("bare", 0, "first_loop", "DATA"): 600, ("bare", 0, "second_loop", "UVW"): 300})

    def test_description(self):
        """A program that asks for a column's description gets what it is now, also between accesses."""
        if not TRACED:
            self.skipTest("the program under test is not built here")
        report, run = self.profile(TRACED, self.table, "keywords")
        self.assertEqual(run.stdout, b"100\n")
        self.assertEqual(column_of(report, "DATA")["cells"], 100)

    def test_hdf5(self):
        try:
            import h5py
        except ImportError:
            self.skipTest("h5py is not installed")
        path = os.path.realpath(self.path("b.data"))  # by its content, not by its name
        with h5py.File(path, "w") as file:
            file.create_dataset("Data/visdata", data=np.arange(64 * 100.0).reshape(64, 100), chunks=(8, 100))
            file.create_dataset("Header/freq", data=np.arange(50.0))
        script = self.path("h5.py")
        with open(script, "w", encoding="utf-8") as file:
            file.write("import h5py, sys\nf = h5py.File(sys.argv[1], 'r')\n"
                       "print(f['Data/visdata'][8:24].sum(), f['Header/freq'][...].sum())\n")
        report, _ = self.profile(PYTHON, script, path)
        columns = {c["column"]: c for c in report["columns"] if c["table"] == path}
        self.assertEqual(columns["Data/visdata"]["bytes_read"], 2 * 8 * 100 * 8)
        self.assertEqual(columns["Data/visdata"]["tiles"], 2)
        self.assertEqual(columns["Header/freq"]["bytes_read"], 400)


    def test_samples(self):
        """Shares of processor time on a program of known shares."""
        if not SAMPLED:
            self.skipTest("the program under test is not built here")
        report, _ = self.profile(SAMPLED, os.path.join(self.table, "table.dat"),
                                 options=["--sample", "500", "--no-estimate"])
        samples = report["samples"]
        if samples["hz"] == 0:
            self.skipTest(samples["why_not"])
        self.assertGreater(samples["count"], 300)
        self.assertAlmostEqual(samples["table_layer"] / samples["count"], 0.7, delta=0.02)
        self.assertEqual(samples["libraries"][0]["library"], os.path.basename(SAMPLED))
        self.assertGreater(samples["libraries"][0]["samples"] / samples["count"], 0.95)
        self.assertGreater(samples["accounted"], 0.7)  # it does little but compute
        self.assertLessEqual(samples["accounted"], 1)
        with open(self.path("report/report.txt"), encoding="utf-8") as file:
            self.assertRegex(file.read(), r"[0-9.]+% of the time in user code accounted for")
        report, _ = self.profile(SAMPLED, os.path.join(self.table, "table.dat"), out="none",
                                 options=["--sample", "0", "--no-estimate"])
        self.assertEqual(report["samples"]["count"], 0)
        self.assertEqual(report["samples"]["why_not"], "--sample 0")
        self.assertNotIn("why_not", report["samples"]["stacks"])  # nothing is missing: none were wanted


class TestSurvival(Loop):
    def setUp(self):
        super().setUp()
        if not PROFILED:
            self.skipTest("the program under test is not built here")
        self.file = os.path.join(self.table, "table.f0_TSM0")

    def run_mode(self, mode, code=0):
        """The program ends as it does alone, and what it read is what is told."""
        alone = subprocess.run([PROFILED, mode, self.file], capture_output=True, check=False)
        self.assertEqual(alone.returncode if alone.returncode >= 0 else 128 - alone.returncode, code)
        report, run = self.profile(PROFILED, mode, self.file, code=code, options=["--no-estimate"])
        self.assertEqual(report["exit_code"], code)
        told = next(f for f in report["files"] if f["path"] == self.file)
        if mode != "handler":
            self.assertEqual(run.stdout, alone.stdout)
        reads, count = map(int, run.stdout.split())
        self.assertEqual((told["reads"], told["bytes_read"]), (reads, count - 512 * told["failed"]))
        self.assertEqual(report["own_cost"]["lost"], 0)
        return report

    def test_read(self):
        self.run_mode("read")

    def test_dies(self):
        report = self.run_mode("crash", code=128 + signal.SIGSEGV)
        self.assertEqual(report["signal"], signal.SIGSEGV)
        report = self.run_mode("killed", code=128 + signal.SIGKILL)
        self.assertFalse(report["processes"][0]["ended_by_itself"])
        self.run_mode("quick", code=5)

    def test_exec(self):
        report = self.run_mode("exec")
        self.assertEqual(len(report["processes"]), 2)

    def test_forks(self):
        report = self.run_mode("fork")
        self.assertEqual(len(report["processes"]), 101)
        self.run_mode("vfork")

    def test_threads(self):
        self.run_mode("threads")

    def test_handler(self):
        self.run_mode("handler")

    def test_descriptors(self):
        self.run_mode("closefrom")
        self.run_mode("copies")
        self.run_mode("errors")

    def test_small_pieces(self):
        """Each piece of a file is kept apart, however many there are: none is lost, and columns have all their bytes."""
        self.file = os.path.join(self.table, "table.f9")
        open(self.file, "w", encoding="ascii").close()
        report = self.run_mode("pieces")
        self.assertEqual(sum(c["bytes_read"] for c in report["columns"]), sum(f["bytes_read"] for f in report["files"]))

    def test_inert(self):
        """A program that opens no table gets nothing: no file, no thread."""
        report, _ = self.profile("/bin/true")
        self.assertEqual(report["processes"], [])
        self.assertIn("nothing to win", report["verdict"])
        self.assertEqual(self.profile("/bin/sh", "-c", "exit 7", code=7)[0]["exit_code"], 7)
        self.assertEqual(self.profile("/bin/sh", "-c", "kill -TERM $$", code=143)[0]["signal"], 15)


class TestThreads(Loop):
    """The program and the library in front of it are under ThreadSanitizer."""

    def test_survival(self):
        """It ends as it does alone, and what it read is what is told. Not here: vfork's child, which becomes a program that
        has no sanitizer; a crash, which is the sanitizer's to tell."""
        file, out = os.path.join(self.table, "table.f0_TSM0"), self.path("out")
        for mode in ("read", "threads", "fork", "handler", "closefrom", "copies", "errors", "exec", "quick", "killed"):
            with self.subTest(mode):
                os.mkdir(out, 0o700)
                alone = subprocess.run([PROFILED, mode, file], capture_output=True, check=False)
                run = subprocess.run([PROFILED, mode, file], capture_output=True, check=False, timeout=300,
                                     env={**os.environ, "LD_PRELOAD": THREADS, "MSIO_PROF": f"profile:{out}"})
                self.assertEqual((run.returncode, run.stderr), (alone.returncode, b""))
                report = json.loads(msio("profile", "show", out, "--json").stdout)
                told = next(f for f in report["files"] if f["path"] == file)
                reads, count = map(int, run.stdout.split())
                self.assertEqual((told["reads"], told["bytes_read"]), (reads, count - 512 * told["failed"]))
                shutil.rmtree(out)


class TestReport(Loop):
    def test_files(self):
        self.loop()
        folder = self.path("report")
        self.assertEqual(os.stat(folder).st_mode & 0o777, 0o700)
        self.assertEqual(set(os.listdir(folder)), {
            "report.txt", "report.json", "report.html", "counts.tsv", "memory.csv", "profile.folded", "cpu.folded", "accesses.folded",
            "profile.speedscope.json", "profile.prof", "trace.json"})
        for name in os.listdir(folder):
            self.assertEqual(os.stat(os.path.join(folder, name)).st_mode & 0o777, 0o600, name)
        stats = pstats.Stats(os.path.join(folder, "profile.prof")).stats
        calls = {function[2]: (entry[0], entry[4]) for function, entry in stats.items()}
        self.assertEqual(calls["read DATA"][0], 601)
        self.assertEqual(calls["read DATA"][1][self.script, 7, "<module>"][0], 600)
        with open(os.path.join(folder, "profile.speedscope.json"), encoding="utf-8") as file:
            scope = json.load(file)
        profile = scope["profiles"][0]
        self.assertEqual(len(profile["samples"]), len(profile["weights"]))
        self.assertEqual(sum(profile["weights"]), profile["endValue"])
        self.assertLess(max(map(max, profile["samples"])), len(scope["shared"]["frames"]))
        with open(os.path.join(folder, "accesses.folded"), encoding="utf-8") as file:
            self.assertTrue(all(re.fullmatch(r"[^;]+;[^;]+ \d+", line.rstrip("\n")) for line in file))
        with open(os.path.join(folder, "memory.csv"), encoding="utf-8") as file:
            moments = list(csv.DictReader(file))
        self.assertGreater(max(int(m["resident_bytes"]) for m in moments), 1_000_000)

    def test_show_and_compare(self):
        _, run = self.loop(out="one")
        self.assertIn("Loops over cells", run.stderr.decode())
        shown = msio("profile", "show", self.path("one")).stdout.decode()
        self.assertIn(shown, run.stderr.decode())
        self.assertEqual(json.loads(msio("profile", "show", self.path("one"), "--json").stdout)["exit_code"], 0)
        self.fresh()
        self.loop(out="two")
        *differ, told = msio("profile", "compare", self.path("one"), self.path("two")).stdout.decode().splitlines()
        counts = sum(not line.startswith("  time ") for line in differ)
        self.assertTrue(told.startswith(f"0 of {counts} counts that differ rose"), told)
        with open(self.script, "a", encoding="utf-8") as file:
            file.write("table(sys.argv[1], ack=False).getcol('FLAG')\n")
        self.fresh()
        self.loop(out="three")
        answer = msio("profile", "compare", "--json", self.path("one"), self.path("three"), code=1).stdout
        more = {c["name"] for c in json.loads(answer)["counts"] if c["more"]}
        self.assertIn("opens a.tab ", more)
        self.assertIn("accesses a.tab FLAG", more)

    def test_by_environment(self):
        """Programs that nobody starts by hand."""
        library = msio("profile", "--print-library").stdout.decode().strip()
        out = self.path("out")
        os.mkdir(out, 0o700)
        subprocess.run([PYTHON, self.script, self.table, self.path("part.npy")], check=True, capture_output=True,
                       env={**os.environ, "LD_PRELOAD": library, "MSIO_PROF": f"profile:{out}"})
        report = json.loads(msio("profile", "show", out, "--json").stdout)
        self.assertEqual(column_of(report, "DATA")["calls"], 601)

    def test_json_output(self):
        run = msio("profile", "--json", "--out", self.path("report"), "--", "/bin/echo", "hello")
        self.assertEqual(json.loads(run.stdout)["program"], ["/bin/echo", "hello"])
        self.assertIn(b"hello", run.stderr)

    def test_hostile_names(self):
        """Names with markup, escapes and newlines do no harm in any output."""
        evil = os.path.join(os.path.realpath(self.folder), "<img src=x onerror=alert(1)>\x1b[31m;\n\"'&.tab")
        os.rename(self.table, evil)
        script = self.path("</script><script>alert(2)</script>\n.py")
        script = script.replace("/script>", "script>")  # a file name has no slash
        with open(script, "w", encoding="utf-8") as file:
            file.write("import sys\nfrom casacore.tables import table\nt = table(sys.argv[1], ack=False)\n"
                       "for row in range(100): t.getcell('DATA', row)\n")
        report, run = self.profile(PYTHON, script, evil)
        self.assertEqual(column_of(report, "DATA")["cells"], 100)
        self.assertNotIn(b"\x1b", run.stderr)
        for name in os.listdir(self.path("report")):
            if name == "profile.prof":
                self.assertTrue(pstats.Stats(self.path("report/" + name)).stats)
                continue
            with open(self.path("report/" + name), "rb") as file:
                content = file.read()
            self.assertNotIn(b"\x1b", content, name)
            if name.endswith(".html"):
                self.assertNotIn(b"<img", content)
                self.assertNotIn(b"<script>alert", content)
                self.assertEqual(content.count(b"<script>"), 3)
                self.assertNotIn(b"http", content.replace(b"http-equiv", b"").replace(
                    b"/*! https://github.com/leeoniya/uPlot", b""))
            if name.endswith(".json"):
                json.loads(content)
            if name.endswith(".folded"):
                self.assertTrue(all(re.fullmatch(rb"[^;]+(;[^;]+)* \d+", l) for l in content.splitlines()))


    def test_memory_that_only_grows(self):
        """A process that grows all the time is told of; one that is as large from its begin on is not."""
        script = self.write("grow.py", """
import os, sys, time
kept, begin = [], time.monotonic()
while (now := time.monotonic() - begin) < 9:  # thirty looks at it are wanted, also on a crowded machine
    wanted = 45 * now if sys.argv[1] == "all the time" else 400
    while len(kept) < wanted: kept.append(b"x" * 1_000_000)
    time.sleep(0.02)
os._exit(0)
""")
        for way, told in (("all the time", True), ("at once", False)):
            report, _ = self.profile(PYTHON, script, way, out=way)
            self.assertEqual("memory only grows" in {f["kind"] for f in report["findings"]}, told, report["memory"])

    def test_heat(self):
        """When which part of a file was read: its first half, a pause, its second half; all bytes of it are somewhere."""
        report = self.halves()
        heat = {h["column"]: h for h in report["heat"]}["DATA"]
        times = np.array(heat["times"])
        self.assertEqual(times.shape[1], 64)
        self.assertAlmostEqual(64 * heat["step_seconds"], report["seconds"], delta=0.1)
        told = next(f["bytes_read"] for f in report["files"] if f["path"] == heat["file"])
        self.assertEqual(heat["bytes_read"], told)
        self.assertAlmostEqual(times.sum() * heat["part_bytes"], told, delta=1e-6 * told)
        middle = 2400 * 64 * 16 // heat["part_bytes"]
        before, after = (np.flatnonzero(half.sum(axis=0)) for half in (times[:middle - 1], times[middle + 2:]))
        self.assertLess(before.max(), after.min())
        with open(self.path("report/report.txt"), encoding="utf-8") as file:
            self.assertRegex(file.read(), r"When files were read(.|\n)*large.tab DATA(.|\n)*@")

    def test_own_cost(self):
        """What accesses cost is measured in the run: more than the least that a look at a clock takes, less than the run."""
        report, _ = self.loop()
        own, calls = report["own_cost"], sum(c["calls"] for c in report["columns"])
        self.assertEqual(own["accesses"], calls)
        self.assertTrue(1e-8 * calls < own["seconds"] < report["cpu_seconds"], own)

    def test_targets(self):
        report, run = self.profile("/bin/sleep", "0.2", out="met", options=["--judge", "wall=60", "--judge", "cpu=30"])
        self.assertEqual([(t["name"], t["verdict"]) for t in report["targets"]], [("wall", "PASS"), ("cpu", "PASS")])
        self.assertIn(b"target wall: 1 min, measured ", run.stderr)
        report, run = self.profile("/bin/sleep", "0.2", out="missed", code=1, options=["--judge", "imaging=0.1"])
        self.assertEqual(report["targets"][0]["verdict"], "FAIL")
        self.assertGreaterEqual(report["targets"][0]["measured_seconds"], 0.2)
        report, _ = self.profile("/bin/true", out="unseen", code=1, options=["--judge", "gaincal=5"])
        self.assertEqual((report["targets"][0]["verdict"], report["targets"][0]["measured_seconds"]), ("NOT MEASURED", None))
        self.profile("/bin/sh", "-c", "exit 7", out="failed", code=7, options=["--judge", "wall=1e-9"])
        for wrong in ("wall", "=5", "wall=", "wall=-1", "wall=nan", "wall=5s", "x" * 70 + "=1"):
            msio("profile", "--judge", wrong, "--", "/bin/true", code=2)


class TestErrors(Loop):
    def test_usage(self):
        msio("profile", code=2)
        msio("profile", "--", code=2)
        msio("profile", "ls", "--", "ls", code=2)
        msio("profile", "show", code=2)
        self.assertIn(b"cannot be started", msio("profile", "--out", self.path("a"), "--", "/nonexistent/program",
                                                 code=3).stderr)
        self.assertIn(b"no counters", msio("profile", "show", self.folder, code=3).stderr)
        msio("profile", "compare", self.folder, self.folder, code=3)

    def test_folder(self):
        self.assertIn(b"of no profile", msio("profile", "--out", self.table, "--", "/bin/true", code=2).stderr)
        self.assertTrue(os.path.exists(self.table + "/table.dat"))
        msio("profile", "--out", self.path("new"), "--", "/bin/true")
        msio("profile", "--out", self.path("new"), "--", "/bin/true")

    def test_damaged_counters(self):
        os.mkdir(self.path("bad"))
        with open(self.path("bad/counters"), "wb") as file:
            file.write(b"msioprof" + b"\xff" * 1000)
        self.assertIn(b"no counters of this version", msio("profile", "show", self.path("bad"), code=3).stderr)

    def test_hostile_counters(self):
        """Counters full of nonsense: an answer or an error, never a crash."""
        library = msio("profile", "--print-library").stdout.decode().strip()
        out = self.path("out")
        os.mkdir(out, 0o700)
        subprocess.run([PYTHON, self.script, self.table, self.path("part.npy")], check=True, capture_output=True,
                       env={**os.environ, "LD_PRELOAD": library, "MSIO_PROF": f"profile:{out}"})
        with open(out + "/counters", "rb") as file:
            good = np.frombuffer(file.read(), np.uint8)
        random = np.random.default_rng(1)
        used = np.flatnonzero(good[128:]) + 128
        for _ in range(12):
            bad = good.copy()
            at = random.choice(used, 200)
            bad[at] = random.integers(0, 256, 200, np.uint8)
            for name in os.listdir(out):
                os.unlink(os.path.join(out, name))
            with open(out + "/counters", "wb") as file:
                file.write(bad.tobytes())
            run = msio("profile", "show", out, code=None)
            self.assertIn(run.returncode, (0, 3), run.stderr[-500:])


if __name__ == "__main__":
    main(globals())
