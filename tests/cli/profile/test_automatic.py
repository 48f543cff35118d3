"""MSIO_PROF=auto:FOLDER and metrics:FILE: what stays of many runs, under which names, and whether Prometheus's own parser takes
the text and finds in it what ran.
usage: test_automatic.py MSIO GROUP [unittest's arguments]
"""
import json
import os
import signal
import subprocess
import tempfile
import threading
import time
import unittest

from running import MSIO, main, msio

try:
    from prometheus_client.openmetrics.parser import text_string_to_metric_families
except ImportError:
    text_string_to_metric_families = None

SCRATCH = tempfile.mkdtemp(prefix="msio_test_automatic_")
TABLE = os.path.join(SCRATCH, "obs.ms")
ALMOST_NOW = int(time.time() * 1e9)


class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if not os.path.exists(TABLE):
            msio("simulate", "ms", "--out", TABLE, "--antennas", 8, "--times", 4, "--subbands", 2)

    def setUp(self):
        self.folder = tempfile.mkdtemp(dir=SCRATCH)

    def path(self, name):
        return os.path.join(self.folder, name)

    def flags(self, mode, code=0):
        return msio("flags", TABLE, env={"MSIO_PROF": mode}, code=code)

    def at_once(self, mode, n):
        runs = [subprocess.Popen([MSIO, "flags", TABLE], env={**os.environ, "MSIO_PROF": mode}, stdout=subprocess.DEVNULL,
                                 stderr=subprocess.PIPE) for _ in range(n)]
        for run in runs:
            _, said = run.communicate(timeout=240)
            self.assertEqual((run.returncode, said), (0, b""))


