"""msio report: what it says of a profile's folder and of a history's runs; that names stay names in both of its forms; what cannot
be read.
usage: test_report_command.py MSIO GROUP [unittest's arguments]
"""
import glob
import html.parser
import json
import os
import re
import shutil
import tempfile
import unittest

from running import main, msio, msio_text

HOSTILE = ["</script><script>throw 1</script>", "<img src=x onerror=throw(1)>", "a|b\\|c", "[link](javascript:x)", "`code` *bold* _it_",
           "# title\n## other", "&lt;b&gt;", "!\u202e[x](y)", "-----"]
FOLDED = ("/a/x.py:3 <module>;/a/x.py:9 inner;/b/t.py:5 getcell 3000000\n/a/x.py:3 <module>;/a/x.py:9 inner 1000000\n"
          "/a/x.py:3 <module>;/a/x.py:10 inner 500000\n/a/x.py:3 <module> 250000\n")


def profile(name="x.py", seconds=2.5, bytes_read=3000, findings=1):
    return {"program": ["python3", name], "verdict": "at most 10% can be won", "seconds": seconds, "cpu_seconds": 1.5, "exit_code": 0,
            "load": 0.5, "targets": [{"name": "wall", "target_seconds": 3.0, "measured_seconds": seconds, "verdict": "PASS"}],
            "tables": [{"table": name, "reads": 3, "bytes_read": bytes_read}],
            "columns": [{"table": name, "column": "DATA", "calls": 3, "cells": 300, "bytes_read": bytes_read, "bytes_written": 0,
                         "distinct_bytes": 1000, "seconds": 0.25}],
            "loops": [{"method": "getcell", "column": "DATA", "table": name, "count": 300, "file": "/a/" + name, "line": 9,
                       "function": "inner", "would_take_seconds": 0.001}],
            "findings": findings * [{"kind": "cell loop", "table": name, "column": "DATA", "what": "what " + name, "instead": "i",
                                     "file": "/a/" + name, "line": 9, "about_seconds": 0.5}],
            "memory": {"peak_bytes": 4_000_000, "curve": [[i / 10, 1_000_000 + 30_000 * i, 0.5] for i in range(100)]}, "files": []}


class Reports(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="msio-report-test-")
        self.addCleanup(shutil.rmtree, self.folder)
        self.db = self.path("runs.db")
        before = set(self.left())
        self.addCleanup(lambda: self.assertEqual(set(self.left()) - before, set()))

    def left(self):
        """What a report keeps for a while, and has to remove."""
        return glob.glob(os.path.join(self.folder, "tmp", "*"))

    def path(self, name):
        return os.path.join(self.folder, name)

    def profiled(self, name, document, folded=FOLDED):
        os.makedirs(self.path(name))
        with open(self.path(name + "/report.json"), "w", encoding="utf-8") as file:
            file.write(document if isinstance(document, str) else json.dumps(document))
        if folded:
            with open(self.path(name + "/profile.folded"), "w", encoding="utf-8") as file:
                file.write(folded)
        return self.path(name)

    def report(self, *arguments, code=0):
        os.makedirs(self.path("tmp"), exist_ok=True)
        return msio_text("report", *arguments, code=code, env={"TMPDIR": self.path("tmp")})


def section(text, title):
    """The rows of a table under a heading of Markdown, as lists of cells."""
    part = re.split(r"^## ", text, flags=re.M)
    (found,) = [one for one in part if one.startswith(title + "\n")]
    rows = [re.split(r"(?<!\\) ?\| ?", line)[1:-1] for line in found.splitlines() if line.startswith("|")]
    return rows[2:]


