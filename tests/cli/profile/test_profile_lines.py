"""msio profile on programs in Python: which line an access comes from when Python's lock was left, time and memory by line,
and that programs end as they do without it.
usage: test_profile_lines.py MSIO GROUP [unittest's arguments]
"""
import json
import os
import shutil
import subprocess
import threading

from profiled_table import PYTHON, Profile, column_of
from running import main, msio

UNLOCKED = os.environ.get("MSIO_TEST_UNLOCKED", "")

ALTERNATE = """
import ctypes, sys, threading, time
library = ctypes.CDLL(sys.argv[1])
for cell in (library.data_cell, library.uvw_cell, library.data_cells):
    cell.restype = ctypes.c_double
    cell.argtypes = [ctypes.c_long]
library.open_table(sys.argv[2].encode())
def loops():
    a = b = 0
    for turn in range(40):
        until = time.monotonic() + 0.003
        while time.monotonic() < until:
            library.data_cell(a % 600); a += 1       # line 12
        until = time.monotonic() + 0.003
        while time.monotonic() < until:
            library.uvw_cell(b % 600); b += 1        # line 15
    return a, b
first = loops()
for _ in range(3):                                  # one after the other: casacore's tables are not for threads
    thread = threading.Thread(target=library.data_cells, args=(300,)); thread.start(); thread.join()
library.data_cells(600)                              # line 20
library.close_table()
print(*first)
"""

TIMES = """
import sys, time
from casacore.tables import table
t = table(sys.argv[1], ack=False)
took = {}
def timed(function):
    begin = time.perf_counter()
    kept.append(function())
    took[function.__name__] = time.perf_counter() - begin
kept = []
def short():
    time.sleep(0.8)                                  # line 11
def long():
    time.sleep(2.0)                                  # line 13
def busy():
    n = 0
    until = time.process_time() + 0.8
    while time.process_time() < until: n += 1        # line 17
def large():
    return bytearray(b'x') * 500_000_000             # line 19
def arrays():
    import numpy as np
    return np.ones(12_500_000)                       # line 22
for function in (short, long, busy, large, arrays):
    timed(function)
import json
print(json.dumps(took))
"""

BUSY = """
import atexit, os, sys, threading, multiprocessing, signal, time
from casacore.tables import table
def square(row):
    return table(sys.argv[2], ack=False).getcell('TIME', row)
with multiprocessing.get_context('fork').Pool(4) as pool:
    print(sum(pool.map(square, range(40))))
t = table(sys.argv[1], ack=False)
seen = []
def work():
    for row in range(0, t.nrows(), 5):
        seen.append(t.getcell('TIME', row))
threads = [threading.Thread(target=work) for _ in range(8)]
for thread in threads: thread.start()
for _ in range(30):
    child = os.fork()
    if child == 0:
        again = table(sys.argv[2], ack=False) # casacore shares the parent's
        ok = again.getcell('TIME', 2) == 5.0
        os._exit(3 if ok else 4)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 3
for thread in threads: thread.join()
signal.signal(signal.SIGALRM, lambda *_: print('alarm', threading.current_thread().name))
signal.setitimer(signal.ITIMER_REAL, 0.05)
time.sleep(0.3)
threading.Thread(target=lambda: [time.sleep(0.001) for _ in range(100000)], daemon=True).start()
atexit.register(lambda: print('at exit', t.getcell('TIME', 4), len(seen), threading.active_count()))
sys.exit(9)
"""


TASK = """
import threading, time
class _task:
    def __call__(self, vis='', caltable='', turns=3):
        import casatasks.private.within
        for turn in range(turns): casatasks.private.within.__call__()
task = _task()
"""
TASKS = """
import json, sys, time
from casacore.tables import table
import casatasks
t, began = table(sys.argv[1], ack=False), []
def timed(call):
    began.append(time.monotonic()); call(); began[-1] = (began[-1], time.monotonic() - began[-1])
for turn in range(3): timed(lambda: casatasks.gaincal('a.ms', caltable=f'{turn}.cal'))
timed(lambda: casatasks.split(['a.ms', 'b.ms']))
import threading
thread = threading.Thread(target=timed, args=(lambda: casatasks.gaincal('b.ms', turns=5),))
thread.start(); thread.join()
print(json.dumps(began))
"""


