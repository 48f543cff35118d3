"""msio profile --calls: every call of Python's functions, in all threads and processes, as cProfile counts them.
usage: test_profile_calls.py MSIO GROUP [unittest's arguments]
"""
import json
import marshal
import os
import pstats
import signal
import subprocess

from profiled_table import PYTHON, Profile
from running import main, msio

WORK = """
import json, sys
def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)
def steps(n):
    for i in range(n):
        yield i
def raises():
    try:
        raise ValueError
    finally:
        steps(0)
class Thing:
    @property
    def size(self):
        return len([self])
    def __getattr__(self, name):
        return name.upper()
def even(n):
    return n == 0 or odd(n - 1)
def odd(n):
    return n != 0 and even(n - 1)
def work():
    fib(12)
    sum(steps(50))
    next(steps(3))                      # one that is left in the middle
    for _ in range(7):
        try: raises()
        except ValueError: pass
    thing = Thing()
    sorted(range(9), key=lambda n: (thing.size, thing.other, -n))
    even(30)
    ' '.join(map(str, [json.dumps({'a': 1})]))
    dict.fromkeys('abc').get('a')
"""
ONE = WORK + "work()\n"
MANY = WORK + """
import os, threading
threads = [threading.Thread(target=work) for _ in range(5)]
for thread in threads: thread.start()
for thread in threads: thread.join()
for _ in range(4):
    child = os.fork()
    if child == 0:
        work()
        os._exit(0)
    os.waitpid(child, 0)
import subprocess
if len(sys.argv) == 1: subprocess.run([sys.executable, __file__, 'child'], check=True)
"""
KILLED = WORK + "import os\nfor _ in range(100): work()\nfib(10)\nos.kill(os.getpid(), 9)\n"
DEEP = """
import sys
sys.setrecursionlimit(60000)
def down(n): return n and down(n - 1)
down(int(sys.argv[1]))
sys.setprofile(None)
def unseen(): pass
unseen()
"""
SLEEPS = """
import time
def outer():
    time.sleep(0.4)
    for _ in range(3): inner()
def inner():
    time.sleep(0.3)
outer()
"""
HOSTILE = """
import types
def f(): pass
for name in ('<script>alert(1)</script>', 'line\\nbreak', '\\x1b[31mred', 'tab\\there', 'x' * 5000, '\\udc80'):
    try: types.FunctionType(f.__code__.replace(co_name=name, co_filename=name), {})()
    except UnicodeError: pass
"""
OWN = ("fib", "steps", "raises", "size", "__getattr__", "even", "odd", "work", "<lambda>", "Thing")
MOST = 16384  # calls within calls that are timed


class Calls(Profile):
    def calls(self, text, *arguments, code=0):
        """What the program called, as pstats reads it, and the report."""
        self.script = self.write("calls.py", text)
        report, _ = self.profile(PYTHON, self.script, *arguments, code=code, options=["--calls"])
        return pstats.Stats(self.path("report/profile.prof")).stats, report

    def own(self, stats):
        """The entries of the script's own functions."""
        return {key[2]: entry for key, entry in stats.items() if key[0] == self.script and key[2] in OWN}


class TestCounts(Calls):
    def test_as_cprofile(self):
        """Calls, those that are not recursive, and callers, are cProfile's; so are the names."""
        stats, _ = self.calls(ONE)
        subprocess.run([PYTHON, "-m", "cProfile", "-o", self.path("reference"), self.script], check=True,
                       stdout=subprocess.DEVNULL)
        reference = pstats.Stats(self.path("reference")).stats
        self.assertEqual(set(self.own(stats)), set(OWN))
        for key, entry in reference.items():
            if key[0] == self.script:
                self.assertEqual(stats[key][:2], entry[:2], key)
                wanted = {caller: counts[:2] for caller, counts in entry[4].items() if caller[0] == self.script}
                told = {caller: counts[:2] for caller, counts in stats[key][4].items() if caller[0] == self.script}
                self.assertEqual(told, wanted, key)
        named = {key for key in reference if key[0] == "~" and "_lsprof" not in key[2] and "getcwd" not in key[2]
                 and "__enter__" not in key[2] and "0x" not in key[2]}
        self.assertGreater(len(named), 10)
        self.assertLessEqual(named, set(stats))

    def test_threads_and_children(self):
        """Of 5 threads, 4 children by fork and the same again in a program that it starts."""
        one = self.own(self.calls(ONE)[0])
        many = self.own(self.calls(MANY)[0])
        for name, entry in one.items():
            times = 2 if name == "Thing" else 18
            self.assertEqual(many[name][:2], (times * entry[0], times * entry[1]), name)

    def test_killed(self):
        one = self.own(self.calls(ONE)[0])
        killed = self.own(self.calls(KILLED, code=137)[0])
        self.assertEqual(killed["work"][1], 100)
        self.assertEqual(killed["fib"][1], 100 * one["fib"][1] + 177)

    def test_deep(self):
        """Deeper than is timed: counted all the same; and a profiler of the program's own ends ours."""
        stats, report = self.calls(DEEP, str(MOST + 3000))
        down = next(entry for key, entry in stats.items() if key[2] == "down")
        self.assertEqual(down[1], MOST + 3001)
        self.assertNotIn("unseen", {key[2] for key in stats})
        self.assertEqual(report["own_cost"]["lost"], 0)