class TestDocument(Reports):
    def test_profiles_of_every_run(self):
        """Runs that a profile was kept of, by msio itself and by names: counts, median, longest, slow ones; foreign names are not told."""
        kept = self.path("kept")
        for _ in range(3):
            msio("completion", "bash", env={"MSIO_PROF": f"auto:{kept}"})
        self.assertEqual(section(self.report(kept).stdout, "Programs")[0][:3], ["msio", "3", "0"])
        for name in ("a_b.1700000000000000000.7.1000000.run.json", "a_b.1700000001000000000.8.2000000.run.json", "a_b.run.json",
                     "a_b.1700000002000000000.9.9000000.slow.json", "a_b.1.2.3.run.jsons", ".a.1.2.3.run.json", "notes", ".1.2.3.run.json"):
            with open(os.path.join(kept, name), "w", encoding="utf-8"):
                pass
        text = self.report(kept).stdout
        self.assertEqual(section(text, "Programs")[0], ["a\\_b", "3", "1", "2.00 s", "9.00 s", "2023-11-14T22:13:22.000Z"])
        self.assertEqual(section(text, "Slow runs"), [["2023-11-14T22:13:22.000Z", "9.00 s", "4.5", "a\\_b.1700000002000000000.9.9000000.slow.json"]])
        self.report(kept, "--out", self.path("kept.html"))
        with open(self.path("kept.html"), encoding="utf-8") as file:
            self.assertIn("a_b.1700000002000000000.9.9000000.slow.json", file.read())
        self.report(kept, "--before", kept, code=2)

    def test_markdown(self):
        """The checklist's parts are there, with the numbers that the stacks, loops and findings give."""
        text = self.report(self.profiled("one", profile())).stdout
        self.assertEqual(text.count("- [x] "), 6)
        self.assertIn("- [ ] **Before and after**", text)
        self.assertEqual(section(text, "Top 10 by cumulative time"),
                         [["/a/x.py &lt;module\\>", "250 ms", "4.75 s"], ["/a/x.py inner", "1.50 s", "4.50 s"],
                          ["/b/t.py getcell", "3.00 s", "3.00 s"]])
        self.assertEqual([row[0] for row in section(text, "Top 10 by total time")],
                         ["/b/t.py getcell", "/a/x.py inner", "/a/x.py &lt;module\\>"])
        self.assertEqual(section(text, "Hot lines")[:2], [["/b/t.py:5 getcell", "3.00 s", "3.00 s"],
                                                         ["/a/x.py:9 inner", "1.00 s", "4.00 s"]])
        self.assertEqual(section(text, "Findings"), [["cell loop", "what x.py", "i", "x.py:9", "500 ms"]])
        self.assertEqual(section(text, "Loops over cells"), [["x.py:9", "inner", "getcell", "DATA", "x.py", "300", "1.00 ms"]])
        self.assertEqual(section(text, "Columns"), [["x.py", "DATA", "3", "3.00 kB", "3", "0 B"]])
        self.assertIn("Peak of the largest process, by the kernel: 4.00 MB.", text)

    def test_before_and_after(self):
        """Of two folders, and of the runs of a history's series."""
        old, new = self.profiled("old", profile(seconds=5.0, bytes_read=12000, findings=3)), self.profiled("new", profile())
        for number, where in enumerate((("--before", old, new), ("--db", self.db), ("--db", self.db, "--run", "2", "--before", "1"))):
            if number == 1:
                for when, folder in enumerate((old, new)):
                    msio("history", "record", folder, "--db", self.db, "--series", "s", "--machine", "m", "--time", 1000 + when)
            rows = {row[0]: row[1:] for row in section(self.report(*where).stdout, "Before and after")}
            self.assertEqual(rows["wall"], ["5.00 s", "2.50 s", "0.5"], where)
            self.assertEqual(rows["findings"], ["3", "1", "0.333"], where)
            self.assertEqual(rows["table bytes read"], ["12 000", "3 000", "0.25"], where)
        self.assertIn("- [ ] **Before and after**", self.report("--db", self.db, "--run", "1").stdout)

    def test_without_stacks(self):
        """What is missing is said, with what would give it."""
        text = self.report(self.profiled("one", profile(findings=0), folded=None)).stdout
        self.assertIn("- [ ] **Top 10 by total time**: no stacks are kept", text)
        self.assertIn("- [ ] **Findings**: none", text)
        self.assertNotIn("## Top 10", text)

    def test_targets_of_a_verify(self):
        """Where no run is a profile, the newest one is told of."""
        with open(self.path("v.json"), "w") as file:
            json.dump({"paths": [{"name": "metadata", "path": "a.ms", "target_seconds": 0.001, "measured_seconds": 0.002, "bytes": 7,
                                  "verdict": "FAIL", "reason": "slow", "tries": 3, "met": 0, "load": {"average": 1, "others": 0}}],
                       "threads": 2, "judgement": "missed", "met": False}, file)
        msio("history", "record", self.path("v.json"), "--db", self.db)
        self.assertEqual(section(self.report("--db", self.db).stdout, "Targets"),
                         [["metadata", "a.ms", "2.00 ms", "1.00 ms", "FAIL", "slow"]])