def lines(report, script):
    return {line["line"]: line for line in report["python"]["lines"] if line["file"] == script}


class TestLines(Profile):
    def setUp(self):
        super().setUp()
        if not UNLOCKED:
            self.skipTest("the library under test is not built here")

    def test_alternating_loops(self):
        """Every access has the line that its call was made from, however short the loops are."""
        script = self.write("alternate.py", ALTERNATE)
        report, run = self.profile(PYTHON, script, UNLOCKED, self.table, options=["--no-estimate"])
        first, second = map(int, run.stdout.split())
        told = {}
        for name in ("DATA", "UVW"):
            for by in column_of(report, name)["by"]:
                key = (name, by.get("line"), by["site"])
                told[key] = told.get(key, 0) + by["calls"]
        self.assertEqual(told.pop(("DATA", 12, "exact")), first)
        self.assertEqual(told.pop(("UVW", 15, "exact")), second)
        self.assertEqual(told.pop(("DATA", 20, "exact")), 600)
        # threads without a line of the script's own on their stacks: Python's library called for them
        self.assertEqual(sum(told.values()), 900, told)
        self.assertFalse({key[1] for key in told} & {12, 15, 20})
        walls = {line["line"]: line["wall_seconds"] for line in report["python"]["lines"] if line["samples"]}
        loops = {loop["line"]: loop["seconds"] for loop in report["loops"]}
        self.assertEqual(loops, {line: walls.get(line) for line in loops})
        self.assertTrue(any(loops.values()), loops)


class TestTimes(Profile):
    def setUp(self):
        super().setUp()
        self.script = self.write("times.py", TIMES)

    def test_lines(self):
        """What lines take is what the program measures itself; memory is told of the line that took it."""
        report, run = self.profile(PYTHON, self.script, self.table)
        took, told = json.loads(run.stdout), lines(report, self.script)
        for name, line in (("short", 11), ("long", 13), ("busy", 17)):
            self.assertAlmostEqual(told[line]["wall_seconds"], took[name], delta=0.1 * took[name] + 0.1, msg=name)
        self.assertAlmostEqual(told[17]["cpu_seconds"], 0.8, delta=0.2)
        self.assertLess(told[13]["cpu_seconds"], 0.2)
        self.assertAlmostEqual(told[19]["block_bytes"], 5e8, delta=1e3)
        self.assertAlmostEqual(told[22]["block_bytes"], 1e8, delta=1e3)
        grown = sum(line["growth_bytes"] for line in report["python"]["lines"])
        self.assertAlmostEqual(grown, 6e8, delta=6e7)
        python = report["python"]
        self.assertGreater(python["looks"], 50)
        self.assertGreater(python["look_seconds"], 0)

    def test_exports(self):
        report, _ = self.profile(PYTHON, self.script, self.table)
        with open(self.path("report/profile.folded"), encoding="utf-8") as file:
            stacks = [text.rsplit(" ", 1) for text in file.read().splitlines()]
        self.assertTrue(any(stack.split(";")[-1] == f"{self.script}:13 long" for stack, _ in stacks), stacks)
        nanoseconds = sum(1000 * int(weight) for _, weight in stacks)
        with open(self.path("report/profile.speedscope.json"), encoding="utf-8") as file:
            scope = json.load(file)
        profiles = {p["name"]: p for p in scope["profiles"]}
        sampled = {"processor time, Python and native code"} if report["samples"]["functions"] else set()
        self.assertEqual(set(profiles) - sampled, {"time, Python", "processor time, Python", "accesses of columns"})
        for profile in profiles.values():
            self.assertEqual(len(profile["samples"]), len(profile["weights"]))
            self.assertEqual(profile["endValue"], sum(profile["weights"]))
        time = profiles["time, Python"]
        self.assertAlmostEqual(time["endValue"], nanoseconds, delta=1000 * len(stacks))
        frames = scope["shared"]["frames"]
        named = {frames[frame]["name"] for sample in time["samples"] for frame in sample}
        self.assertTrue({"long", "short", "busy", "timed"} <= named, named)

    def test_none(self):
        """By --sample 0 nothing is sampled; by --no-stacks processor time alone, where the kernel tells it."""
        for options in (["--sample", "0"], ["--no-stacks"]):
            report, _ = self.profile(PYTHON, self.script, self.table, options=options)
            self.assertEqual(report["python"]["looks"], 0)
            self.assertEqual({line["line"]: line["samples"] for line in report["python"]["lines"]}, {19: 0, 22: 0})
            self.assertEqual(report["samples"].get("why_not") == "--sample 0", options[0] == "--sample")


