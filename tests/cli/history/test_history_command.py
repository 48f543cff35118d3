"""msio history, with Python's sqlite3 as the other reader: what is recorded, what a crash, other writers, damage and hostile
reports leave.
usage: test_history_command.py MSIO GROUP [unittest's arguments]
"""
import csv
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import time
import unittest

from running import MSIO, main, msio, report


class Histories(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="msio-history-")
        self.addCleanup(shutil.rmtree, self.folder)
        self.db = os.path.join(self.folder, "runs.db")

    def document(self, value, name="report.json"):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(value if isinstance(value, str) else json.dumps(value))
        return path

    def record(self, value, *options, code=0, name="report.json"):
        return msio("history", "record", self.document(value, name), "--db", self.db, *options, code=code)

    def rows(self, sql, *values):
        db = sqlite3.connect(self.db)
        try:
            return db.execute(sql, values).fetchall()
        finally:
            db.close()

    def run_of(self, number=1):
        return report("history", "show", number, "--db", self.db)


VERIFY = {"paths": [
    {"name": "metadata", "path": "a.ms", "target_seconds": 0.001, "measured_seconds": 0.0005, "uncached_seconds": 0.002, "bytes": 7,
     "roofline_seconds": None, "verdict": "PASS", "reason": "held", "tries": 3, "met": 3, "load": {"average": 1.5, "others": 0.25}},
    {"name": "read-DATA", "path": "a.ms", "target_seconds": None, "measured_seconds": 0.2, "bytes": 4096,
     "roofline_seconds": 0.1, "verdict": "NOT MEASURED", "reason": "no target set", "tries": 2, "met": None,
     "load": {"average": 1.25, "others": None}}],
    "threads": 2, "judgement": "1 of 1 targets met", "met": True}
BENCH = {"machine": {"processor": "P", "system": "6.1", "versions": {"casacore": "3.5"}}, "results": [
    {"work": "data", "reader": "msio", "variant": "warm", "threads": 2, "bytes": 8, "seconds": [3.0, 1.0, 2.0]},
    {"work": "data", "reader": "roofline", "variant": "raw", "threads": 2, "bytes": 8, "seconds": [1.0, 1.0, 4.0]},
    {"work": "growth", "reader": "msio", "variant": "open", "threads": 0, "bytes": 8, "seconds": [1.0], "bytes_read": 100,
     "allocations": 5, "system_calls": None}]}
COMPARE = {"a": "old", "b": "new", "ratio": 1.1, "low": 1.05, "high": 1.2, "verdict": "SLOWER", "pairs": [[1.0, 1.1], [1.0, 1.2]],
           "counts": [{"name": "bytes read", "a": 5, "b": 6, "exact": True}, {"name": "instructions", "a": 7, "b": 8, "exact": False}]}
PROFILE = {"program": ["python3", "x.py"], "verdict": "v", "seconds": 2.5, "cpu_seconds": 1.5, "exit_code": 0, "load": 0.5,
           "targets": [{"name": "wall", "target_seconds": 3.0, "measured_seconds": 2.5, "verdict": "PASS"}],
           "tables": [{"table": "a.ms", "reads": 3, "bytes_read": 30}, {"table": "b.ms", "reads": 4, "bytes_read": 5}],
           "columns": [{"table": "a.ms", "column": "UVW", "calls": 1, "bytes_read": 5},
                       {"table": "a.ms", "column": "DATA", "calls": 9, "bytes_read": 25, "seconds": 0.5}],
           "loops": [{"method": "getcell", "column": "DATA", "table": "a.ms", "count": 64, "file": "x.py", "line": 8,
                      "would_take_seconds": 0.1}],
           "findings": [{"kind": "cell loop", "what": "w", "instead": "i", "about_seconds": 1.0}],
           "memory": {"peak_bytes": 1000, "curve": [[i / 10, i, 0.5] for i in range(1001)]}, "files": []}