class Elements(html.parser.HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.tags, self.text = [], ""
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_data(self, data):
        self.text += data


class TestHostile(Reports):
    def test_names(self):
        """A name with markup of either kind is only its text."""
        for i, name in enumerate(HOSTILE):
            folder = self.profiled(f"n{i}", profile(name), folded=f"{name.replace(chr(10), ' ')} 1000\n")
            text = self.report(folder).stdout
            plain = re.sub(r"\\[^\w\s]", "", text)  # what is escaped means nothing
            for markup in ("<", "](", "\n# title", "\n## other", "**bold", "*bold*", "`code`", "&lt;b&gt;"):
                self.assertNotIn(markup, plain, name)
            self.assertEqual(len({len(row) for row in section(text, "Loops over cells")}), 1)
            self.assertEqual(len(section(text, "Loops over cells")[0]), 7)
            self.report(folder, "--out", self.path("r.html"))
            with open(self.path("r.html"), encoding="utf-8") as file:
                page = Elements(file.read())
            self.assertFalse({"script", "img", "a", "iframe"} & {tag for tag, _ in page.tags}, name)
            self.assertFalse([one for one in page.tags if any(key.startswith("on") for key in one[1])])
            if name.isascii() and "\n" not in name:
                self.assertIn(name, page.text)

    def test_what_cannot_be_read(self):
        """Exit code 3, one line, and what was there stays."""
        for i, document in enumerate(("", "{", "[]", "null", '{"seconds": "x"}', "[" * 100_000, '{"program": 1e999}')):
            said = self.report(self.profiled(f"bad{i}", document), "--out", self.path("r.md"), code=3).stderr
            self.assertEqual(said.count("\n"), 1, said)
        for where in ((self.path("nothing"),), ("--db", self.path("nothing.db")), ("--db", self.path("bad1/report.json"))):
            self.assertEqual(self.report(*where, code=3).stderr.count("\n"), 1)
        self.assertFalse(os.path.exists(self.path("r.md")))
        msio("history", "record", self.profiled("good", profile()), "--db", self.db)
        self.report("--db", self.db, "--run", "7", code=3)
        self.report("--db", self.db, "--before", "7", code=3)
        with open(self.db, "r+b") as file:
            file.seek(4096)
            file.write(os.urandom(20_000))
        self.report("--db", self.db, "--out", self.path("r.md"), code=3)
        self.assertEqual(msio("dashboard", "--db", self.db, "--out", self.path("d.html"), code=3).stderr.count(b"\n"), 1)
        self.assertFalse(os.path.exists(self.path("r.md")) or os.path.exists(self.path("d.html")))

    def test_usage(self):
        good = self.profiled("good", profile())
        for arguments in ((), (good, good), (good, "--db", self.db), (good, "--out", self.path("r.pdf")), (good, "--run", "1"),
                          ("--db", self.db, "--run", "0")):
            self.report(*arguments, code=2)
        self.report(good, "--out", "/nonexistent/r.md", code=3)


if __name__ == "__main__":
    main(globals())
