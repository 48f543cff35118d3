"""The page of msio profile, in a browser: it runs without a complaint, fetches nothing, its tables sort, its pictures are there.
usage: test_profile_page.py MSIO GROUP [unittest's arguments]
"""
import base64
import hashlib
import json
import os
import re
import unittest

import browser
from profiled_table import PYTHON, Profile
from running import main

SPEEDSCOPE = os.environ.get("MSIO_TEST_SPEEDSCOPE") or os.path.join(
    os.path.dirname(os.path.abspath(__file__)), "../../../build/speedscope/node_modules/speedscope/dist/release/index.html")
UPLOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../../cli/page/uplot")
PICTURES = os.environ.get("MSIO_TEST_PICTURES")  # a folder to keep what the page looks like in

WORK = """
import sys, time
from casacore.tables import table
def cells(t):
    for turn in range(20):
        for row in range(t.nrows()): t.getcell('DATA', row)
def compute():
    until = time.process_time() + 0.5
    while time.process_time() < until: sum(range(1000))
def many(kept=[]):
    for turn in range(8):
        kept.append(bytearray(b'x') * 20_000_000)
        time.sleep(0.05)
t = table(sys.argv[1], ack=False)
compute(); many(); cells(t)
for turn in range(3):
    t = table(sys.argv[1], ack=False)
    t.getcol('DATA'); t.close()
"""
HOSTILE = """
import sys, types
from casacore.tables import table
t = table(sys.argv[1], ack=False)
def f(t):
    import time
    until = time.process_time() + 0.1
    while time.process_time() < until: t.getcell('TIME', 1)
for name in ('</script><script>throw 1</script>', '<img src=x onerror=throw(1)>', '"quoted\\'', '<!--', 'new\\nline'):
    types.FunctionType(f.__code__.replace(co_name=name, co_filename='/' + name), globals())(t)
"""
INK = """(() => { const c = document.querySelector('%s'); if (!c) return -1;
    const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data; const seen = new Set();
    for (let i = 0; i < d.length; i += 4) if (d[i + 3]) seen.add(d[i] << 16 | d[i + 1] << 8 | d[i + 2]); return seen.size; })()"""

HEAT = """(() => { const c = document.getElementById('heat-0'), box = c.getBoundingClientRect();
    const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data, strength = [];
    for (let y = 0; y < c.height; y++) strength.push(Array.from({ length: c.width }, (_, x) => d[4 * (y * c.width + x) + 3]));
    return { strength, size: [box.width, box.height], texts: Array.from(c.parentElement.children).map(e => e.innerText),
             above: c.parentElement.previousElementSibling.innerText }; })()"""