class TestTasks(Profile):
    def test_calls(self):
        """Each call of a task of CASA, on which table, from which line and when; the same one again is a finding."""
        os.makedirs(self.path("casatasks/private"))
        for name in ("gaincal", "split"):
            self.write(f"casatasks/{name}.py", TASK)
        self.write("casatasks/__init__.py", "from .gaincal import task as gaincal\nfrom .split import task as split\n")
        self.write("casatasks/private/within.py", "import time\ndef __call__(): time.sleep(0.1)\n")
        script = self.write("tasks.py", TASKS)
        report, run = self.profile(PYTHON, script, self.table)
        began = json.loads(run.stdout)
        calls = report["python"]["task_calls"]
        self.assertEqual([(c["task"], c["on"], c["line"]) for c in calls],
                         [("gaincal", "a.ms", 7), ("gaincal", "a.ms", 7), ("gaincal", "a.ms", 7),
                          ("split", "['a.ms', 'b.ms']", 8), ("gaincal", "b.ms", 10)])
        for call, (begin, took) in zip(calls, began):
            self.assertAlmostEqual(call["wall_seconds"], took, delta=0.1)
            self.assertAlmostEqual(call["start_seconds"] - calls[0]["start_seconds"], begin - began[0][0], delta=0.1)
        again = [f for f in report["findings"] if f["kind"] == "task again"]
        self.assertEqual([(f["table"], f["line"]) for f in again], [("a.ms", 7)])
        self.assertIn("gaincal was called 3 times", again[0]["what"])
        sums = {t["task"]: t["wall_seconds"] for t in report["python"]["tasks"]}
        self.assertAlmostEqual(sums["gaincal"], sum(c["wall_seconds"] for c in calls if c["task"] == "gaincal"), delta=0.05)


class TestSurvival(Profile):
    def test_busy(self):
        """Threads, forks, pools, signals, daemon threads and functions at exit: as without the profiler."""
        script = self.write("busy.py", BUSY)
        other = self.path("other.tab")
        shutil.copytree(self.table, other)
        alone = subprocess.run([PYTHON, script, self.table, other], capture_output=True, check=False)
        self.assertEqual(alone.returncode, 9, alone.stderr)
        for rate in ("100", "1000"):
            report, run = self.profile(PYTHON, script, self.table, other, code=9, out="at" + rate,
                                       options=["--sample", rate, "--no-estimate"])
            self.assertEqual(run.stdout, alone.stdout)
            self.assertEqual(report["own_cost"]["lost"], 0)

    def test_ends(self):
        """Programs that end in the middle of everything, over and over: a look may be under way each time."""
        for ending, code in (("sys.exit(5)", 5), ("os._exit(6)", 6), ("raise ValueError", 1),
                             ("os.kill(os.getpid(), 9)", 137), ("os.execv('/bin/sh', ['sh', '-c', 'exit 8'])", 8)):
            script = self.write("end.py", "import os, sys, threading\nfrom casacore.tables import table\n"
                                "t = table(sys.argv[1], ack=False)\n"
                                "threading.Thread(target=lambda: sum(range(10**6)), daemon=True).start()\n"
                                f"t.getcell('TIME', 3)\n{ending}\n")
            for again in range(4):
                self.profile(PYTHON, script, self.table, code=code, out=f"end{code}-{again}",
                             options=["--sample", "1000", "--no-estimate"])