class TestKeep(Case):
    def kept(self):
        return sorted(name for name in os.listdir(self.path("kept")) if name.endswith(".json"))

    def earlier(self, microseconds, n=5, program="msio"):
        """Profiles as n earlier runs would have left them: names are all that is looked at."""
        os.makedirs(self.path("kept"), exist_ok=True)
        for i in range(n):
            with open(self.path(f"kept/{program}.{ALMOST_NOW - i}.{i + 1}.{microseconds}.run.json"), "w") as file:
                file.write("{}")

    def test_profile(self):
        """A profile tells what ran; the folder is the owner's alone."""
        self.flags(f"auto:{self.path('kept')}")
        (name,) = self.kept()
        self.assertRegex(name, r"^msio\.[0-9]{19}\.[0-9]+\.[0-9]+\.run\.json$")
        with open(self.path("kept/" + name)) as file:
            run = json.load(file)
        self.assertEqual((run["format"], run["format_version"], run["program"], run["slow"]), ("msio-run", 1, "msio", None))
        self.assertEqual(run["arguments"][1:], ["flags", TABLE])
        self.assertEqual(name.split(".")[2:4], [str(run["pid"]), str(int(1e6 * run["seconds"]))])
        paths = {path["name"]: path for path in run["paths"]}
        self.assertEqual(paths["flag-validation"]["ncalls"], 1)
        self.assertTrue(all(path["ncalls"] > 0 for path in run["paths"]))
        self.assertLess(os.path.getsize(self.path("kept/" + name)), 16384)
        self.assertEqual(os.stat(self.path("kept")).st_mode & 0o777, 0o700)
        self.assertEqual(os.stat(self.path("kept/" + name)).st_mode & 0o777, 0o600)

    def test_bound(self):
        """The oldest go, by the time in the name; what is not ours stays."""
        self.earlier(10**8, 9)  # so slow that this run is not
        for name in ("notes.txt", "a.json", "msio.12.run.json", "msio..1.2.run.json", "msio.1.2.3.walk.json", ".1.2.3.run.json",
                     f"msio.{'9' * 30}.1.1.run.json"):
            with open(self.path("kept/" + name), "w"):
                pass
        foreign = set(os.listdir(self.path("kept"))) - {f"msio.{ALMOST_NOW - i}.{i + 1}.100000000.run.json" for i in range(9)}
        self.flags(f"auto+keep=4:{self.path('kept')}")
        left = set(os.listdir(self.path("kept"))) - foreign
        self.assertTrue(foreign <= set(os.listdir(self.path("kept"))))
        self.assertEqual(len(left), 4)
        self.assertEqual({f"msio.{ALMOST_NOW - i}.{i + 1}.100000000.run.json" for i in range(3)} - left, set())

    def test_at_once(self):
        """Of many that end at once, as many stay as are to, each whole."""
        mode = f"auto+keep=5:{self.path('kept')}"
        self.at_once(mode, 16)
        self.flags(mode)
        ordinary = [name for name in self.kept() if name.endswith(".run.json")]
        self.assertEqual(len(ordinary), 5)
        self.assertLessEqual(len(os.listdir(self.path("kept"))), 6)  # one may have been slow
        for name in self.kept():
            with open(self.path("kept/" + name)) as file:
                self.assertEqual(json.load(file)["format"], "msio-run")

    def making(self, mode):
        """A run that takes more than a hundredth of a second."""
        msio("simulate", "ms", "--out", self.path("made.ms"), "--antennas", 24, "--times", 12, "--subbands", 4, "--force",
             env={"MSIO_PROF": mode})
        return [name for name in self.kept() if str(ALMOST_NOW)[:12] + "0000000" < name.split(".")[1] and
                os.path.getsize(self.path("kept/" + name)) > 2]

    def test_slow(self):
        """A run beyond the multiple of the program's own median is kept whole; others are not."""
        self.earlier(1, program="other")
        (name,) = self.making(f"auto:{self.path('kept')}")
        self.assertTrue(name.endswith(".run.json"), "no run of this program came before")
        os.remove(self.path("kept/" + name))
        self.earlier(1)
        (name,) = self.making(f"auto+slow=3:{self.path('kept')}")
        self.assertTrue(name.endswith(".slow.json"), name)
        with open(self.path("kept/" + name)) as file:
            run = json.load(file)
        self.assertIn("the median of the last 5 runs of msio", run["slow"])
        self.assertEqual(run["profile"]["format"], "msio-profile")
        self.assertGreater(len(run["profile"]["paths"]), 10)
        os.remove(self.path("kept/" + name))
        self.earlier(3_600_000_000, 7)
        (name,) = self.making(f"auto:{self.path('kept')}")
        self.assertTrue(name.endswith(".run.json"), name)

    def test_left(self):
        """What a crash left is removed once it is old."""
        os.mkdir(self.path("kept"))
        old, fresh = ".msio-auto.1700000000000000000.77", f".msio-auto.{ALMOST_NOW}.78"
        for name in (old, fresh):
            with open(self.path("kept/" + name), "w") as file:
                file.write("{")
        self.flags(f"auto:{self.path('kept')}")
        names = os.listdir(self.path("kept"))
        self.assertNotIn(old, names)
        self.assertIn(fresh, names)

    def test_errors(self):
        """One line; the program ends as it would have."""
        with open(self.path("file"), "w"):
            pass
        for place in ("file", "no/such/folder"):
            said = self.flags(f"auto:{self.path(place)}").stderr.decode()
            self.assertEqual(said.count("\n"), 1, said)
            self.assertIn(self.path(place), said)
        for mode in ("auto", "auto:", "auto+keep=0:x", "auto+keep=1000001:x", "auto+slow=1:x", "auto+slow=nan:x", "auto+loud:x",
                     "autox:y", "metrics", "metrics:", "metrics+every=0:x", "metrics+every=inf:x", "metrics+service=:x",
                     "metrics+service=" + 200 * "n" + ":x"):
            said = self.flags(mode).stderr.decode()
            self.assertEqual(said.count("\n"), 1, said)
            self.assertIn("has no effect", said)


