"""Stacks of native code in the reports of msio profile: shares and lines of a program whose shares and lines are known, in
threads, children, signal handlers; of Python with what it calls; where names, lines or libdw are missing.
usage: test_profile_native.py MSIO GROUP [unittest's arguments]
"""
import os
import shutil
import stat
import subprocess

from profiled_table import PYTHON, Profile
from running import main

KNOWN = os.environ.get("MSIO_TEST_CALLS_KNOWN", "")
SHARES = {"sixty": 0.6, "thirty": 0.3, "by_ten": 0.1}
SOURCE = os.path.join(os.path.dirname(os.path.realpath(__file__)), "calls_known.c")
SCRIPT = """
import sys, time
import numpy as np
from casacore.tables import table
t = table(sys.argv[1], ack=False)
a = np.ones((100, 100))
def multiply(seconds):
    end = time.thread_time() + seconds
    while time.thread_time() < end: a @ a
def count(seconds):
    end = time.thread_time() + seconds
    while time.thread_time() < end: sum(range(1000))
for turn in range(4):
    multiply(0.45)
    count(0.15)
"""


class Native(Profile):
    def setUp(self):
        super().setUp()
        if not KNOWN:
            self.skipTest("the program under test is not built here")

    def sample(self, program, *arguments, **how):
        """The report's part about samples."""
        how.setdefault("options", ["--sample", "500", "--no-estimate"])
        report, run = self.profile(program, *arguments, **how)
        self.samples = report["samples"]
        if self.samples["hz"] == 0:
            self.skipTest(self.samples["why_not"])
        self.assertGreater(self.samples["count"], 100)
        return run

    def known(self, mode, program=KNOWN, **how):
        self.sample(program, mode, os.path.join(self.table, "table.dat"), **how)

    def functions(self):
        return {f["function"]: f for f in self.samples["functions"]}

    def share(self, samples):
        return samples / self.samples["count"]

    def folded(self):
        with open(self.path("report/cpu.folded"), encoding="utf-8") as file:
            return [(stack.split(";"), int(weight)) for stack, weight in (line.rsplit(" ", 1) for line in file)]

    def check_shares(self):
        functions = self.functions()
        for name, share in SHARES.items():
            self.assertAlmostEqual(self.share(functions[name]["all"]), share, delta=0.02, msg=name)
        self.assertGreater(self.share(functions["outer"]["all"]), 0.98)
        self.assertLess(self.share(functions["outer"]["own"]), 0.01)
        self.assertGreater(self.share(self.samples["stacks"]["whole"]), 0.99)


class TestStacks(Native):
    def test_shares(self):
        """Functions, with all that they call, within 2 points; the folded stacks hold the same samples."""
        self.known("shares")
        self.check_shares()
        stacks, step = self.folded(), 1000000 // self.samples["hz"]
        self.assertEqual(sum(weight for _, weight in stacks), self.samples["count"] * step)
        within = sum(weight for stack, weight in stacks if any(frame.startswith("sixty [") for frame in stack))
        self.assertEqual(within, self.functions()["sixty"]["all"] * step)
        for stack, _ in stacks:
            names = [frame.split(" [")[0] for frame in stack]
            if "by_ten" in names:
                self.assertIn("qsort", " ".join(names[names.index("outer"):names.index("by_ten")]))
            if "sixty" in names:
                self.assertEqual(names[names.index("sixty") - 1], "outer")

    def test_lines(self):
        """Lines of what was built with -g."""
        self.known("shares")
        with open(SOURCE, encoding="utf-8") as file:
            source = file.readlines()
        lines = {(os.path.basename(line["file"]), line["line"]): line for line in self.samples["lines"]}
        for name, share in SHARES.items():
            burns = next(i for i, text in enumerate(source, 1) if f"BURN({share / 10:.2f})" in text)
            told = lines[("calls_known.c", burns)]
            self.assertEqual(told["function"], name)
            self.assertAlmostEqual(self.share(told["all"]), SHARES[name], delta=0.02, msg=name)

    def test_threads(self):
        self.known("threads")
        self.check_shares()
        self.assertGreater(self.samples["count"], 1500)
        thread = [weight for stack, weight in self.folded() if not any(f.startswith("main [") for f in stack)]
        self.assertAlmostEqual(sum(thread) / sum(weight for _, weight in self.folded()), 0.5, delta=0.02)

    def test_leader(self):
        """The first thread ends before another: the process's code is known as long as it runs."""
        self.known("leader")
        self.check_shares()

    def test_children(self):
        """Those of forked processes, whose code is their parent's."""
        self.known("children")
        self.check_shares()

    def test_signal(self):
        """A signal's handler, and the functions that it interrupted."""
        self.known("signal")
        functions = self.functions()
        self.assertGreater(self.share(functions["on_signal"]["all"]), 0.98)
        self.assertEqual(functions["raise_deep"]["all"], functions["on_signal"]["all"])
        self.assertGreater(self.share(self.samples["stacks"]["whole"]), 0.98)

    def test_deep(self):
        """A stack that is deeper than what is copied: the inner part is told, and that there is more."""
        self.known("deep")
        self.assertGreater(self.share(self.samples["stacks"]["cut"]), 0.95)
        functions = self.functions()
        self.assertGreater(self.share(functions["sixty"]["all"]), 0.95)
        self.assertGreater(self.share(functions["(callers not known)"]["all"]), 0.95)
        self.assertNotIn("main", [name for name, f in functions.items() if self.share(f["all"]) > 0.5])


