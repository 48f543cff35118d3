"""msio dashboard, in a browser: a page of ten thousand runs, names that would be markup or scripts, keys, filters, print.
usage: test_dashboard_page.py MSIO GROUP [unittest's arguments]
"""
import json
import math
import os
import random
import shutil
import sqlite3
import tempfile
import time
import unittest

import browser
from running import main, msio

PICTURES = os.environ.get("MSIO_TEST_PICTURES")  # a folder to keep what the page looks like in
BEGIN = 1_700_000_000
INK = """(canvas => { const d = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
    const seen = new Set(); for (let i = 0; i < d.length; i += 4) if (d[i + 3]) seen.add(d[i] << 16 | d[i + 1] << 8 | d[i + 2]);
    return seen.size; })(%s)"""
HOSTILE = ["</script><script>throw 1</script>", "<img src=x onerror=throw(1)>", "\"quoted'", "<!--", "a\nb\u202ec", "__proto__",
           "constructor", "../../x;y", "\u2028", "=1+1"]


def verify(name, series_time, measured, target=0.010, subject="obs.ms"):
    passed = measured <= target
    return {"paths": [{"name": name, "path": subject, "target_seconds": target, "measured_seconds": measured, "bytes": 4096,
                       "roofline_seconds": measured / 2, "verdict": "PASS" if passed else "FAIL", "reason": f"{measured} of {target}",
                       "tries": 3, "met": 3 if passed else 0, "load": {"average": 0.5, "others": 0.1}}],
            "threads": 2, "judgement": str(series_time), "met": passed}


def profile(name, seconds=2.5):
    return {"program": ["python3", name], "verdict": "at most 10% can be won", "seconds": seconds, "cpu_seconds": 1.5, "exit_code": 0,
            "load": 0.5, "targets": [], "tables": [],
            "columns": [{"table": name, "column": name, "reads": 3, "writes": 0, "calls": 3, "cells": 300, "rows": 100,
                         "bytes_read": 3000, "bytes_written": 0, "bytes_wanted": 1000, "distinct_bytes": 1000, "tiles": 3,
                         "tile_most": 3, "tiles_twice": 1, "tile_bytes": 1000, "seconds": 0.25, "by": []}],
            "lines": [], "loops": [{"method": "getcell", "column": name, "table": name, "count": 300, "first_row": 0, "last_row": 99,
                                    "file": "/x/" + name, "line": 7, "function": name, "would_take_seconds": 0.001}],
            "findings": [{"kind": "cell loop", "table": name, "column": name, "what": name, "instead": name, "file": name, "line": 7,
                          "about_seconds": 0.5}],
            "samples": {}, "python": {}, "memory": {"peak_bytes": 4_000_000,
                                                    "curve": [[i / 10, 1_000_000 + 30_000 * i, i / 20] for i in range(100)]},
            "files": [], "own_cost": {}}


