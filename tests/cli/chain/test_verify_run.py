"""msio verify --run, from its user's side, with programs that stand for CASA and WSClean. What they are given, what is told of
them, and that the user's own table stays as it is, byte by byte.
usage: test_verify_run.py MSIO GROUP [unittest's arguments]
"""
import hashlib
import json
import os
import signal
import stat
import subprocess
import sys
import tempfile
import time
import unittest

from running import MSIO, main, msio, oracle, report

with oracle():
    from casacore.tables import table

FOLDER = tempfile.TemporaryDirectory(prefix="msio-run-")
SMALL = ["--antennas", 6, "--times", 2, "--subbands", 2, "--channels", 8, "--quiet"]
# A package casatasks whose tasks note what they are given, and leave a mark in the copy.
TASKS = """
import json, os
def _task(name):
    def call(**arguments):
        with open(os.environ["FAKE_LOG"], "a") as log:
            log.write(json.dumps({"task": name, "cwd": os.getcwd(), "there": sorted(os.listdir(arguments["vis"]))[:3],
                                  "stdin": os.read(0, 1).decode(), **arguments}) + "\\n")
        with open(os.path.join(arguments["vis"], "table.dat"), "ab") as file:
            file.write(b"mark")
        print("task", name, "says this")
        if arguments.get("fail"):
            raise RuntimeError("there is no solution\\x1b[31m")
    return call
for _name in ("flagdata", "setjy", "gaincal", "bandpass", "applycal", "tclean"):
    globals()[_name] = _task(_name)
"""
WSCLEAN = """#!/bin/sh
printf '%s\\n' "$@" >> "$FAKE_LOG.wsclean"
echo wsclean says this
"""


def write(path, text, executable=False):
    with open(path, "w") as file:
        file.write(text)
    if executable:
        os.chmod(path, 0o755)
    return path


def sums(path):
    """Of each file: its bytes and when it was changed."""
    found = {}
    for folder, _, names in os.walk(path):
        for name in names:
            file = os.path.join(folder, name)
            with open(file, "rb") as opened:
                found[file] = hashlib.sha256(opened.read()).hexdigest(), os.stat(file).st_mtime_ns
    return found