class TestPython(Native):
    def setUp(self):
        super().setUp()
        self.script = self.write("busy.py", SCRIPT)

    def test_python(self):
        """Functions of Python stand for the frames of its interpreter, and have what they call below them."""
        self.sample(PYTHON, self.script, self.table)
        python = {f["function"]: f for f in self.samples["functions"] if f["python"]}
        both = python["multiply"]["all"] + python["count"]["all"]
        self.assertAlmostEqual(python["multiply"]["all"] / both, 0.75, delta=0.03)
        self.assertEqual(python["multiply"]["library"], self.script)
        below = {"multiply": 0, "count": 0}
        for stack, weight in self.folded():
            names = [frame.split(" [")[0] for frame in stack]
            if "multiply" not in names and "count" not in names:
                continue
            name = "multiply" if "multiply" in names else "count"
            self.assertEqual(names[0], "<module>")
            self.assertFalse([n for n in names[names.index(name):] if n.startswith("_PyEval_EvalFrame")])
            if any("multiarray" in frame or "blas" in frame for frame in stack[names.index(name):]):
                below[name] += weight
        step = 1000000 // self.samples["hz"]
        self.assertGreater(below["multiply"], 0.95 * python["multiply"]["all"] * step)
        self.assertLess(below["count"], 0.05 * python["count"]["all"] * step)


class TestMissing(Native):
    def test_stripped(self):
        """Without names: where functions begin, as nm told it before they were taken away."""
        stripped = self.path("stripped")
        shutil.copy(KNOWN, stripped)
        subprocess.run(["strip", "--strip-all", stripped], check=True)
        begin = {}
        for line in subprocess.run(["nm", KNOWN], check=True, capture_output=True, text=True).stdout.splitlines():
            words = line.split()
            if len(words) == 3 and words[2] in SHARES:
                begin[words[2]] = f"+0x{int(words[0], 16):x}"
        self.known("shares", program=stripped)
        functions = self.functions()
        for name, share in SHARES.items():
            self.assertAlmostEqual(self.share(functions[begin[name]]["all"]), share, delta=0.02, msg=name)
        self.assertFalse([line for line in self.samples["lines"] if "calls_known" in line["file"]])

    def test_gone(self):
        """The program is gone when its names are asked for."""
        gone = self.path("gone")
        shutil.copy(KNOWN, gone)
        script = self.write("go.sh", f"#!/bin/sh\n{gone} shares {self.table}/table.dat && rm {gone}\n")
        self.sample("/bin/sh", script)
        told = [f for f in self.samples["functions"] if f["library"].startswith("gone") and f["function"].startswith("+0x")]
        self.assertGreater(self.share(sum(f["own"] for f in told)), 0.9, self.samples["functions"][:5])

    def test_no_library(self):
        """Where libdw cannot be loaded libraries are told, and why there is no more."""
        folder = self.path("broken")
        os.mkdir(folder)
        with open(os.path.join(folder, "libdw.so.1"), "wb") as file:
            file.write(b"no library")
        self.known("shares", env={"LD_LIBRARY_PATH": folder})
        self.assertIn("libdw", self.samples["stacks"]["why_not"])
        self.assertEqual(self.samples["functions"], [])
        self.assertEqual(self.samples["libraries"][0]["library"], os.path.basename(KNOWN))
        with open(self.path("report/report.txt"), encoding="utf-8") as file:
            self.assertIn("no stacks of native code: libdw", file.read())

    def test_hostile_name(self):
        """A program's name does no harm."""
        name = self.path("<img src=x onerror=alert(1)>\x1b[31m;\n")
        shutil.copy(KNOWN, name)
        os.chmod(name, os.stat(name).st_mode | stat.S_IXUSR)
        self.known("shares", program=name)
        with open(self.path("report/report.html"), encoding="utf-8") as file:
            self.assertNotIn("<img", file.read())
        with open(self.path("report/report.txt"), encoding="utf-8") as file:
            self.assertNotIn("\x1b", file.read())
        for stack, _ in self.folded():
            self.assertNotIn("\x1b", "".join(stack))


if __name__ == "__main__":
    main(globals())