class TestRecord(Histories):
    def test_verify(self):
        self.record(VERIFY, "--commit", "abc", "--machine", "m", "--note", "n", "--time", 1000)
        run = self.run_of()
        [head] = run["runs"]
        self.assertEqual([head[k] for k in ("kind", "series", "time", "machine", "commit", "note", "load", "others", "verdict")],
                         ["verify", "verify a.ms", 1000.0, "m", "abc", "n", 1.5, 0.25, "1 of 1 targets met"])
        self.assertEqual([(t["name"], t["target"], t["measured"], t["uncached"], t["verdict"], t["met"]) for t in run["targets"]],
                         [("metadata", 0.001, 0.0005, 0.002, "PASS", 3), ("read-DATA", None, 0.2, None, "NOT MEASURED", None)])
        self.assertEqual([(r["name"], r["ratio"]) for r in run["ratios"]], [("read-DATA / roofline", 2.0)])
        self.assertEqual([(c["name"], c["value"]) for c in run["counts"]], [("metadata bytes", 7), ("read-DATA bytes", 4096)])

    def test_bench(self):
        self.record(BENCH)
        run = self.run_of()
        self.assertEqual(json.loads(run["runs"][0]["versions"]), {"casacore": "3.5"})
        self.assertEqual([(t["name"], t["repetition"], t["seconds"]) for t in run["times"]][:4],
                         [("data msio/warm x2", 0, 3.0), ("data msio/warm x2", 1, 1.0), ("data msio/warm x2", 2, 2.0),
                          ("data roofline/raw x2", 0, 1.0)])
        self.assertEqual([(r["name"], r["ratio"], r["pairs"]) for r in run["ratios"]], [("data msio/warm x2 / roofline", 2.0, 3)])
        self.assertEqual([(c["name"], c["value"]) for c in run["counts"]],
                         [("growth msio/open x0 bytes_read", 100), ("growth msio/open x0 allocations", 5)])

    def test_compare(self):
        self.record(COMPARE)
        run = self.run_of()
        self.assertEqual([(r["name"], r["ratio"], r["low"], r["high"], r["pairs"], r["verdict"]) for r in run["ratios"]],
                         [("b/a", 1.1, 1.05, 1.2, 2, "SLOWER")])
        self.assertEqual([(c["name"], c["value"], c["exact"]) for c in run["counts"]],
                         [("a bytes read", 5, 2), ("b bytes read", 6, 1), ("a instructions", 7, 2), ("b instructions", 8, 0)])
        self.assertEqual([(t["name"], t["repetition"], t["seconds"]) for t in run["times"]],
                         [("a", 0, 1.0), ("b", 0, 1.1), ("a", 1, 1.0), ("b", 1, 1.2)])

    def test_counts(self):
        self.record({"name": "mine", "counts": {"n": 3}, "about": {"instructions": 9}, "times": {"t": [0.5, 0.25]}})
        run = self.run_of()
        self.assertEqual(run["runs"][0]["series"], "counts mine")
        self.assertEqual([(c["name"], c["value"], c["exact"]) for c in run["counts"]], [("n", 3, 1), ("instructions", 9, 0)])
        self.assertEqual([t["seconds"] for t in run["times"]], [0.5, 0.25])

    def test_folder_of_a_profile(self):
        folder = os.path.join(self.folder, "prof")
        os.mkdir(folder)
        with open(os.path.join(folder, "report.json"), "w", encoding="utf-8") as file:
            json.dump(PROFILE, file)
        with open(os.path.join(folder, "profile.folded"), "w", encoding="utf-8") as file:
            file.write("main;a b;c 3\nmain;d 10\nnothing\n\n" + "".join(f"main;f{i} 1\n" for i in range(1000)))
        msio("history", "record", folder, "--db", self.db)
        run = self.run_of()
        self.assertEqual(run["runs"][0]["folder"], os.path.realpath(folder))
        self.assertEqual(run["runs"][0]["program"], "python3 x.py")
        self.assertEqual({c["name"]: c["value"] for c in run["counts"]}["table bytes read"], 35)
        self.assertEqual([(c["rank"], c["name"], c["bytes_read"]) for c in run["columns"]], [(0, "DATA", 25), (1, "UVW", 5)])
        self.assertEqual([(l["name"], l["cells"], l["line"], l["would_take"]) for l in run["loops"]], [("DATA", 64, 8, 0.1)])
        self.assertEqual([f["kind"] for f in run["findings"]], ["cell loop"])
        self.assertEqual([(s["frames"], s["samples"]) for s in run["stacks"]][:2], [("main;d", 10), ("main;a b;c", 3)])
        self.assertEqual(len(run["stacks"]), 500)
        self.assertLessEqual(len(run["moments"]), 200)
        self.assertGreater(len(run["moments"]), 100)
        self.assertEqual([(t["name"], t["verdict"]) for t in run["targets"]], [("wall", "PASS")])

    def test_real_reports(self):
        path = os.path.join(self.folder, "s.ms")
        msio("simulate", "ms", "--out", path, "--antennas", 4, "--times", 2, "--subbands", 1, "--quiet")
        told = report("verify", path, code=None)
        self.record(told)
        self.assertEqual([t["name"] for t in self.run_of()["targets"]], [p["name"] for p in told["paths"]])

    def test_standard_input_and_the_same_twice(self):
        for _ in range(2):
            run = subprocess.run([MSIO, "history", "record", "-", "--db", self.db, "--time", "5", "--json"], input=json.dumps(COMPARE),
                                 capture_output=True, text=True, check=True)
            self.assertEqual(json.loads(run.stdout), {"runs": [1]})
        self.assertEqual(self.rows("SELECT count(*) FROM runs"), [(1,)])

    def test_old_details_go_and_the_rest_stays(self):
        for i in range(5):
            self.record(PROFILE, "--time", 100 + i, "--keep", 2)
        self.assertEqual(self.rows("SELECT DISTINCT run FROM moments ORDER BY run"), [(4,), (5,)])
        self.assertEqual(self.rows("SELECT count(DISTINCT run) FROM counts"), [(5,)])

    def test_show(self):
        for i in range(3):
            self.record(VERIFY, "--time", 100 + i)
        self.record(COMPARE, "--time", 50)
        self.assertEqual([r["id"] for r in report("history", "show", "--db", self.db)["runs"]], [4, 1, 2, 3])
        self.assertEqual([r["id"] for r in report("history", "show", "--db", self.db, "--newest", 2)["runs"]], [2, 3])
        self.assertEqual([r["id"] for r in report("history", "show", "--db", self.db, "--kind", "compare")["runs"]], [4])
        self.assertIn("SLOWER", msio("history", "show", 4, "--db", self.db, text=True).stdout)
        msio("history", "show", 99, "--db", self.db, code=3)
        before = os.stat(self.db)
        msio("history", "show", "--db", self.db)
        self.assertEqual(os.stat(self.db).st_mtime_ns, before.st_mtime_ns)