class TestPage(Profile):
    def setUp(self):
        super().setUp()
        if not browser.CHROMIUM:
            self.skipTest("Chromium is not installed")

    def page(self, text):
        """The page of a run of the script, open; it is closed with the test."""
        self.profile(PYTHON, self.write("work.py", text), self.table)
        return self.browser()

    def browser(self):
        opened = browser.Browser(self.path("browser"))
        opened.__enter__()
        self.addCleanup(opened.__exit__)
        return opened

    def held(self, page):
        self.assertEqual(page.complaints(), [])
        self.assertEqual(page.fetched(), [])

    def test_pictures(self):
        """Charts, flame graph and strips have ink, in light and in dark."""
        page = self.page(WORK)
        for dark in (False, True):
            page.open(self.path("report/report.html"), dark)
            for place in ("#memory canvas", "#processor canvas", "#traffic canvas", "#flame", "#strip-0"):
                self.assertGreater(page.value(INK % place), 0, place)
            self.assertGreater(page.value(INK % "#flame"), 3)
            data = page.value("JSON.parse(document.getElementById('data').textContent)")
            moments = {len(data[name]) for name in ("time", "resident", "busy", "read", "written")}
            self.assertEqual(len(moments), 1, moments)
            self.assertEqual({len(data[name]) for name in ("stacks", "wall", "cpu")}, {len(data["stacks"])})
            self.assertAlmostEqual(data["busy"][-1], 0.8, delta=0.7)
            if PICTURES:
                page.picture(os.path.join(PICTURES, f"profile-{'dark' if dark else 'light'}.png"))
        self.held(page)

    def test_heat(self):
        """When files were read: painted where the report has reads, the stronger the more; with names, and what a step is."""
        (heat,) = self.halves()["heat"]
        page = self.browser()
        for dark in (False, True):
            page.open(self.path("report/report.html"), dark)
            drawn = page.value(HEAT)
            strength, times = drawn["strength"], heat["times"]
            self.assertEqual([[alpha > 0 for alpha in row] for row in strength], [[value > 0 for value in row] for row in times])
            squares = sorted((value, alpha) for row in zip(times, strength) for value, alpha in zip(*row))
            alphas = [alpha for _, alpha in squares]
            self.assertEqual((alphas, alphas[0], alphas[-1]), (sorted(alphas), 0, 255))
            self.assertTrue(drawn["size"][0] > 300 and drawn["size"][1] > 50, drawn["size"])
            self.assertEqual(drawn["texts"][0], "large.tab DATA")
            self.assertRegex(drawn["texts"][2], r"^[0-9.]+ MB$")
            self.assertRegex(drawn["above"], r"^From left to right the run, [0-9.]+ ms a step; from top to bottom the file")
            if PICTURES:
                page.picture(os.path.join(PICTURES, f"heat-{'dark' if dark else 'light'}.png"))
        self.held(page)

    def test_no_heat(self):
        """Where no file is large enough for it, that is said in its place."""
        page = self.page("import sys\nfrom casacore.tables import table\ntable(sys.argv[1], ack=False).getcol('UVW')\n")
        page.open(self.path("report/report.html"))
        head = "Array.from(document.querySelectorAll('h2')).find(h => h.textContent === 'When files were read')"
        self.assertRegex(page.value(f"{head}.nextElementSibling.textContent"), "^No file .* 1 MiB")
        self.assertEqual(page.value("document.querySelectorAll('canvas.heat').length"), 0)
        self.held(page)

    def test_tables(self):
        """A click and Enter sort by value, up and down; the filter hides rows."""
        page = self.page(WORK)
        page.open(self.path("report/report.html"))
        head = "Array.from(document.querySelectorAll('th')).find(h => h.textContent === 'bytes read')"
        shown = (f"Array.from({head}.closest('table').tBodies[0].rows).map(r => Number(r.cells[{head}.cellIndex].dataset.v))")
        values = page.value(shown)
        self.assertGreater(len(values), 3)
        page.value(f"{head}.click()")
        self.assertEqual(page.value(shown), sorted(values, reverse=True))
        page.value(f"{head}.focus()")
        page.key("Enter")
        self.assertEqual(page.value(f"{head}.getAttribute('aria-sort')"), "ascending")
        self.assertEqual(page.value(shown), sorted(values))
        page.value("(f => { f.value = 'UVW'; f.dispatchEvent(new Event('input')); })(document.getElementById('filter'))")
        left = page.value("Array.from(document.querySelectorAll('tbody tr')).filter(r => !r.hidden).map(r => r.textContent)")
        self.assertTrue(all("UVW" in text for text in left), left)
        self.held(page)

    def test_flame(self):
        """Keys go through the frames; what is said of one is its share."""
        page = self.page(WORK)
        page.open(self.path("report/report.html"))
        page.value("document.getElementById('flame').focus()")
        told = "document.getElementById('flame-told').textContent"
        self.assertIn("all threads", page.value(told))
        self.assertIn("100.0%", page.value(told))
        choose = "(s => {{ s.value = '{}'; s.dispatchEvent(new Event('change')); }})(document.getElementById('flame-of'))"
        if page.value("document.getElementById('flame-of').value") == "native":  # what is sampled of processor time is first
            page.key("ArrowDown")
            self.assertRegex(page.value(told), "^(<module> work.py|_start python)")
        page.value(choose.format("wall"))
        page.key("ArrowDown")
        self.assertIn("<module> work.py", page.value(told))
        page.key("ArrowDown")
        self.assertRegex(page.value(told), "^(compute|cells|many) work.py:[0-9]+: ")
        page.key("Enter")
        page.key("Escape")
        self.assertIn("all threads", page.value(told))
        page.value(choose.format("cpu"))
        self.assertIn("all threads", page.value(told))
        self.held(page)

    def test_hostile_names(self):
        """Names are text, wherever they stand."""
        page = self.page(HOSTILE)
        page.open(self.path("report/report.html"))
        self.assertEqual(page.value("document.images.length"), 0)
        self.assertEqual(page.value("document.scripts.length"), 4)
        self.assertTrue(page.value("document.body.textContent.includes('<img src=x onerror=throw(1)>')"))
        self.held(page)