class Boards(unittest.TestCase):
    def setUp(self):
        if not browser.CHROMIUM:
            self.skipTest("Chromium is not installed")
        self.folder = tempfile.mkdtemp(prefix="msio-dashboard-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)  # the browser may be writing its last
        self.db, self.page = os.path.join(self.folder, "runs.db"), os.path.join(self.folder, "page.html")

    def record(self, document, *options, folded=None):
        folder = tempfile.mkdtemp(dir=self.folder)
        with open(os.path.join(folder, "report.json"), "w", encoding="utf-8") as file:
            json.dump(document, file)
        if folded is not None:
            with open(os.path.join(folder, "profile.folded"), "w", encoding="utf-8") as file:
                file.write(folded)
        target = folder if folded is not None else os.path.join(folder, "report.json")
        msio("history", "record", target, "--db", self.db, *options)

    def open(self, dark=False, *options):
        msio("dashboard", "--db", self.db, "--out", self.page, *options)
        opened = browser.Browser(os.path.join(self.folder, "browser"))
        opened.__enter__()
        self.addCleanup(opened.__exit__)
        opened.open(self.page, dark)
        return opened

    def held(self, page):
        self.assertNotIn("[object", page.value("document.body.innerText"))
        self.assertEqual(page.complaints(), [])
        self.assertEqual(page.fetched(), [])

    def picture(self, page, name):
        if PICTURES:
            page.picture(os.path.join(PICTURES, name))

    def many(self, runs):
        """Runs that one recording and copies of its rows make: six paths, every 20th run over its target."""
        chance = random.Random(1)
        self.record(verify("read-DATA", 0, 0.008), "--series", "nightly", "--time", BEGIN, "--machine", "M")
        db = sqlite3.connect(self.db)
        columns = [row[1] for row in db.execute("PRAGMA table_info(runs)") if row[1] not in ("id", "time", "digest", "series", "machine", "load")]
        names = ", ".join(f'"{name}"' for name in columns)
        for i in range(1, runs):
            db.execute(f"INSERT INTO runs(id, time, series, machine, load, {names}) SELECT ?, ?, ?, ?, ?, {names} FROM runs WHERE id = 1",
                       (i + 1, BEGIN + 3600 * i, "nightly" if i % 3 else "weekly", "M" if i % 2 else "N", 1 + math.sin(i / 200)))
            level = 0.008 if i < runs // 2 else 0.0095
            for k, name in enumerate(("read-DATA", "metadata", "flag-validation", "subband-loading", "calibration", "imaging")):
                measured = level * (k + 1) * math.exp(chance.gauss(0, 0.03)) * (1.4 if i % 20 == 0 else 1)
                db.execute("INSERT INTO targets(run, name, subject, target, measured, bytes, verdict, reason, tries, met) "
                           "VALUES(?, ?, 'obs.ms', ?, ?, 4096, ?, 'r', 3, 3)",
                           (i + 1, name, 0.010 * (k + 1), measured, "PASS" if measured <= 0.010 * (k + 1) else "FAIL"))
        db.commit()
        db.close()


class TestPage(Boards):
    def test_what_is_shown(self):
        """Paths, verdicts, distributions, memory, flame graph, columns and loops are there, in light and in dark."""
        self.many(60)
        self.record(profile("work.py"), "--series", "work", "--time", BEGIN + 3600 * 70, "--machine", "M",
                    folded="/a/work.py:3 <module>;/a/work.py:9 inner 1500000\n/a/work.py:3 <module> 500000\n")
        page = self.open()
        self.assertGreater(page.value("document.querySelectorAll('.path .uplot').length"), 8)
        for place in ("document.querySelector('.path canvas')", "document.querySelector('canvas.flame')",
                      "document.querySelector('.profile .chart canvas')", "document.querySelector('canvas.bins')"):
            self.assertGreater(page.value(INK % place), 0, place)
        text = page.value("document.body.innerText")
        for wanted in ("Newest verdicts", "PASS", "Distributions", "61 runs", "Flame graph", "Memory", "Columns", "Loops", "Findings",
                       "work.py:7", "at most 10% can be won", "load average"):
            self.assertIn(wanted, text)
        self.picture(page, "dashboard-light.png")
        page.open(self.page, True)
        self.assertGreater(page.value(INK % "document.querySelector('canvas.flame')"), 2)
        self.picture(page, "dashboard-dark.png")
        self.held(page)

    def test_change_points(self):
        """A level that rises by a third is marked on the ratio and on its path, at the run it rose with, and only there."""
        self.many(80)
        db = sqlite3.connect(self.db)
        chance = random.Random(2)
        db.execute("DELETE FROM ratios")
        db.execute("UPDATE runs SET series = 'nightly', machine = 'M'")
        for run in range(1, 81):
            for name, level in (("read-DATA / roofline", 2.0 if run < 41 else 2.7), ("metadata / roofline", 3.0)):
                db.execute("INSERT INTO ratios(run, name, ratio, pairs) VALUES(?, ?, ?, 3)",
                           (run, name, level * math.exp(chance.gauss(0, 0.02))))
        db.commit()
        db.close()
        page = self.open()
        found = page.value("JSON.parse(document.getElementById('data').textContent).changes")
        self.assertEqual([(one["name"], one["series"], one["standing"]) for one in found], [("read-DATA / roofline", "nightly", True)])
        self.assertAlmostEqual(found[0]["run"], 41, delta=1)
        self.assertAlmostEqual(found[0]["after"] / found[0]["before"], 1.35, delta=0.05)
        marked = page.value("Array.from(document.querySelectorAll('.path')).filter(p => p.querySelector('.change'))"
                            ".map(p => p.querySelector('h3').firstChild.textContent)")
        self.assertEqual(sorted(set(marked)), ["read-DATA", "read-DATA / roofline", "read-DATA of obs.ms"])
        (row,) = page.value("Array.from(document.querySelectorAll('tr[data-of]')).map(r => Array.from(r.cells, c => c.textContent))"
                            ".filter(cells => cells[0] === 'read-DATA / roofline' && cells.includes('REGRESSION'))")
        self.assertEqual(row[1], "nightly")
        self.picture(page, "dashboard-changes.png")
        self.held(page)

    def test_filters(self):
        """Series, machine and text choose paths and rows; a span of time narrows the charts."""
        self.many(60)
        page = self.open()
        shown = "Array.from(document.querySelectorAll('.path')).filter(p => !p.hidden).map(p => p.textContent)"
        everything = page.value(shown)

        def choose(label, value):
            page.value(f"(s => {{ s.value = {json.dumps(value)}; s.dispatchEvent(new Event('change')); }})"
                       f"(document.querySelector('select[aria-label={label}]'))")

        choose("series", "weekly")
        left = page.value(shown)
        self.assertTrue(0 < len(left) < len(everything) and all("weekly" in one for one in left), left)
        choose("machine", "N")
        self.assertTrue(all("N, " in one for one in page.value(shown)))
        choose("series", "")
        choose("machine", "")
        page.value("(f => { f.value = 'METADATA'; f.dispatchEvent(new Event('input')); })(document.getElementById('filter'))")
        self.assertTrue(all("metadata" in one for one in page.value(shown)))
        rows = page.value("Array.from(document.querySelectorAll('tr[data-of]')).filter(r => !r.hidden).map(r => r.textContent)")
        self.assertTrue(rows and all("metadata" in row for row in rows))
        choose("time", "1")
        self.held(page)

    def test_keys(self):
        """Arrows go over a chart's points, Enter sorts, Tab reaches all of it."""
        self.many(40)
        page = self.open()
        page.value("document.querySelector('.path .chart').focus()")
        told = "document.querySelector('.path .told').textContent"
        last = page.value(told)
        page.key("ArrowLeft")
        before = page.value(told)
        self.assertNotEqual(last, before)
        self.assertRegex(before, r"^run [0-9]+, 20[0-9-]+ [0-9:]+: [0-9.]+ (ms|s)")
        page.key("Home")
        first = page.value(told)
        page.key("End")
        self.assertEqual(page.value(told), last)
        self.assertNotEqual(first, last)
        head = "Array.from(document.querySelectorAll('th')).find(h => h.textContent === 'measured')"
        page.value(f"{head}.focus()")
        page.key("Enter")
        self.assertEqual(page.value(f"{head}.getAttribute('aria-sort')"), "descending")
        values = page.value(f"Array.from({head}.closest('table').tBodies[0].rows).map(r => Number(r.cells[{head}.cellIndex].dataset.v))")
        self.assertEqual(values, sorted(values, reverse=True))
        self.assertEqual(page.value("Array.from(document.querySelectorAll('.path .chart, th, select, input, canvas.flame'))"
                                    ".filter(e => e.tabIndex < 0).length"), 0)
        self.held(page)

    def test_print(self):
        """What is printed is no empty page, and has no fields to type into."""
        self.many(20)
        page = self.open()
        page.ask("Emulation.setEmulatedMedia", page.session, media="print")
        self.assertEqual(page.value("getComputedStyle(document.getElementById('filter')).display"), "none")
        made = page.ask("Page.printToPDF", page.session)["data"]
        self.assertGreater(len(made), 20_000)
        self.held(page)

    def test_large(self):
        """Ten thousand runs: the page is bounded, and says when it was ready (printed, not judged: machines differ)."""
        self.many(10_000)
        page = self.open()
        self.assertLess(os.path.getsize(self.page), 4_000_000)
        data = page.value("JSON.parse(document.getElementById('data').textContent).paths.map(p => [p.points, p.v.length])")
        self.assertTrue(any(points > kept for points, kept in data))
        self.assertTrue(all(kept <= 500 for _, kept in data))
        took = []
        for _ in range(3):
            began = time.monotonic()
            page.open(self.page)
            took.append(time.monotonic() - began)
        print(f"{os.path.getsize(self.page)} bytes, ready after {', '.join(f'{one:.2f} s' for one in took)} (looked at each 0.05 s)")
        self.assertTrue(any(page.value("JSON.parse(document.getElementById('data').textContent).paths.map(p => p.missed.some(m => m))")))
        self.picture(page, "dashboard-10000.png")
        self.held(page)


class TestHostile(Boards):
    def test_names(self):
        """No name becomes markup or a script, or is lost."""
        for i, name in enumerate(HOSTILE):
            self.record(verify(name, i, 0.005, subject=name), "--series", name.replace("\n", " "), "--machine", name, "--time", BEGIN + i)
            self.record(profile(name, i), "--series", name, "--time", BEGIN + 100 + i, "--machine", name,
                        folded=f"{name.replace(chr(10), ' ')};x 1000\n")
        page = self.open()
        self.assertEqual(page.value("document.querySelectorAll('img').length"), 0)
        self.assertEqual(page.value("document.scripts.length"), 4)
        text = page.value("document.body.textContent")
        for name in HOSTILE[:4] + HOSTILE[5:8]:
            self.assertIn(name, text)
        with open(self.page, encoding="utf-8") as file:
            self.assertNotIn("<script>throw", file.read())
        self.held(page)

    def test_numbers(self):
        """Times that no run has do not stop the page."""
        self.many(10)
        db = sqlite3.connect(self.db)
        for i, value in enumerate((1e308, -1.0, 0.0, None, 9e999, "text", b"\xff")):
            db.execute("UPDATE targets SET measured = ? WHERE run = ?", (value, i + 2))
        for i, value in enumerate((1e18, -1e18, 9e999, 0.5)):
            db.execute("UPDATE runs SET time = ? WHERE id = ?", (value, i + 2))
        db.commit()
        db.close()
        page = self.open()
        self.assertGreater(page.value("document.querySelectorAll('.path').length"), 3)
        self.held(page)

    def test_empty(self):
        """A history without runs of the series is a page that says so."""
        self.many(3)
        page = self.open(False, "--series", "none")
        self.assertIn("no runs", page.value("document.body.innerText"))
        self.held(page)


if __name__ == "__main__":
    main(globals())