class TestRobust(Histories):
    def many(self, times):
        return {"name": "many", "counts": {"n": 1}, "times": {"t": [float(i) for i in range(times)]}}

    def test_killed_at_any_moment(self):
        """Each run is there with all of its times, or not at all; nothing waits for the one that was killed."""
        path = self.document(self.many(30000))
        random.seed(4)
        for i in range(25):
            run = subprocess.Popen([MSIO, "history", "record", path, "--db", self.db, "--time", str(i), "--quiet"])
            time.sleep(random.uniform(0, 0.12))
            run.send_signal(signal.SIGKILL)
            run.wait()
        self.record(self.many(30000), "--time", 1000)
        self.assertEqual(self.rows("PRAGMA integrity_check"), [("ok",)])
        self.assertEqual(self.rows("SELECT DISTINCT count(*) FROM times GROUP BY run"), [(30000,)])
        self.assertEqual(self.rows("SELECT count(*) FROM runs"), self.rows("SELECT count(DISTINCT run) FROM times"))

    def test_many_writers_at_once(self):
        paths = [self.document(self.many(i + 1), f"{i}.json") for i in range(40)]
        runs = [subprocess.Popen([MSIO, "history", "record", *paths[i::8], "--db", self.db, "--quiet"]) for i in range(8)]
        self.assertEqual([run.wait(120) for run in runs], [0] * 8)
        self.assertEqual(self.rows("SELECT count(*), count(DISTINCT digest) FROM runs"), [(40, 40)])
        self.assertEqual(self.rows("SELECT count(*) FROM times"), [(sum(range(1, 41)),)])

    def test_reading_while_another_writes(self):
        self.record(VERIFY)
        db = sqlite3.connect(self.db, isolation_level=None)
        self.addCleanup(db.close)
        db.execute("BEGIN IMMEDIATE")
        self.assertEqual(len(report("history", "show", "--db", self.db)["runs"]), 1)

    def refused(self, words, verb=("show",), code=3):
        run = msio("history", *verb, "--db", self.db, "--json", code=code, text=True)
        told = json.loads(run.stdout)["error"]
        self.assertIn(words, told["message"])
        self.assertIn(words, run.stderr)
        self.assertEqual(len(run.stderr.splitlines()), 1, run.stderr)
        return told["code"]

    def test_files_that_are_none(self):
        self.assertEqual(self.refused("is not there"), "E_NOT_FOUND")
        with open(self.db, "w", encoding="utf-8") as file:
            file.write("no database at all, but longer than a header of SQLite's is" * 10)
        self.assertEqual(self.refused("no SQLite file"), "E_FORMAT")
        self.refused("no SQLite file", ("record", self.document(VERIFY)))
        os.unlink(self.db)
        os.mkdir(self.db)
        self.refused("is no file")

    def test_another_programs_file(self):
        with sqlite3.connect(self.db) as db:
            db.execute("CREATE TABLE runs(id)")
        self.refused("another program's")
        self.refused("another program's", ("record", self.document(VERIFY)))
        self.assertEqual(self.rows("SELECT count(*) FROM sqlite_schema"), [(1,)])

    def test_schema_of_another_version(self):
        self.record(VERIFY)
        with sqlite3.connect(self.db) as db:
            version = db.execute("PRAGMA user_version").fetchone()[0]
            db.execute(f"PRAGMA user_version = {version + 1}")
        self.assertEqual(self.refused("newer msio"), "E_UNSUPPORTED")
        self.refused("newer msio", ("record", self.document(COMPARE)))
        with sqlite3.connect(self.db) as db:  # as version 1 was
            db.execute("DROP TABLE accepted")
            db.execute("PRAGMA user_version = 1")
        self.refused("older msio")
        self.record(COMPARE)
        self.assertEqual(self.rows("PRAGMA user_version"), [(version,)])
        self.assertEqual(self.rows("SELECT count(*) FROM accepted"), [(0,)])
        self.assertEqual(len(report("history", "show", "--db", self.db)["runs"]), 2)

    def test_sql_of_others_is_not_run(self):
        self.record(VERIFY)
        with sqlite3.connect(self.db) as db:
            db.execute("CREATE TRIGGER t AFTER INSERT ON runs BEGIN DELETE FROM counts; END")
        self.refused("views, triggers")
        self.refused("views, triggers", ("record", self.document(COMPARE)))

    def test_damaged_pages(self):
        """Bytes of the file changed at random: an answer or one line and exit code 3, never a crash."""
        for i in range(8):
            self.record(PROFILE, "--time", i)
        with sqlite3.connect(self.db) as db:
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        db.close()
        with open(self.db, "rb") as file:
            sound = file.read()
        random.seed(7)
        refused = 0
        for _ in range(60):
            bad = bytearray(sound)
            for _ in range(random.choice((1, 10, 300))):
                bad[random.randrange(len(bad))] = random.randrange(256)
            if random.random() < 0.3:
                del bad[random.randrange(len(bad)):]
            for name in os.listdir(self.folder):
                if name.startswith("runs.db"):
                    os.unlink(os.path.join(self.folder, name))
            with open(self.db, "wb") as file:
                file.write(bad)
            for verb in (["show"], ["show", "3"], ["record", self.document(COMPARE)]):
                run = msio("history", *verb, "--db", self.db, code=None)
                self.assertIn(run.returncode, (0, 3))
                refused += run.returncode == 3
                if run.returncode:
                    self.assertEqual(len(run.stderr.decode().splitlines()), 1, run.stderr)
        self.assertGreater(refused, 20)

    @unittest.skipIf(os.geteuid() == 0, "root may write anywhere")
    def test_folder_that_may_not_be_written(self):
        self.record(VERIFY)
        os.chmod(self.folder, 0o500)
        self.addCleanup(os.chmod, self.folder, 0o700)
        self.assertEqual(len(report("history", "show", "--db", self.db)["runs"]), 1)