class TestSpeedscope(Profile):
    """speedscope's own importer takes the export (`./bootstrap test` installs it where there is npm)."""

    def seconds(self, row):
        """A function's time with all that it calls, as speedscope rounds it."""
        number, unit = re.match(r"([0-9.]+)([a-zµ]*)", row).groups()
        return float(number) * {"s": 1, "ms": 1e-3}.get(unit, 0)

    def test_import(self):
        for missing in ([] if browser.CHROMIUM else ["Chromium"]) + ([] if os.path.exists(SPEEDSCOPE) else ["speedscope"]):
            self.skipTest(f"{missing} is not installed")
        self.profile(PYTHON, self.write("work.py", WORK), self.table)
        with open(self.path("report/profile.speedscope.json"), "rb") as file:
            exported = file.read()
        content, names = base64.b64encode(exported).decode(), [p["name"] for p in json.loads(exported)["profiles"]]
        self.write("import.js", f"speedscope.loadFileFromBase64('profile.speedscope.json', {json.dumps(content)})")
        with browser.Browser(self.path("browser")) as page:  # as its command opens a file
            page.go(f"file://{os.path.realpath(SPEEDSCOPE)}#localProfilePath={self.path('import.js')}")
            page.wait(f"document.body && document.body.innerText.includes('(1/{len(names)})')")
            page.key("3")  # its table of functions
            page.wait("document.body.innerText.includes('Symbol Name')")
            rows = page.value("Array.from(document.querySelectorAll('tr')).map(row => row.innerText)")
            for i, name in enumerate(names[1:], 2):  # each of the others is shown, too
                page.key("n")
                page.wait(f"document.body.innerText.includes('{name} ({i}/{len(names)})')")
            self.assertEqual(page.complaints(), [])
        totals = {}  # microseconds of a line of a function, with all that it calls
        with open(self.path("report/profile.folded"), encoding="utf-8") as file:
            for line in file:
                frames, weight = line.rsplit(" ", 1)
                for frame in set(frames.split(";")):
                    totals[frame] = totals.get(frame, 0) + int(weight)
        for name in ("compute", "many", "cells"):
            total = max(total for frame, total in totals.items() if frame.endswith(" " + name))
            shown = [self.seconds(row) for row in rows if row.split()[-1] == name]
            self.assertLess(min(abs(seconds - 1e-6 * total) for seconds in shown), 0.011 if total > 990_000 else 2e-5, rows)


class TestLibrary(unittest.TestCase):
    def test_as_released(self):
        """uPlot is what was released, byte for byte, and its licence stands in the page."""
        with open(os.path.join(UPLOT, "SHA256SUMS"), encoding="ascii") as file:
            sums = dict(reversed(line.split()) for line in file)
        self.assertEqual(set(sums) | {"SHA256SUMS"}, set(os.listdir(UPLOT)))
        for name, wanted in sums.items():
            with open(os.path.join(UPLOT, name), "rb") as file:
                self.assertEqual(hashlib.sha256(file.read()).hexdigest(), wanted, name)


main(globals())