class TestTimes(Calls):
    def test_sums(self):
        """Time in a function is told of it alone, and of all its callers with what it calls."""
        stats, report = self.calls(SLEEPS)
        entries = {key[2]: entry for key, entry in stats.items()}
        for name, own, cumulative in (("outer", 0, 1.3), ("inner", 0, 0.9), ("<built-in method time.sleep>", 1.3, 1.3)):
            self.assertAlmostEqual(entries[name][2], own, delta=0.1, msg=name)
            self.assertAlmostEqual(entries[name][3], cumulative, delta=0.2, msg=name)
        sleep = entries["<built-in method time.sleep>"]
        by = {caller[2]: counts for caller, counts in sleep[4].items()}
        self.assertEqual(by["inner"][:2], (3, 3))
        self.assertAlmostEqual(by["inner"][3], 0.9, delta=0.2)
        self.assertAlmostEqual(by["outer"][3], 0.4, delta=0.1)
        told = {call["function"]: call for call in report["calls"]}
        self.assertEqual(told["inner"]["ncalls"], 3)
        self.assertEqual(told["inner"]["callers"][0]["function"], "outer")
        self.assertAlmostEqual(told["outer"]["cumtime"], 1.3, delta=0.2)
        with open(self.path("report/report.txt"), encoding="utf-8") as file:
            text = file.read()
        self.assertLess(text.index("time in themselves"), text.index("time with all that they call"))
        self.assertIn("calls.py:2", text)

    def test_none(self):
        """Without --calls no count of calls is made up."""
        script = self.write("calls.py", SLEEPS)
        report, _ = self.profile(PYTHON, script)
        self.assertNotIn("calls", report)
        with open(self.path("report/profile.prof"), "rb") as file:
            self.assertEqual(marshal.load(file), {})

    def test_hostile_names(self):
        """Functions of any name do no harm in any output."""
        self.calls(HOSTILE)
        for name in ("report.txt", "report.html"):
            with open(self.path("report/" + name), encoding="utf-8") as file:
                text = file.read()
            self.assertNotIn("<script>alert", text)
            self.assertNotIn("\x1b", text)


LINES = """
import threading, time, sys, os
class Loop:
    def slow(self, n):
        x = 0
        for i in range(n):
            x += i
            time.sleep(0.02)                         # line 7
        return x
def outer(n):
    k = 5
    def inner(m):
        return m + k                                 # line 12
    return [inner(i) for i in range(n)]
def other(): pass
assert Loop().slow(10) == 45 and outer(4) == [5, 6, 7, 8]
thread = threading.Thread(target=Loop().slow, args=(5,)); thread.start(); thread.join()
other()
print(__name__, sorted(name for name in globals() if not name.startswith('_')))
"""


