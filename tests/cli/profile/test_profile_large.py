"""msio profile show of a run with ten thousand files, ten thousand lines and 64 threads, by counters that such a run would
have left: nothing is left out, and nothing is told twice.
usage: test_profile_large.py MSIO GROUP [unittest's arguments]
"""
import json
import os
import pstats
import shutil
import subprocess
import tempfile
import unittest

from running import main, msio

LARGE_RUN = os.environ.get("MSIO_TEST_LARGE_RUN", "")
FILES, SITES, THREADS, COLUMNS, TOLD, HELD = 10_000, 10_000, 64, 3, 8192, 4096


class TestReport(unittest.TestCase):
    def test_all(self):
        if not LARGE_RUN:
            self.skipTest("the program that makes the counters is not built here")
        folder = tempfile.mkdtemp(prefix="msio-large-")
        self.addCleanup(shutil.rmtree, folder)
        subprocess.run([LARGE_RUN, folder, str(FILES), str(SITES), str(THREADS)], check=True)
        report = json.loads(msio("profile", "show", folder, "--json").stdout)
        accesses = COLUMNS * SITES
        calls = sum(100 + i % 7 for i in range(accesses))
        self.assertEqual(len(report["files"]), FILES)
        self.assertEqual(sum(f["bytes_read"] for f in report["files"]), FILES * 50 * 4096)
        self.assertEqual(len(report["tables"]), FILES // 10)
        self.assertEqual(len(report["lines"]), SITES)
        self.assertEqual(sum(line["hits"] for line in report["lines"]), calls + 2 * TOLD)
        self.assertEqual(sum(line["msio_calls"] for line in report["lines"]), 2 * TOLD)
        self.assertEqual(len(report["msio_calls"]), TOLD)
        self.assertEqual(sum(call["bytes"] for call in report["msio_calls"]), 100 * TOLD)
        self.assertEqual(max(held["most_bytes"] for held in report["msio_holds"]["by"]), 2 * (HELD - 1))
        self.assertEqual(sum(by["calls"] for c in report["columns"] for by in c["by"]), calls)
        self.assertEqual(sum(len(c["by"]) for c in report["columns"]), accesses)
        self.assertEqual(len(report["loops"]), accesses)
        loops = [f for f in report["findings"] if f["kind"] == "cell loop"]
        self.assertEqual(len({(f["file"], f["line"]) for f in loops}), SITES)
        self.assertEqual(len(loops), SITES)
        tasks = [f for f in report["findings"] if f["kind"] == "task again"]
        self.assertEqual(len(tasks), len({t["on"] for t in report["python"]["task_calls"]}))
        self.assertEqual(len(report["python"]["task_calls"]), 4096)
        self.assertEqual(len(report["python"]["lines"]), SITES)
        self.assertEqual(sum(line["blocks"] for line in report["python"]["lines"]), SITES)
        self.assertEqual(len(report["calls"]), SITES)
        self.assertEqual(len(pstats.Stats(os.path.join(folder, "profile.prof")).stats), SITES)
        with open(os.path.join(folder, "trace.json"), encoding="utf-8") as file:
            trace = json.load(file)["traceEvents"]
        slices = [e for e in trace if e["ph"] == "X"]
        self.assertLessEqual(len(slices), 100_000)
        self.assertEqual(sum(e["args"].get("calls", 0) + e["args"].get("accesses", 0) for e in slices), 1 << 20)
        threads = {e["args"]["name"].split(":")[0] for e in trace if e["name"] == "thread_name"}
        self.assertEqual(len(threads), THREADS)


if __name__ == "__main__":
    main(globals())