ENDLESS = """
import sys
from casacore.tables import table
print('on', flush=True)
while True:
    t = table(sys.argv[1], ack=False)                # what casacore keeps of it is gone with it
    for row in range(t.nrows()): t.getcell('DATA', row)
    t.close()
"""


class TestAttach(Profile):
    def running(self, *arguments):
        """The loop over cells, at work; ended with the test."""
        process = subprocess.Popen([PYTHON, self.write("endless.py", ENDLESS), self.table], stdout=subprocess.PIPE)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        self.assertEqual(process.stdout.readline(), b"on\n")
        return process

    def test_columns(self):
        """The columns and rows that a running loop goes through, and a process that is as it was."""
        process = self.running()
        told = json.loads(msio("profile", "attach", process.pid, "--seconds", "3", "--json").stdout)
        self.assertEqual((told["pid"], told["lost"]), (process.pid, 0))
        self.assertIn("endless.py", told["command"])
        self.assertGreater(told["looks"], 2)
        if os.path.exists("/proc/self/io"):
            self.assertGreater(told["read_bytes"], 0)
        columns = {c["column"]: c for c in told["columns"] if c["table"] == self.table}
        self.assertGreater(columns["DATA"]["looks"], 0)
        self.assertEqual(columns["DATA"]["file"], "table.f0_TSM0")
        self.assertTrue(0 <= columns["DATA"]["first_row"] <= columns["DATA"]["last_row"] < 600)
        self.assertIsNone(process.poll())
        text = msio("profile", "attach", process.pid, "--seconds", "0.3").stdout.decode()
        self.assertIn("move no position", text)

    def test_stacks(self):
        """py-spy is asked for the process, where it is installed."""
        process = self.running()
        tool = self.write("py-spy", '#!/bin/sh\nwhile [ "$1" != --output ]; do shift; done; echo "a;b 3" > "$2"\n')
        os.chmod(tool, 0o755)
        path = {"PATH": self.folder + ":/usr/bin:/bin"}
        command = ("profile", "--out", self.path("out"), "attach", process.pid, "--seconds", "0.2", "--json")
        self.assertNotIn("no_stacks", json.loads(msio(*command, env=path).stdout))
        with open(self.path("out/profile.folded"), encoding="utf-8") as file:
            self.assertEqual(file.read(), "a;b 3\n")
        self.write("py-spy", "#!/bin/sh\nexit 3\n")
        self.assertIn("could not", json.loads(msio(*command, env=path).stdout)["no_stacks"])
        os.remove(tool)
        self.assertIn("pip install", json.loads(msio(*command, env=path).stdout)["no_stacks"])

    def test_end(self):
        """A process that ends meanwhile ends the looking."""
        process = subprocess.Popen(["/bin/sleep", "0.3"])
        self.addCleanup(process.wait)
        reaper = threading.Thread(target=process.wait)
        reaper.start()
        told = json.loads(msio("profile", "attach", process.pid, "--seconds", "60", "--json").stdout)
        reaper.join()
        self.assertLess(told["seconds"], 30)

    def test_errors(self):
        for wrong in ("0", "x", "12y", "99999999999999999999", ""):
            self.assertIn(b"number of a process", msio("profile", "attach", wrong, code=2).stderr)
        self.assertIn(b"cannot be looked at", msio("profile", "attach", str(2**22 + 7), code=None).stderr)
        msio("profile", "attach", code=2)


main(globals())