class TestMetrics(Case):
    def setUp(self):
        super().setUp()
        if text_string_to_metric_families is None:
            self.skipTest("LEFT OUT: prometheus_client is missing (apt install python3-prometheus-client)")
        self.file = self.path("msio.prom")

    def samples(self, text=None):
        """What Prometheus's parser finds in the text, or else in the file."""
        if text is None:
            with open(self.file, encoding="utf-8") as file:
                text = file.read()
        self.assertTrue(text.endswith("\n# EOF\n"))
        families = list(text_string_to_metric_families(text))
        self.types = {family.name: (family.type, family.unit) for family in families}
        return {(sample.name, *sorted(sample.labels.items())): sample.value for family in families for sample in family.samples}

    def value(self, name, **labels):
        return self.samples()[(name, *sorted(labels.items()))]

    def test_counts(self):
        """Prometheus's parser takes it; a second process adds to the first one's."""
        for turn in (1, 2, 3):
            self.flags(f"metrics:{self.file}")
            self.assertEqual(self.value("msio_processes_total"), turn)
            self.assertEqual(self.value("msio_span_seconds_count", path="flag-validation"), turn)
            self.assertEqual(self.value("msio_span_seconds_bucket", path="flag-validation", le="+Inf"), turn)
        self.assertEqual(self.types["msio_span_seconds"], ("histogram", "seconds"))
        self.assertEqual(self.types["msio_delivered_bytes"], ("counter", "bytes"))
        self.assertGreater(sum(value for key, value in self.samples().items() if key[0] == "msio_delivered_bytes_total"), 0)
        buckets = [value for (name, *labels), value in self.samples().items()
                   if name == "msio_span_seconds_bucket" and ("path", "open") in labels]
        self.assertEqual(buckets, sorted(buckets))
        self.assertEqual(len(buckets), 17)
        self.assertEqual(sorted(os.listdir(self.folder)), [".msio.prom.state", "msio.prom"])

    def test_at_once(self):
        """No process's counts are lost where many end at once."""
        self.at_once(f"metrics:{self.file}", 12)
        self.assertEqual(self.value("msio_processes_total"), 12)
        self.assertEqual(self.value("msio_span_seconds_count", path="flag-validation"), 12)

    def versions(self):
        """Reads the file again and again; yields the samples of each version that is seen: it is whole, no count is less than
        in the one before, and that one was not written to any more."""
        file, text, counts, until = None, None, {}, time.monotonic() + 120
        while time.monotonic() < until:
            if file is None and not os.path.exists(self.file):
                continue
            newer = open(self.file, encoding="utf-8")
            found = newer.read()
            if found == text:
                newer.close()
                continue
            before, counts = counts, self.samples(found)
            fell = {key: (value, counts.get(key)) for key, value in before.items() if not value <= counts.get(key, -1)}
            self.assertEqual(fell, {})
            if file is not None:
                file.seek(0)
                self.assertEqual(file.read(), text)
                file.close()
            file, text = newer, found
            yield counts
        self.fail("no other version came")

    def test_while_running(self):
        """It is that of each version that is seen while a program runs, and while others end beside it; no call is lost."""
        mode, ended, reads = f"metrics+every=1:{self.file}", ("msio_processes_total",), {"path": "read"}
        run = subprocess.Popen([os.environ["MSIO_TEST_READS_ON"], TABLE], env={**os.environ, "MSIO_PROF": mode},
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(run.kill)
        seen, others = 0, threading.Thread(target=self.at_once, args=(mode, 8))
        for counts in self.versions():
            seen += 1
            if seen <= 3:
                self.assertEqual(counts[ended], 0)
            if seen == 3:
                others.start()
            if counts[ended] == 8:
                break
        self.assertIsNone(run.poll())
        others.join()
        told, said = run.communicate(timeout=60)  # its standard input ends
        self.assertEqual((run.returncode, said), (0, ""))
        self.assertEqual(self.value(*ended), 9)
        counted, self.file = self.value("msio_span_seconds_count", **reads), self.path("alone.prom")
        self.flags(f"metrics:{self.file}")
        alone = self.samples().get(("msio_span_seconds_count", *reads.items()), 0)
        self.assertEqual(counted, int(told) + 8 * alone)

    def test_names(self):
        """What a service is called comes back as it was, or with U+FFFD for what is no UTF-8."""
        for name, read in (('a"b\\c{}\n,=', 'a"b\\c{}\n,='), ("µ # HELP", "µ # HELP"), (b"x\xffy", "x\ufffdy"), ("</script>",) * 2):
            mode = b"metrics+service=" + (name if isinstance(name, bytes) else name.encode()) + b":" + self.file.encode()
            self.flags(mode)
            self.assertGreater(self.value("msio_processes_total", service=read), 0)

    def test_damaged(self):
        """Sums that cannot be believed begin anew."""
        state = self.path(".msio.prom.state")
        self.flags(f"metrics:{self.file}")
        with open(state, "rb") as file:
            good = file.read()
        for bad in (b"", good[:100], b"\xff" * len(good), good[:8] + b"\0" * 8 + good[16:], good[:300] + b"!" + good[301:],
                    os.urandom(100_000)):
            with open(state, "wb") as file:
                file.write(bad)
            self.assertEqual(self.flags(f"metrics:{self.file}").stderr, b"")
            self.assertEqual(self.value("msio_processes_total"), 1)

    def test_errors(self):
        """One line; the program ends as it would have, and a link is not followed."""
        os.symlink(self.path("elsewhere"), self.path(".linked.prom.state"))
        for place in ("no/such/folder/x.prom", "linked.prom"):
            said = self.flags(f"metrics:{self.path(place)}").stderr.decode()
            self.assertEqual(said.count("\n"), 1, said)
        self.assertFalse(os.path.exists(self.path("elsewhere")))


if __name__ == "__main__":
    main(globals(), SCRATCH)