class TestCheck(Histories):
    """Series whose truth is known."""

    def runs(self, counts, name="n", key="counts", start=0, series="s"):
        for i, value in enumerate(counts):
            self.record({"name": "x", "counts": {}, key: {name: value}} if key != "counts" else {"name": "x", "counts": {name: value}},
                        "--series", series, "--time", start + i, "--machine", "m", "--commit", f"c{start + i}")

    def check(self, code=0, *options):
        return report("history", "check", "--db", self.db, *options, code=code)

    def verdicts(self, code=0):
        return [(c["name"], c["baseline"], c["value"], c["verdict"]) for c in self.check(code)["counts"]]

    def test_counts(self):
        self.runs([100])
        self.assertEqual(self.verdicts(), [("n", None, 100, "first")])
        self.runs([100], start=1)
        self.assertEqual(self.verdicts(), [("n", 100, 100, "same")])
        self.runs([101], start=2)
        self.assertEqual(self.verdicts(1), [("n", 100, 101, "RISEN")])
        self.runs([90], start=3)
        self.assertEqual(self.verdicts(), [("n", 100, 90, "fallen")])
        self.runs([100], start=4)  # what was won is not given back unseen
        self.assertEqual(self.verdicts(1), [("n", 90, 100, "RISEN")])

    def test_instructions_may_rise_by_one_per_cent(self):
        self.runs([10000, 10050, 9990, 10090], key="about")
        self.assertEqual(self.check()["regressions"], 0)
        self.runs([10200], key="about", start=9)
        self.assertEqual(self.check(1)["regressions"], 1)

    def test_accept_moves_the_baseline_and_keeps_the_reason(self):
        self.runs([100, 120])
        msio("history", "accept", "--db", self.db, code=2)
        self.assertEqual(report("history", "accept", "--db", self.db, "--reason", "reads flags too"), {"accepted": 1})
        [count] = self.check()["counts"]
        self.assertEqual((count["baseline"], count["value"], count["accepted"]), (120, 120, "reads flags too"))
        self.runs([120, 121], start=10)
        self.assertEqual(self.verdicts(1), [("n", 120, 121, "RISEN")])
        self.assertEqual(self.rows("SELECT run, name, value, before, reason FROM accepted"), [(2, "n", 120, 100, "reads flags too")])
        self.assertEqual(report("history", "accept", "--db", self.db, "--reason", "again", "--series", "other"), {"accepted": 0})

    def test_a_count_that_is_not_told_any_more(self):
        self.runs([1, 1])
        self.runs([1], name="other", start=5)
        self.assertEqual(self.verdicts(), [("n", 1, None, "not told any more"), ("other", None, 1, "first")])

    def test_each_series_by_itself(self):
        self.runs([1, 1])
        self.runs([5, 6], series="t")
        self.assertEqual(self.check(1)["regressions"], 1)
        self.assertEqual(self.check(0, "--series", "s")["regressions"], 0)
        self.check(3, "--series", "none")

    def ratios(self, values, start=0, machine="m"):
        """Comparisons with these ratios, put there by sqlite3: hundreds of commands take their time."""
        if not os.path.exists(self.db):
            self.record(COMPARE, "--series", "first", "--time", 0)
        db = sqlite3.connect(self.db)
        with db:
            for i, value in enumerate(values):
                run = db.execute("INSERT INTO runs(kind, series, time, machine, \"commit\") VALUES('compare', 's', ?, ?, ?)",
                                 (start + i, machine, f"c{start + i}")).lastrowid
                db.execute("INSERT INTO ratios(run, name, ratio) VALUES(?, 'b/a', ?)", (run, value))
        db.close()

    def noise(self, n, level=1.0, seed=1):
        random.seed(seed)
        return [level * (1 + random.gauss(0, 0.02)) for _ in range(n)]

    def changes(self, code=0):
        return [(c["name"], c["commit"], round(c["magnitude"], 1), c["verdict"])
                for c in self.check(code, "--series", "s")["changes"]]

    def test_change_points(self):
        self.ratios(self.noise(40))
        self.assertEqual(self.changes(), [])
        self.ratios(self.noise(3, 1.2), start=40)
        self.assertEqual(self.changes(), [])  # three runs are no level yet
        self.ratios(self.noise(6, 1.2), start=43)
        self.assertEqual(self.changes(1), [("b/a", "c40", 0.2, "SLOWER")])
        self.assertEqual(report("history", "accept", "--db", self.db, "--series", "s", "--reason", "exact sums"), {"accepted": 1})
        self.assertEqual(self.changes(), [("b/a", "c40", 0.2, "accepted")])
        self.ratios(self.noise(10, 1.2, 2), start=60)
        self.assertEqual(self.changes(), [("b/a", "c40", 0.2, "accepted")])
        self.ratios(self.noise(10, 1.5, 3), start=80)
        self.assertEqual([c[3] for c in self.changes(1)], ["accepted", "SLOWER"])
        self.ratios(self.noise(10, 1.0, 4), start=100)  # made good
        self.assertEqual([c[3] for c in self.changes()], ["accepted", "slower, made good since", "faster"])

    def test_outliers_and_other_machines_are_no_change(self):
        values = self.noise(60)
        for i in (5, 23, 24, 41, 58):
            values[i] *= 3
        self.ratios(values)
        self.assertEqual(self.changes(), [])
        self.ratios(self.noise(10, 2.0), start=70, machine="a slower one")
        self.assertEqual(self.changes(), [])

    def test_text(self):
        self.runs([100, 120])
        run = msio("history", "check", "--db", self.db, code=1, text=True)
        self.assertIn("RISEN", run.stdout)
        self.assertIn("1 regression;", run.stdout)

    def test_check_of_a_damaged_file(self):
        self.runs(range(50, 0, -1))
        with sqlite3.connect(self.db) as db:
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        db.close()
        with open(self.db, "r+b") as file:
            file.seek(4096 * 3)
            file.write(b"\xff" * 4096)
        run = msio("history", "check", "--db", self.db, code=3, text=True)
        self.assertIn("damaged", run.stderr)

    def test_export(self):
        self.record(VERIFY, "--time", 5)
        self.record(COMPARE, "--time", 6, "--note", 'quotes " and, commas')
        told = json.loads(msio("history", "export", "--db", self.db).stdout)
        self.assertEqual({name: len(rows) for name, rows in told.items() if rows},
                         {"runs": 2, "targets": 2, "counts": 6, "times": 6, "ratios": 2})
        path = os.path.join(self.folder, "runs.csv")
        msio("history", "export", "--db", self.db, "--csv", "runs", "--out", path)
        with open(path, newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        self.assertEqual([(r["id"], r["kind"], r["seconds"], r["note"]) for r in rows],
                         [("1", "verify", "", ""), ("2", "compare", "", 'quotes " and, commas')])
        msio("history", "export", "--db", self.db, "--csv", "nothing", code=2)


class TestHostile(Histories):
    def test_what_is_no_report(self):
        for text in ("", "{", "[]", "{}", "null", '{"a": 1}', '{"paths": []}', "[" * 100000, '{"counts": ' * 5000, "\0", '{"counts": {"a": 1}} x',
                     '{"counts": {}, "counts": {}}', '{"counts": {"a": 1e999}}', '{"counts": {"\\u0000": 1}}', '{"counts": {"\\ud800": 1}}'):
            run = self.record(text, code=3)
            self.assertEqual(len(run.stderr.decode().splitlines()), 1, run.stderr[:500])
            self.assertLess(len(run.stderr), 2000)
        with open(self.document(""), "wb") as file:
            file.write(b'{"counts": {"\xff\xfe": 1}}')
        msio("history", "record", file.name, "--db", self.db, code=3)
        self.assertEqual(self.rows("SELECT count(*) FROM runs"), [(0,)])

    def test_an_error_is_no_report(self):
        run = self.record({"error": {"code": "E_IO", "message": "no such table", "path": "x"}}, code=3)
        self.assertIn(b"no such table", run.stderr)

    def test_members_of_wrong_types(self):
        """Whatever stands where a number, a text or a list is wanted, the report is recorded, and shown."""
        odd = [None, True, -5, 1 << 62, 1e308, -0.5, "nan", "", [], {}, [[[]]], {"a": {"b": []}}, ["x"] * 3, "\u001b[31m" + "x" * 9000]
        random.seed(2)

        def spoil(value):
            if random.random() < 0.15:
                return random.choice(odd)
            if isinstance(value, dict):
                return {k: spoil(v) for k, v in value.items()}
            if isinstance(value, list):
                return [spoil(v) for v in value[:20]]
            return value
        number = 0
        for document in [VERIFY, BENCH, COMPARE, PROFILE] * 15:
            self.record({k: spoil(v) for k, v in document.items()}, "--time", number)
            number += 1
        for i in (1, 2, 3, 4, 30, 60):
            self.run_of(i)
            self.assertNotIn(b"\x1b", msio("history", "show", i, "--db", self.db).stdout)
        self.assertNotIn(b"\x1b", msio("history", "show", "--db", self.db).stdout)
        self.assertEqual(self.rows("SELECT max(length(series)) <= 4096 FROM runs"), [(1,)])

    def test_quotes_are_text(self):
        name = "'; DROP TABLE runs; --"
        self.record({"name": name, "counts": {name: 1}}, "--series", name)
        self.assertEqual(self.run_of()["counts"][0]["name"], name)
        self.assertEqual(len(report("history", "show", "--series", name, "--db", self.db)["runs"]), 1)

    def test_missing_reports_and_usage(self):
        msio("history", "record", os.path.join(self.folder, "none.json"), "--db", self.db, code=3)
        msio("history", "record", self.folder, "--db", self.db, code=3)
        for words in ([], ["record"], ["forget"], ["show", "x"], ["show", "1", "2"], ["show", "--newest", "-1"]):
            msio("history", *words, "--db", self.db, code=2)


if __name__ == "__main__":
    main(globals())