class Run(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(dir=FOLDER.name)
        self.ms = self.path("obs.ms")
        msio("simulate", "ms", "--out", self.ms, *SMALL, *self.simulated)
        fake = self.path("python")
        for name, text in (("casatasks", TASKS), ("casatools", "")):
            os.makedirs(os.path.join(fake, name))
            write(os.path.join(fake, name, "__init__.py"), text)
        casa = write(self.path("casa-python"), f"#!/bin/sh\nPYTHONPATH={fake} exec {sys.executable} \"$@\"\n", True)
        os.mkdir(self.path("bin"))
        write(self.path("bin", "wsclean"), WSCLEAN, True)
        self.log = self.path("log")
        self.env = {"MSIO_CASA_PYTHON": casa, "FAKE_LOG": self.log, "PATH": self.path("bin") + ":/usr/bin:/bin"}
        self.before = sums(self.ms)

    simulated = ()

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def run_it(self, *arguments, code=0, paths=(), env=(), wanted="calibration,imaging"):
        """The five paths by name; nothing but them depends on how fast the machine is."""
        easy = ["--target", "metadata=100", "--target", "flag-validation=100"]
        found = report("verify", self.ms, *paths, "--run", wanted, *easy, *arguments, code=code, env={**self.env, **dict(env)})
        return {path["name"]: path for path in found["paths"]}

    def config(self, text):
        return write(self.path("steps.toml"), text)

    def tasks(self):
        with open(self.log) as file:
            return [json.loads(line) for line in file]

    def assert_untouched(self, more=()):
        self.assertEqual(sums(self.ms), self.before)
        left = {"obs.ms", "python", "casa-python", "bin", "log", "log.wsclean", "steps.toml", *more}
        self.assertEqual({name for name in os.listdir(self.folder) if name not in left}, set())


class TestSteps(Run):
    def test_the_preset(self):
        found = self.run_it()
        told = self.tasks()
        self.assertEqual([t["task"] for t in told], ["flagdata", "setjy", "gaincal", "bandpass", "gaincal", "applycal"])
        copies = {t["vis"] for t in told}
        self.assertEqual(len(copies), 1)
        copy = copies.pop()
        self.assertEqual(os.path.basename(copy), "obs.ms")
        self.assertNotEqual(copy, self.ms)
        self.assertFalse(os.path.exists(copy))
        self.assertEqual({t["cwd"] for t in told} & {os.getcwd(), copy}, set())
        self.assertEqual({t["stdin"] for t in told}, {""})
        # by the formula of docs/simulation.md: the antenna of whose cells least are flagged
        counted = report("flags", self.ms, "--by", "antenna")["by"]["antenna"]
        best = min(entry["flagged"] / entry["total"] for entry in counted)
        name = int(told[3]["refant"]) - 1
        self.assertAlmostEqual(next(e["flagged"] / e["total"] for e in counted if e["antenna"] == name), best)
        with open(self.log + ".wsclean") as file:
            words = file.read().splitlines()
        self.assertEqual(words[-1], copy)
        self.assertIn("-reorder", words)
        for part, steps in (("calibration", 6), ("imaging", 1)):
            path = found[part]
            self.assertEqual((path["verdict"], len(path["steps"]), path["path"]), ("PASS", steps, self.ms))
            self.assertAlmostEqual(path["measured_seconds"], sum(step["seconds"] for step in path["steps"]))
            for step in path["steps"]:
                self.assertEqual((step["exit_code"], step["signal"], step["skipped"]), (0, 0, None))
                self.assertGreater(step["peak_bytes"], 1 << 20)
                self.assertGreater(step["cpu_seconds"], 0)
                self.assertIs(step["import_seconds"] is None, part == "imaging")
        self.assert_untouched()

    def test_columns_of_a_step(self):
        """What a program reads of a column, and how often over."""
        code = "from casacore.tables import table as t\\nd = t(__import__('sys').argv[1], ack=False)\\n" \
               "[(d.getcol('DATA'), d.flush(), d.unlock(), d.lock(False)) for n in range(3)]\\n" \
               "[d.getcell('UVW', n) for n in range(d.nrows())]"
        config = self.config(f'[[imaging]]\nname = "reads"\nargv = ["{sys.executable}", "-c", "{code}", "{{ms}}"]\n')
        step = self.run_it("--config", config, wanted="imaging")["imaging"]["steps"][0]
        columns = {c["column"]: c for c in step["columns"] if c["table"] == "obs.ms"}
        with table(self.ms, ack=False) as t:
            data = t.getcol("DATA").nbytes
        self.assertGreaterEqual(columns["DATA"]["bytes_read"], data)
        self.assertAlmostEqual(columns["DATA"]["over"], columns["DATA"]["bytes_read"] / columns["DATA"]["distinct_bytes"])
        self.assertGreaterEqual(step["bytes_read"], columns["DATA"]["bytes_read"])
        self.assert_untouched()

    def test_targets(self):
        found = self.run_it("--target", "calibration=1e-9", code=1)
        self.assertEqual((found["calibration"]["verdict"], found["imaging"]["verdict"]), ("FAIL", "PASS"))
        self.assertGreater(found["calibration"]["measured_seconds"], 1e-9)

    def test_one_alone(self):
        found = self.run_it(wanted="imaging")
        self.assertEqual((found["calibration"]["verdict"], found["imaging"]["verdict"]), ("NOT MEASURED", "PASS"))
        self.assertNotIn("steps", found["calibration"])
        self.assertFalse(os.path.exists(self.log))

    def test_text_and_reports(self):
        """Logs and profiles are kept where they are wanted, and the text tells every step."""
        reports = self.path("reports")
        run = msio("verify", self.ms, "--run", "all", "--target", "metadata=100", "--target", "flag-validation=100", "--reports",
                   reports, text=True, env=self.env)
        for word in ("calibration, step by step", "imaging, step by step", "flagdata", "bandpass", "wsclean", "peak memory"):
            self.assertIn(word, run.stdout)
        self.assertIn("calibration: bandpass", run.stderr)
        self.assertEqual(len([name for name in os.listdir(reports) if name.endswith(".log")]), 7)
        with open(os.path.join(reports, "07-wsclean.log")) as file:
            self.assertEqual(file.read(), "wsclean says this\n")
        self.assertTrue(os.path.exists(os.path.join(reports, "04-bandpass", "report.html")))
        self.run_it("--reports", reports)  # again into the same folder
        with open(os.path.join(reports, "07-wsclean.log")) as file:
            self.assertEqual(file.read(), "wsclean says this\n")
        self.assert_untouched({"reports"})

    def test_several_tables(self):
        """The slowest one is the path's; the steps of all are told."""
        other = self.path("other.ms")
        msio("simulate", "ms", "--out", other, *SMALL)
        config = self.config('[[imaging]]\nname = "waits"\nargv = ["sh", "-c", "case {ms} in *other.ms) sleep 1;; esac"]\n')
        path = self.run_it("--config", config, paths=[other], wanted="imaging")["imaging"]
        self.assertEqual(path["path"], other)
        self.assertEqual([step["path"] for step in path["steps"]], [self.ms, other])
        self.assertEqual(path["measured_seconds"], path["steps"][1]["seconds"])
        self.assert_untouched({"other.ms"})


class TestModel(Run):
    simulated = ("--imaging",)

    def test_a_model_is_kept(self):
        """unless_column: of MODEL_DATA that holds anything, and not of one of zeros."""
        found = self.run_it(wanted="calibration")["calibration"]["steps"]
        self.assertEqual([step["skipped"] for step in found], [None, "MODEL_DATA is there", None, None, None, None])
        self.assertNotIn("setjy", [t["task"] for t in self.tasks()])
        self.assert_untouched()
        msio("fill", self.ms, "MODEL_DATA", "0", "--quiet")
        found = self.run_it(wanted="calibration")["calibration"]["steps"]
        self.assertEqual([step["skipped"] for step in found], [None] * 6)


class TestFailing(Run):
    def test_a_step_fails(self):
        config = self.config('[[calibration]]\nname = "first"\ntask = "flagdata"\narguments = { vis = "{ms}" }\n'
                             '[[calibration]]\nname = "solves"\ntask = "gaincal"\narguments = { vis = "{ms}", fail = true }\n'
                             '[[calibration]]\nname = "never"\ntask = "applycal"\narguments = { vis = "{ms}" }\n'
                             '[[imaging]]\nname = "neither"\nargv = ["true"]\n')
        found = self.run_it("--config", config, code=1)
        path = found["calibration"]
        self.assertEqual((path["verdict"], path["measured_seconds"]), ("FAIL", None))
        self.assertIn("step solves ended with exit code 1", path["reason"])
        self.assertIn("RuntimeError: there is no solution", path["reason"])
        self.assertNotIn("\x1b", path["reason"])
        self.assertEqual([step["name"] for step in path["steps"]], ["first", "solves"])
        self.assertEqual(found["imaging"]["verdict"], "NOT MEASURED")
        self.assertIn("calibration failed", found["imaging"]["reason"])
        self.assert_untouched()

    def test_a_program_dies(self):
        config = self.config('[[imaging]]\nname = "dies"\nargv = ["sh", "-c", "echo last words; kill -9 $$"]\n')
        path = self.run_it("--config", config, wanted="imaging", code=1)["imaging"]
        self.assertIn("step dies was ended by signal 9: last words", path["reason"])
        self.assert_untouched()

    def test_no_such_task(self):
        config = self.config('[[imaging]]\nname = "odd"\ntask = "paint"\narguments = { vis = "{ms}" }\n')
        path = self.run_it("--config", config, wanted="imaging", code=1)["imaging"]
        self.assertIn("casatasks has no task paint", path["reason"])
        self.assert_untouched()


class TestKilled(Run):
    def start(self):
        """msio while its step runs, and the step's process."""
        config = self.config(f'[[imaging]]\nname = "waits"\nargv = ["sh", "-c", "echo $$ > {self.log}; exec sleep 600"]\n')
        run = subprocess.Popen([MSIO, "verify", self.ms, "--run", "imaging", "--config", config, "--quiet"],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, **self.env})
        until = time.monotonic() + 60
        while not (os.path.exists(self.log) and os.path.getsize(self.log)):
            self.assertLess(time.monotonic(), until)
            time.sleep(0.02)
        with open(self.log) as file:
            return run, int(file.read())

    def ended(self, pid):
        until = time.monotonic() + 30
        while os.path.exists(f"/proc/{pid}"):
            with open(f"/proc/{pid}/stat") as file:
                if file.read().rsplit(")", 1)[1].split()[0] == "Z":
                    return
            self.assertLess(time.monotonic(), until, "the step goes on")
            time.sleep(0.02)

    def test_signals(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(number):
                run, step = self.start()
                run.send_signal(number)
                run.communicate(timeout=60)
                self.assertEqual(run.returncode, -number)
                self.ended(step)
                self.assert_untouched()
                os.unlink(self.log)

    def test_kill(self):
        """What a killed run leaves the next one removes; its step has ended with it."""
        run, step = self.start()
        run.kill()
        run.communicate(timeout=60)
        self.ended(step)
        self.assertEqual(sums(self.ms), self.before)
        self.assertTrue([name for name in os.listdir(self.folder) if name.startswith(".obs.ms.run.msio-")])
        config = self.config('[[imaging]]\nname = "short"\nargv = ["true"]\n')
        self.run_it("--config", config, wanted="imaging")
        self.assert_untouched()


class TestMissing(Run):
    def assert_missing(self, found, part, *words):
        self.assertEqual(found[part]["verdict"], "NOT MEASURED")
        for word in words:
            self.assertIn(word, found[part]["reason"])

    def test_no_casa(self):
        bare = write(self.path("bin", "python3"), "#!/bin/sh\nexit 1\n", True)
        found = self.run_it(env={"MSIO_CASA_PYTHON": ""}, wanted="calibration")
        self.assert_missing(found, "calibration", "pip install casatools casatasks", "MSIO_CASA_PYTHON")
        found = self.run_it(env={"MSIO_CASA_PYTHON": bare}, wanted="calibration")
        self.assert_missing(found, "calibration", bare, "MSIO_CASA_PYTHON names")
        found = self.run_it("--require", "calibration", env={"MSIO_CASA_PYTHON": bare}, wanted="calibration", code=1)
        config = self.config(f'casa_python = "{bare}"\n[[calibration]]\nname = "a"\ntask = "gaincal"\n')
        found = self.run_it("--config", config, wanted="calibration")
        self.assert_missing(found, "calibration", bare, "casa_python of the configuration")
        self.assertFalse(os.path.exists(self.log))
        self.assert_untouched()

    def test_no_program(self):
        os.unlink(self.path("bin", "wsclean"))
        os.symlink("/usr/bin/env", self.path("bin", "env"))
        found = self.run_it(env={"PATH": self.path("bin")}, wanted="imaging")
        self.assert_missing(found, "imaging", "apt install wsclean")
        config = self.config('[[imaging]]\nname = "a"\nargv = ["no-such-imager", "{ms}"]\n')
        self.assert_missing(self.run_it("--config", config, wanted="imaging"), "imaging", "no-such-imager")
        config = self.config('[[calibration]]\nname = "a"\nargv = ["true"]\n')
        self.assert_missing(self.run_it("--config", config, wanted="imaging"), "imaging", "no step of imaging")

    def test_no_room(self):
        mount = self.path("small")
        os.mkdir(mount)
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", mount], capture_output=True).returncode:
            self.skipTest("no file system can be mounted here")
        self.addCleanup(subprocess.run, ["umount", mount])
        self.assert_missing(self.run_it("--scratch", mount, wanted="imaging"), "imaging", "are free", "--scratch")
        self.assertEqual(os.listdir(mount), [])
        self.assert_missing(self.run_it("--scratch", self.path("nowhere"), wanted="imaging"), "imaging", "--scratch")

    def test_tables_that_lie_elsewhere(self):
        """A copy whose programs would change the user's own is not worked on."""
        part = self.path("part.ms")
        with table(self.ms, ack=False) as t:
            t.query("ROWID() < 5", name=part).close()
        found = self.run_it(paths=[part], wanted="imaging")["imaging"]
        self.assertEqual([step["path"] for step in found["steps"]], [self.ms])
        own, self.ms = self.ms, part
        self.assert_missing(self.run_it(wanted="imaging"), "imaging", "rows of other tables", "deep copy")
        self.ms = self.path("outside.ms")
        msio("simulate", "ms", "--out", self.ms, *SMALL)
        with table(self.ms, readonly=False, ack=False) as t, table(own + "/HISTORY", ack=False) as history:
            t.putkeyword("HISTORY", "Table: " + history.name())
        self.assert_missing(self.run_it(wanted="imaging"), "imaging", "HISTORY", "outside")
        self.assertFalse(os.path.exists(self.log + ".wsclean") and own in open(self.log + ".wsclean").read())

    def test_no_measurement_set(self):
        self.ms = os.path.join(self.ms, "ANTENNA")
        found = self.run_it(wanted="imaging", code=None)
        self.assert_missing(found, "imaging", "no Measurement Set")

    def test_usage(self):
        self.assertIn("tables", msio("verify", "--run", "all", code=2, text=True).stderr)
        msio("verify", self.ms, "--run", "cooking", code=2)
        self.assertIn("--run", msio("verify", self.ms, "--config", "x.toml", code=2, text=True).stderr)
        printed = msio("verify", "--print-config", text=True).stdout
        self.assertIn("[[calibration]]", printed)


def hostile():
    """(text, line of the error, words of it)"""
    step = '[[calibration]]\nname = "a"\n'
    yield "[[calibration]\n", 1, ""
    yield step + 'task = "x\n', 3, ""
    yield step + "task = 1\n", 3, "a string"
    yield step + 'task = ""\n', 3, "empty"
    yield step + 'task = "os.system"\n', 3, "name of a task"
    yield step + 'task = "a\\u0000b"\n', 3, "NUL"
    yield step + 'task = "\xe9"\n', 3, "no UTF-8"
    yield step, 1, "either a task or argv"
    yield step + 'task = "x"\nargv = ["y"]\n', 1, "either"
    yield step + 'argv = []\n', 3, "list"
    yield step + 'argv = "x"\n', 3, "list"
    yield step + 'argv = ["x", 1]\n', 3, "a string"
    yield step + 'argv = ["x"]\narguments = {}\n', 1, "argv"
    yield step + 'task = "x"\narguments = 1\n', 4, "table"
    yield step + 'task = "x"\narguments = { when = 2020-01-01 }\n', 4, "date"
    yield step + 'task = "x"\narguments = { x = nan }\n', 4, "finite"
    yield step + 'task = "x"\narguments = { x = ' + "[" * 12 + "]" * 12 + " }\n", 4, "deep"
    yield step + 'task = "x"\narguments = { x = ' + "[" * 5000 + "]" * 5000 + " }\n", 4, ""
    yield step + 'task = "x"\ncommand = "y"\n', 4, "command"
    yield '[[calibration]]\nname = "../a"\ntask = "x"\n', 2, "letters"
    yield '[[calibration]]\nname = "' + "a" * 41 + '"\ntask = "x"\n', 2, "40"
    yield '[[calibration]]\ntask = "x"\n', 1, "no name"
    yield (step + 'task = "x"\n') * 2, 4, "two steps a"
    yield "calibration = 1\n", 1, "tables"
    yield "calibration = [1]\n", 1, "table"
    yield 'mode = "x"\n', 1, "mode"
    yield "casa_python = 1\n", 1, "a string"
    yield "".join(f'[[imaging]]\nname = "a{n}"\ntask = "x"\n' for n in range(65)), 1, "64 steps"
    yield "\xff\n", 1, ""


class TestConfig(Run):
    def test_hostile(self):
        for text, line, words in hostile():
            with self.subTest(text[:70]):
                with open(self.path("steps.toml"), "wb") as file:
                    file.write(text.encode("latin-1"))
                run = msio("verify", self.ms, "--run", "all", "--config", file.name, code=3, env=self.env, text=True)
                self.assertIn(f"line {line}, column ", run.stderr)
                self.assertIn(words, run.stderr)
                self.assertEqual(run.stdout, "")
        self.assert_untouched()

    def test_files(self):
        for path, words in ((self.path("none.toml"), "No such file"), (self.folder, "directory")):
            run = msio("verify", self.ms, "--run", "all", "--config", path, "--json", code=3, env=self.env, text=True)
            self.assertIn(words, json.loads(run.stdout)["error"]["message"])
        write(self.path("steps.toml"), "#" * ((1 << 20) + 1))
        run = msio("verify", self.ms, "--run", "all", "--config", self.path("steps.toml"), code=3, env=self.env, text=True)
        self.assertIn("longer than 1 MiB", run.stderr)

    def test_what_is_printed_is_the_default(self):
        """--print-config's own text, as a file, finds the same programs missing."""
        write(self.path("steps.toml"), msio("verify", "--print-config", text=True).stdout)
        self.env["MSIO_CASA_PYTHON"], self.env["PATH"] = "/nonexistent/python", "/nonexistent"
        one, other = self.run_it(), self.run_it("--config", self.path("steps.toml"))
        for part in ("calibration", "imaging"):
            self.assertEqual(one[part]["reason"], other[part]["reason"])


class TestOddities(Run):
    def test_paths_and_names(self):
        """Spaces, quotes and braces in a path reach the programs as they are; a table that nobody may write is copied."""
        os.rename(self.ms, self.path("an 'odd\" {refant}.ms"))
        self.ms = self.path("an 'odd\" {refant}.ms")
        for folder, _, names in os.walk(self.ms, topdown=False):
            for name in names:
                os.chmod(os.path.join(folder, name), stat.S_IRUSR)
            os.chmod(folder, stat.S_IRUSR | stat.S_IXUSR)
        self.before = sums(self.ms)
        self.run_it("--scratch", self.path("bin"))
        self.assertTrue(all(t["vis"].endswith(os.path.basename(self.ms)) for t in self.tasks()))
        self.assert_untouched({os.path.basename(self.ms)})
        self.assertEqual(os.listdir(self.path("bin")), ["wsclean"])

    def test_links_and_fifos(self):
        """A link's file is copied, and a FIFO is not waited for."""
        os.rename(os.path.join(self.ms, "table.f0"), self.path("elsewhere"))
        os.symlink(self.path("elsewhere"), os.path.join(self.ms, "table.f0"))
        os.mkfifo(os.path.join(self.ms, "fifo"))
        before = hashlib.sha256(open(self.path("elsewhere"), "rb").read()).hexdigest()
        config = self.config('[[imaging]]\nname = "a"\nargv = ["sh", "-c", "test -f {ms}/table.f0 && test ! -L {ms}/table.f0 && '
                             'echo x >> {ms}/table.f0 && test ! -e {ms}/fifo"]\n')
        self.run_it("--config", config, wanted="imaging")
        self.assertEqual(hashlib.sha256(open(self.path("elsewhere"), "rb").read()).hexdigest(), before)


if __name__ == "__main__":
    try:
        main(globals())
    finally:
        FOLDER.cleanup()