class TestLines(Calls):
    def lines(self, report):
        return {(c["function"], c["line"]): c for c in report["python"]["chosen_lines"]}

    def test_chosen(self):
        """Hits and times of chosen functions' lines, of all threads, and nothing of others; the program is as it was."""
        script = self.write("lines.py", LINES)
        alone = subprocess.run([PYTHON, script], capture_output=True, check=True).stdout
        report, run = self.profile(PYTHON, script, options=["--lines", "Loop.slow", "--lines", "inner"])
        self.assertEqual(run.stdout, alone)
        told = self.lines(report)
        self.assertEqual({key: c["hits"] for key, c in told.items()},
                         {("slow", 4): 2, ("slow", 5): 15, ("slow", 6): 15, ("slow", 7): 15, ("slow", 8): 2, ("inner", 12): 4})
        self.assertAlmostEqual(told["slow", 7]["seconds"], 0.3, delta=0.1)
        with open(self.path("report/report.txt"), encoding="utf-8") as file:
            text = file.read()
        self.assertIn("time.sleep(0.02)", text)
        self.assertNotIn("calls", report)
        self.assertNotIn("lines.", " ".join(os.listdir(self.path("report"))))

    def test_with_calls(self):
        """Both at once: calls are counted as without; a child that is started has its lines told too."""
        text = LINES + "import subprocess\nif len(sys.argv) == 1: subprocess.run([sys.executable, __file__, 'x'], check=True)\n"
        script = self.write("lines.py", text)
        report, _ = self.profile(PYTHON, script, options=["--lines", "slow", "--calls"])
        self.assertEqual(self.lines(report)["slow", 7]["hits"], 30)
        told = {call["function"]: call["ncalls"] for call in report["calls"]}
        self.assertEqual((told["slow"], told["inner"]), (4, 8))

    def test_children(self):
        """Children of fork tell what they did themselves, also those that end by _exit; a run that is killed what was before."""
        script = self.write("children.py", """
import multiprocessing, os, signal, sys, time
from casacore.tables import table
def slow(n):
    for i in range(n):
        i * i
table(sys.argv[1], ack=False)
slow(10)
child = os.fork()
if child == 0:
    slow(200)
    os._exit(0)
os.waitpid(child, 0)
process = multiprocessing.get_context("fork").Process(target=slow, args=(3000,))
process.start()
process.join()
if len(sys.argv) > 2:
    until = time.time() + 3
    while time.time() < until: time.sleep(0.01)
    os.kill(os.getpid(), signal.SIGKILL)
""")
        for more, code in (((), 0), (("die",), 128 + signal.SIGKILL)):
            report, _ = self.profile(PYTHON, script, self.table, *more, code=code, out=f"out{code}",
                                     options=["--lines", "slow", "--no-estimate"])
            self.assertEqual(self.lines(report)["slow", 5]["hits"], 10 + 200 + 3000)

    def test_without_engine(self):
        """Where line_profiler is missing the report says what to install."""
        self.write("line_profiler.py", "raise ImportError('none here')\n")
        script = self.write("lines.py", LINES)
        report, _ = self.profile(PYTHON, script, options=["--lines", "slow"])
        self.assertEqual(self.lines(report), {})
        with open(self.path("report/report.txt"), encoding="utf-8") as file:
            self.assertIn("install line_profiler", file.read())

    def test_errors(self):
        for wrong in ("", "a:b", "a,b", "x" * 2000):
            self.assertIn(b"--lines", msio("profile", "--lines", wrong, "--", "/bin/true", code=2).stderr)

    def test_hostile_file(self):
        """What stands in the folder under such a name may be anything."""
        os.makedirs(self.path("out"))
        for number, content in enumerate((b"", b"\n\n", b"a\tb\tc\n", b"\0\t\t\t\t\t\n", b"x" * 100000, b"a\t1\tf\t-3\t1\t1\n",
                                          b"a\t1\tf\t3\t1\tnan\n", b"a\t1\tf\t3\t99999999999999999999\t1e999\n")):
            with open(self.path(f"out/lines.{number}"), "wb") as file:
                file.write(content)
        environment = {"LD_PRELOAD": msio("profile", "--print-library").stdout.decode().strip(),
                       "MSIO_PROF": "profile:" + self.path("out")}
        script = self.write("reads.py", "import sys\nfrom casacore.tables import table\ntable(sys.argv[1], ack=False)\n")
        subprocess.run([PYTHON, script, self.table], env={**os.environ, **environment}, check=True)
        report = json.loads(msio("profile", "show", self.path("out"), "--json").stdout)
        self.assertLessEqual(len(report["python"]["chosen_lines"]), 1)


main(globals())
