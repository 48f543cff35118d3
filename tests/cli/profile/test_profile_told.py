"""msio profile of programs that call msio itself: which function, for which table and column, from where, how often, with
how many bytes and rows; and what msio held of each path.
usage: test_profile_told.py MSIO GROUP [unittest's arguments]
"""
import json
import os
import pstats
import shutil
import tempfile
import unittest

from running import MSIO, main, msio

TOLD = os.environ.get("MSIO_TEST_TOLD", "")
SOURCE = "/tests/cli/profile/told.c"  # in whichever folder it was compiled
THREADS, TIMES = 5, 20
TOLD_MOST, MANY = 8192, 9000


class Told(unittest.TestCase):
    def setUp(self):
        self.folder = os.path.realpath(tempfile.mkdtemp(prefix="msio-told-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.table = self.make("obs.ms")

    def make(self, name):
        path = os.path.join(self.folder, name)
        msio("simulate", "ms", "--quiet", "--out", path, "--antennas", "6", "--times", "4", "--subbands", "2")
        return path

    def run_told(self, mode, table=None, code=0, cwd=None):
        """The report, and what the program told."""
        out = os.path.join(self.folder, "report")
        run = msio("profile", "--out", out, "--", TOLD, mode, table or self.table, code=code, cwd=cwd)
        with open(os.path.join(out, "report.json"), encoding="utf-8") as file:
            report = json.load(file)
        told = dict(line.split() for line in run.stdout.decode(errors="replace").splitlines()
                    if len(line.split()) == 2 and line.split()[1].isdigit())
        return report, {name: int(number) for name, number in told.items()}

    def calls(self, report, table=None):
        """By function, column and caller: calls, bytes and rows."""
        found = {}
        for call in report["msio_calls"]:
            self.assertEqual(call["table"], table or self.table)
            self.assertEqual((call["file"][-len(SOURCE):], call["site"]), (SOURCE, "exact"))
            self.assertGreater(call["line"], 0)
            key = (call["function"], call["column"], call["caller"])
            counts = (call["ncalls"], call["bytes"], call["rows"])
            found[key] = tuple(map(sum, zip(counts, found.get(key, (0, 0, 0)))))
        return found


class TestCalls(Told):
    def test_known(self):
        """Every call, from the function that made it, with the bytes and rows that it asked for; none of msio's own."""
        report, told = self.run_told("known")
        rows, data = told["rows"], told["data_bytes"]
        cell = data // rows
        calls = self.calls(report)
        batches = told["batches_asked"]
        self.assertEqual(batches, -(-rows // 100) + 1)
        wanted = {("msio_table_open", "", "open_it"): (1, 0, 0),
                  ("msio_read_new", "DATA", "read_whole"): (3, 3 * data, 3 * rows),
                  ("msio_read_many", "UVW and 1 more", "read_two"): (1, 32 * rows, rows),
                  ("msio_read_shape", "DATA", "read_shapes"): (1, 0, 0),
                  ("msio_stream_open", "DATA", "read_in_batches"): (1, 0, 0),
                  ("msio_stream_next", "DATA", "read_in_batches"): (batches, data, rows),
                  ("msio_stream_close", "", "read_in_batches"): (1, 0, 0),
                  ("msio_cursor_open", "DATA", "loop_over_cells"): (1, 0, 0),
                  ("msio_cursor_get", "DATA", "loop_over_cells"): (75, 75 * cell, 75),
                  ("msio_cursor_peek", "DATA", "loop_over_cells"): (75, 75 * cell, 75),
                  ("msio_cursor_close", "DATA", "loop_over_cells"): (1, 0, 0),
                  ("msio_table_open", "", "write_times"): (1, 0, 0),
                  ("msio_write", "TIME", "write_times"): (1, 80, 10),
                  ("msio_table_close", "", "write_times"): (1, 0, 0),
                  ("msio_metadata_get", "", "ask_metadata"): (4, 0, 0),
                  ("msio_flags_count", "", "count_flags"): (1, 0, 0),
                  ("msio_table_close", "", "close_it"): (1, 0, 0)}
        self.assertEqual(calls, wanted)
        self.assertEqual(report["own_cost"]["lost"], 0)
        self.assertTrue(all(call["unfinished"] == 0 and 0 < call["seconds"] and call["longest_seconds"] <= call["seconds"]
                            for call in report["msio_calls"]))

    def test_pstats(self):
        """profile.prof has them, called by the functions that made them, with the times of the report."""
        report, _ = self.run_told("known")
        stats = pstats.Stats(os.path.join(self.folder, "report", "profile.prof")).stats
        for call in report["msio_calls"]:
            key = (call["table"], 0, " ".join(filter(None, (call["function"], call["column"]))))
            callers = stats[key][4]
            by = callers[call["file"], call["line"], call["caller"]]
            self.assertEqual(by[:2], (call["ncalls"], call["ncalls"]))
            self.assertAlmostEqual(by[3], call["seconds"])
            self.assertEqual(stats[key][0], sum(counts[0] for counts in callers.values()))
            self.assertAlmostEqual(stats[key][2], sum(counts[2] for counts in callers.values()))
        lines = [line for line in report["lines"] if line["function"] == "loop_over_cells"]
        self.assertEqual(sum(line["msio_calls"] for line in lines), 152)
        self.assertEqual(sum(line["hits"] for line in lines), 152)

    def test_relative(self):
        """A path from the program's folder is the table's all the same."""
        report, _ = self.run_told("known", table="obs.ms", cwd=self.folder)
        self.assertEqual({call["table"] for call in report["msio_calls"]}, {self.table})

    def test_threads(self):
        report, told = self.run_told("threads")
        n = THREADS * TIMES
        self.assertEqual(self.calls(report)["msio_read_new", "UVW", "read_whole"], (n, n * 24 * told["rows"], n * told["rows"]))

    def test_fork(self):
        report, told = self.run_told("fork")
        calls = self.calls(report)
        self.assertEqual(calls["msio_table_open", "", "open_it"][0], 4)
        self.assertEqual(calls["msio_read_new", "TIME", "read_whole"], (12, 12 * 8 * told["rows"], 12 * told["rows"]))
        self.assertEqual(calls["msio_metadata_get", "", "ask_metadata"][0], 6)

    def test_killed(self):
        report, told = self.run_told("killed", code=137)
        self.assertEqual(self.calls(report)["msio_read_new", "TIME", "read_whole"], (70, 70 * 8 * told["rows"], 70 * told["rows"]))

    def test_hostile(self):
        """Names that are no text, or would be markup, stay whole in the report and harm no form of it."""
        for name in (b"<script>alert(1)<!--.ms", b"a\nb\x1b[31m.ms", b"\xff\xfe.ms", b"quote\"'\\.ms"):
            path = os.path.join(os.fsencode(self.folder), name)
            os.rename(os.fsencode(self.table), path)
            report, _ = self.run_told("killed", table=os.fsdecode(path), code=137)
            self.assertEqual(sum(call["ncalls"] for call in report["msio_calls"]), 71)
            with open(os.path.join(self.folder, "report", "report.html"), "rb") as page:
                self.assertNotIn(b"<script>alert", page.read())
            with open(os.path.join(self.folder, "report", "report.txt"), "rb") as text:
                self.assertNotIn(b"\x1b", text.read())
            stats = pstats.Stats(os.path.join(self.folder, "report", "profile.prof")).stats
            self.assertEqual(sum(entry[0] for entry in stats.values()), 71)
            shutil.rmtree(os.path.join(self.folder, "report"))
            os.rename(path, os.fsencode(self.table))

    def test_overflow(self):
        """What finds no room is counted as lost."""
        report, _ = self.run_told("many")
        counted = sum(call["ncalls"] for call in report["msio_calls"])
        self.assertLessEqual(counted, TOLD_MOST)
        self.assertGreater(counted, TOLD_MOST * 0.9)
        self.assertEqual(counted + report["own_cost"]["lost"], MANY)

    def test_command(self):
        """The command itself under the profiler."""
        out = os.path.join(self.folder, "report")
        msio("profile", "--out", out, "--", MSIO, "read", self.table, "TIME", "--rows", "0:3")
        with open(os.path.join(out, "report.json"), encoding="utf-8") as file:
            report = json.load(file)
        self.assertEqual({call["table"] for call in report["msio_calls"]}, {self.table})
        self.assertIn("TIME", {call["column"] for call in report["msio_calls"]})

    def test_own_threads(self):
        """What msio calls in itself, in threads of its own too, is part of the call that it is done for."""
        group = os.path.join(self.folder, "uv")
        msio("simulate", "uvh5", "--quiet", "--out", group, "--antennas", "6", "--times", "3", "--subbands", "4")
        files = sorted(os.path.join(group, name) for name in os.listdir(group))
        for arguments, function in ((["load", *files, "--out", os.path.join(self.folder, "a.npy")], "msio_load_paths"),
                                    (["stats", self.table], "msio_stats_make"),
                                    (["convert", *files, "--out", os.path.join(self.folder, "b.ms")], "msio_convert_paths")):
            out = os.path.join(self.folder, arguments[0])
            msio("profile", "--no-stacks", "--out", out, "--", MSIO, *arguments, env={"OMP_NUM_THREADS": "4"})
            with open(os.path.join(out, "report.json"), encoding="utf-8") as file:
                calls = json.load(file)["msio_calls"]
            self.assertEqual([(call["function"], call["ncalls"]) for call in calls], [(function, 1)])
            self.assertIn("/cli/", calls[0]["file"])


class TestHeld(Told):
    def held(self, report, table, what):
        return next(held for held in report["msio_holds"]["by"] if (held["table"], held["what"]) == (table, what))

    def test_at_the_end(self):
        """What a killed program held is what msio itself said that it held; and the most is what it was before."""
        report, told = self.run_told("held", code=137)
        answers = self.held(report, self.table, "answers")
        self.assertEqual((answers["bytes"], answers["most_bytes"]), (told["answers_now"], told["answers"]))
        self.assertEqual(self.held(report, "", "results given back")["bytes"], told["pool"])
        self.assertGreater(self.held(report, self.table, "open tables")["bytes"], 0)
        self.assertGreater(self.held(report, self.table + "/ANTENNA", "open tables")["bytes"], 0)
        by = report["msio_holds"]["by"]
        self.assertEqual(report["msio_holds"]["bytes"], sum(held["bytes"] for held in by))
        self.assertGreaterEqual(report["msio_holds"]["most_bytes"], told["answers"])

    def test_given_back(self):
        """A program that closes what it opened holds its answers alone, and the batches of a stream are two."""
        report, told = self.run_told("known")
        batches = self.held(report, self.table, "batches")
        self.assertEqual((batches["bytes"], batches["most_bytes"]), (0, 2 * 100 * told["data_bytes"] // told["rows"]))
        self.assertEqual(self.held(report, self.table, "cells read ahead")["bytes"], 0)
        self.assertGreater(self.held(report, self.table, "answers")["bytes"], 0)

    def test_children(self):
        """A child of fork holds what it takes itself."""
        report, _ = self.run_told("fork")
        one, _ = self.run_told("held", code=137)
        self.assertEqual(self.held(report, self.table, "answers")["most_bytes"],
                         self.held(one, self.table, "answers")["bytes"])


if __name__ == "__main__":
    main(globals())
