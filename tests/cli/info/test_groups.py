#!/usr/bin/env python3
"""`msio groups` from its user's side: text, JSON, exit codes, and --follow with files that come while it runs.

usage: test_groups.py MSIO [GROUP]      GROUP: Report, Headers, Errors, Follow (the classes below, without Test)
"""
import datetime
import json
import os
import queue
import shutil
import signal
import stat
import subprocess
import tempfile
import threading
import time
import unittest

import h5py
import numpy as np

from running import main, MSIO, msio_text as msio

SCRATCH = tempfile.mkdtemp(prefix="msio-groups-")
BASE = datetime.datetime(2025, 10, 5, 13, 27, 52)
PATIENCE = 120  # seconds: far beyond what is needed


def report(*arguments, code=0):
    return json.loads(msio("groups", *arguments, "--json", code=code).stdout)


def folder():
    return tempfile.mkdtemp(dir=SCRATCH)


def name(seconds, subband, template="{time}_sb{subband:02d}.hdf5"):
    moment = BASE + datetime.timedelta(seconds=seconds)
    return template.format(time=moment.isoformat(), subband=subband)


def touch(*parts):
    path = os.path.join(*parts)
    with open(path, "w"):
        pass
    return path


def put(where, seconds, subband):
    return touch(where, name(seconds, subband))


def put_group(where, seconds, but=()):
    for subband in range(16):
        if subband not in but:
            put(where, seconds + subband % 6, subband)


class TestReport(unittest.TestCase):
    def test_a_complete_group(self):
        where = folder()
        put_group(where, 0)
        found = report(where)
        self.assertEqual(found["groups"], [{
            "time": "2025-10-05T13:27:52Z", "complete": True,
            "files": [{"subband": n, "path": os.path.join(where, name(n % 6, n))} for n in range(16)],
            "missing": [], "duplicate": [], "late": []}])
        self.assertEqual(found["incomplete"], [])

    def test_missing_duplicate_late_and_incomplete(self):
        where = folder()
        put_group(where, 0, but=(3, 9))
        twin = put(where, 40, 5)
        late = put(where, 100, 9)
        written = touch(where, name(2, 3, "{time}_sb{subband:02d}_incomplete.hdf5"))
        beyond = put(where, 0, 16)
        touch(where, "2025-02-30T00:00:00_sb00.hdf5")
        touch(where, "notes.txt")
        found = report(where)
        (group,) = found["groups"]
        self.assertFalse(group["complete"])
        self.assertEqual(group["missing"], [3, 9])
        self.assertEqual(group["duplicate"], [{"subband": 5, "path": os.path.join(where, name(5, 5))},
                                              {"subband": 5, "path": twin}])
        self.assertEqual([file["path"] for file in group["files"] if file["subband"] == 5],
                         [os.path.join(where, name(5, 5))])
        self.assertEqual(group["late"], [{"subband": 9, "path": late}])
        self.assertEqual(found["incomplete"], [written])
        self.assertEqual(found["unexpected"], [beyond])
        self.assertEqual((found["ignored"], found["impossible"]), (2, 1))
        text = msio("groups", where).stdout
        self.assertRegex(text, r"2025-10-05T13:27:52Z +14 +no +3, 9 +2 +1\n")
        for path in (twin, late, written, beyond):
            self.assertIn(path, text)
        self.assertIn("1 group, 0 complete (of 16 subbands); 1 file still written;", text)
        self.assertIn("2 other names ignored, 1 of a date or time that is none", text)

    def test_several_folders_are_one_pool_in_any_order(self):
        one, two = folder(), folder()
        for subband in range(16):
            put(two if subband % 3 else one, subband, subband)
        self.assertTrue(report(one, two)["groups"][0]["complete"])
        self.assertEqual(report(one, two), report(two, one, two + "/"))

    def test_thousands_of_files(self):
        where = folder()
        for group in range(320):
            put_group(where, 309 * group, but=(15,) if group % 10 == 7 else ())
        found = report(where)
        self.assertEqual(len(found["groups"]), 320)
        for number, group in enumerate(found["groups"]):
            self.assertEqual(group["time"], (BASE + datetime.timedelta(seconds=309 * number)).isoformat() + "Z")
            self.assertEqual(group["missing"], [15] if number % 10 == 7 else [])
        self.assertIn("320 groups, 288 complete", msio("groups", where).stdout)

    def test_an_empty_folder(self):
        where = folder()
        self.assertEqual(report(where)["groups"], [])
        self.assertEqual(msio("groups", where).stdout, "0 groups, 0 complete (of 16 subbands)\n")

    def test_pattern_window_and_subbands(self):
        where = folder()
        for subband in range(4):
            touch(where, name(2 * subband, subband, "dsa.{subband}.{time}.uvh5"))
        options = ["--pattern", "dsa.{subband}.{time}.uvh5"]
        self.assertEqual(report(where)["groups"], [])
        self.assertEqual(report(where, *options)["groups"][0]["missing"], list(range(4, 16)))
        self.assertTrue(report(where, *options, "--subbands", 4)["groups"][0]["complete"])
        (group,) = report(where, *options, "--subbands", 4, "--window", 3.5)["groups"]
        self.assertEqual([file["subband"] for file in group["late"]], [2, 3])
        self.assertEqual(len(report(where, *options, "--window=0")["groups"]), 4)

    def test_missing_subbands_are_told_as_ranges(self):
        where = folder()
        put_group(where, 0, but=(0, 3, 4, 5, 9, 10, 15))
        self.assertRegex(msio("groups", where).stdout, r" 0, 3-5, 9-10, 15 ")

    def test_names_with_escape_sequences_do_not_reach_the_terminal(self):
        where = os.path.join(folder(), "\x1b[31mred")
        os.mkdir(where)
        put(where, 0, 0)
        put(where, 1, 0)
        self.assertNotIn("\x1b", msio("groups", where).stdout)

    def test_no_file_is_opened(self):
        where = folder()
        for subband in range(16):
            os.symlink("/nowhere/at/all", os.path.join(where, name(0, subband)))
        self.assertTrue(report(where)["groups"][0]["complete"])

    def test_help(self):
        text = msio("groups", "--help").stdout
        for part in ("usage: msio groups DIR... ", "--pattern P", "--window SECONDS", "--subbands N", "--follow",
                     "{time}_sb{subband}.hdf5", "Exit codes", "Examples\n  msio "):
            self.assertIn(part, text)
        for line in text.splitlines():
            self.assertLessEqual(len(line), 100, line)
        self.assertIn("\n  groups ", msio("--help").stdout)


def make_group(where, *options):
    """Four subbands under names that tell nothing of them: {path: the subband that it was made as}."""
    made = os.path.join(folder(), "made")
    msio("simulate", "uvh5", "--quiet", "--out", made, "--antennas", 3, "--times", 2, "--subbands", 4,
         "--channels", 4, *options)
    names = {}
    for number, old in enumerate(sorted(os.listdir(made), key=lambda old: old.split("_sb")[1], reverse=True)):
        path = os.path.join(where, f"{old.split('_sb')[0]}_{'acdb'[number]}.uvh5")
        os.rename(os.path.join(made, old), path)
        names[path] = int(old.split("_sb")[1].split(".")[0])
    return names


class TestHeaders(unittest.TestCase):
    """Names without the subband, or the time: headers tell."""

    def numbers(self, group):
        return {file["path"]: file["subband"] for file in group["files"]}

    def test_the_subband_by_frequency(self):
        where = folder()
        names = make_group(where)
        found = report(where, "--pattern", "{time}_*.uvh5", "--subbands", 4)
        (group,) = found["groups"]
        self.assertTrue(group["complete"])
        self.assertEqual(self.numbers(group), names)
        self.assertEqual((found["unreadable"], found["unexpected"], found["ignored"]), ([], [], 0))

    def test_a_subband_that_is_missing_between(self):
        where = folder()
        names = make_group(where, "--missing", "2")
        (group,) = report(where, "--pattern", "{time}_*.uvh5", "--subbands", 4)["groups"]
        self.assertEqual((self.numbers(group), group["missing"]), (names, [2]))

    def test_the_first_may_be_missing_where_frequencies_are_given(self):
        where = folder()
        names = make_group(where, "--missing", "0")
        with h5py.File(min(names, key=names.get), "r") as file:
            width = float(np.abs(np.atleast_1d(file["Header/channel_width"][()])[0])) * 4
            middle = float((file["Header/freq_array"][()].min() + file["Header/freq_array"][()].max()) / 2)
        options = ["--pattern", "*.uvh5", "--subbands", 4, "--frequencies", f"{middle + width!r}:{width!r}"]
        (group,) = report(where, *options)["groups"]
        self.assertEqual((self.numbers(group), group["missing"]), (names, [0]))
        off = [*options[:-1], f"{middle + width / 2!r}:{width!r}"]
        found = report(where, *off)
        self.assertEqual((found["groups"], sorted(found["unexpected"])), ([], sorted(names)))

    def test_the_time_of_the_header(self):
        where = folder()
        path = next(iter(make_group(where)))
        with h5py.File(path, "r") as file:
            middle = file["Header/time_array"][0]
            length = np.atleast_1d(file["Header/integration_time"][()])[0]
        begin = datetime.datetime(1970, 1, 1) + datetime.timedelta(
            seconds=round((middle - 2440587.5) * 86400 - length / 2))
        (group,) = report(where, "--pattern", "*.uvh5", "--subbands", 4)["groups"]
        self.assertEqual(group["time"], begin.isoformat() + "Z")
        self.assertTrue(group["complete"])

    def test_two_groups_told_apart_by_the_time_of_the_header(self):
        where = folder()
        make_group(where)
        for path in make_group(folder()):
            with h5py.File(path, "r+") as file:
                file["Header/time_array"][...] += 309 / 86400
            os.rename(path, os.path.join(where, "later" + path[-6:]))
        found = report(where, "--pattern", "*.uvh5", "--subbands", 4)["groups"]
        self.assertEqual([group["complete"] for group in found], [True, True])
        for file in found[1]["files"]:
            self.assertIn("/later", file["path"])

    def test_the_extra_keyword_goes_before_frequencies(self):
        where = folder()
        names = make_group(where)
        for path, number in names.items():
            with h5py.File(path, "r+") as file:
                file["Header"].require_group("extra_keywords")["subband"] = 3 - number
        (group,) = report(where, "--pattern", "*.uvh5", "--subbands", 4)["groups"]
        self.assertEqual(self.numbers(group), {path: 3 - number for path, number in names.items()})

    def test_files_that_cannot_be_read_are_named_with_the_reason(self):
        where = folder()
        make_group(where)
        bad = touch(where, name(0, 0, "{time}_z.uvh5"))
        touch(where, name(0, 0, "{time}_y_incomplete.uvh5"))
        found = report(where, "--pattern", "{time}_*.uvh5", "--subbands", 4)
        self.assertTrue(found["groups"][0]["complete"])
        self.assertEqual([file["path"] for file in found["unreadable"]], [bad])
        self.assertIn("HDF5", found["unreadable"][0]["reason"])
        self.assertEqual(len(found["incomplete"]), 1)
        text = msio("groups", where, "--pattern", "{time}_*.uvh5", "--subbands", 4).stdout
        self.assertIn(bad, text)
        self.assertIn("1 file unreadable", text)

    def test_following(self):
        names = make_group(folder())
        with h5py.File(min(names, key=names.get), "r") as file:
            width = float(np.abs(np.atleast_1d(file["Header/channel_width"][()])[0])) * 4
            middle = float((file["Header/freq_array"][()].min() + file["Header/freq_array"][()].max()) / 2)
        where = folder()
        options = [where, "--pattern", "*.uvh5", "--subbands", 4]
        self.assertIn("first_frequency", msio("groups", *options, "--follow", code=2).stderr)
        with Follower(*options, "--frequencies", f"{middle!r}:{width!r}") as follower:
            gone = os.path.join(where, "gone.uvh5")
            shutil.copy(next(iter(names)), os.path.join(SCRATCH, "gone"))
            os.rename(os.path.join(SCRATCH, "gone"), gone)
            os.remove(gone)
            touch(where, "broken.uvh5")
            for path in names:
                os.rename(path, os.path.join(where, os.path.basename(path)))
            group = follower.next()
            self.assertTrue(group["complete"])
            self.assertEqual(group["duplicate"], [])
            self.assertEqual({os.path.basename(path): number for path, number in names.items()},
                             {os.path.basename(file["path"]): file["subband"] for file in group["files"]})
            self.assertEqual(follower.end(), (0, [], ""))


class TestErrors(unittest.TestCase):
    def error(self, *arguments, code=3):
        """The one line and the JSON object of a failing call."""
        plain = msio("groups", *arguments, code=code)
        self.assertEqual(plain.stdout, "")
        self.assertEqual(plain.stderr.count("\n"), 1, plain.stderr)
        error = report(*arguments, code=code)["error"]
        self.assertEqual(set(error), {"code", "message", "path"})
        self.assertIn(error["message"], plain.stderr)
        return plain.stderr, error

    def test_a_missing_folder(self):
        path = os.path.join(folder(), "nothing")
        for arguments in ([path], [folder(), path], [path, "--follow"]):
            text, error = self.error(*arguments)
            self.assertEqual(error["code"], "E_NOT_FOUND")
            self.assertIn(path, text)

    def test_a_file_in_the_place_of_a_folder(self):
        path = touch(folder(), "file")
        for arguments in ([path], [path, "--follow"]):
            text, error = self.error(*arguments)
            self.assertEqual((error["code"], error["path"]), ("E_NOT_FOUND", path))
            self.assertIn("no folder", text)

    def test_a_folder_that_may_not_be_read(self):
        if os.geteuid() == 0:
            self.skipTest("root may read every folder")
        path = folder()
        os.chmod(path, stat.S_IWUSR)
        for arguments in ([path], [path, "--follow"]):
            self.assertEqual(self.error(*arguments)[1]["code"], "E_IO")

    def test_wrong_usage(self):
        where = folder()
        for arguments in ([], [where, "--subbands", "0"], [where, "--subbands", "10001"], [where, "--subbands", "x"],
                          [where, "--window", "-1"], [where, "--window", "nan"], [where, "--window", "inf"],
                          [where, "--window", ""], [where, "--window", "60s"], [where, "--pattern", "{time}.hdf5"],
                          [where, "--frequencies", "1.4e9"], [where, "--frequencies", "0:1"],
                          [where, "--pattern", "{time}{time}{subband}"], [where, "--follow=yes"], [where, "--frob"],
                          [where, "--follow", "--pattern", ""]):
            with self.subTest(arguments=arguments):
                self.assertEqual(self.error(*arguments, code=2)[1]["code"], "E_ARGUMENT")

    def test_output_that_cannot_be_written(self):
        with open("/dev/full", "w") as full:
            run = subprocess.run([MSIO, "groups", folder()], stdout=full, stderr=subprocess.PIPE, timeout=60)
        self.assertEqual(run.returncode, 3)


class Follower:
    """`msio groups --follow`, with its lines as they come."""

    def __init__(self, *arguments, as_json=True):
        def heed_interrupts():  # a shell that runs the tests in the background has SIGINT ignored
            signal.signal(signal.SIGINT, signal.SIG_DFL)
        self.as_json = as_json
        self.run = subprocess.Popen([MSIO, "groups", "--follow", *map(str, arguments), *["--json"] * as_json],
                                    stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                    preexec_fn=heed_interrupts)
        self.lines = queue.Queue()
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()
        self.greeting = self.run.stderr.readline()  # written once the folders are watched and scanned

    def read(self):
        for line in self.run.stdout:
            self.lines.put(line)

    def next(self):
        line = self.lines.get(timeout=PATIENCE)
        return json.loads(line) if self.as_json else line

    def end(self, how=signal.SIGINT):
        """Ends it. Its exit code, what else it wrote, and its messages."""
        if how:
            self.run.send_signal(how)
        code = self.run.wait(timeout=PATIENCE)
        self.reader.join(timeout=PATIENCE)
        rest = []
        while not self.lines.empty():
            rest.append(self.lines.get())
        messages = self.run.stderr.read()
        self.run.stdout.close()
        self.run.stderr.close()
        return code, rest, messages

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.run.poll() is None:
            self.run.kill()
            self.end(None)


def move_in(where, seconds, subband):
    """As the correlator does: written under another name, renamed at the end."""
    path = touch(where, name(seconds, subband, "{time}_sb{subband:02d}_incomplete.hdf5"))
    os.rename(path, os.path.join(where, name(seconds, subband)))


class TestFollow(unittest.TestCase):
    def test_groups_that_stand_there_and_that_come(self):
        where = folder()
        put_group(where, 0, but=(2,))
        put_group(where, 300)
        with Follower(where) as follower:
            self.assertIn("watching", follower.greeting)
            first = follower.next()
            self.assertEqual((first["time"], first["complete"], first["missing"]),
                             ("2025-10-05T13:27:52Z", False, [2]))
            self.assertEqual(first, report(where)["groups"][0])
            self.assertEqual(follower.next(), report(where)["groups"][1])
            for subband in range(16):
                self.assertTrue(follower.lines.empty())
                move_in(where, 600 + subband, subband)
            self.assertEqual(follower.next(), report(where)["groups"][2])
            self.assertEqual(follower.end(), (0, [], ""))

    def test_an_incomplete_group_when_a_later_file_comes(self):
        where = folder()
        with Follower(where) as follower:
            for subband in range(15):
                move_in(where, 0, subband)
            move_in(where, 309, 0)
            group = follower.next()
            self.assertEqual((group["complete"], group["missing"]), (False, [15]))
            self.assertEqual(follower.end(), (0, [], ""))

    def test_an_incomplete_group_when_it_has_waited(self):
        where = folder()
        with Follower(where, "--window", 0.3, "--subbands", 4) as follower:
            move_in(where, 0, 1)
            self.assertEqual(follower.next()["missing"], [0, 2, 3])
            self.assertEqual(follower.end(), (0, [], ""))

    def test_several_folders(self):
        one, two = folder(), folder()
        with Follower(one, two, "--subbands", 2) as follower:
            move_in(one, 0, 0)
            move_in(two, 3, 1)
            self.assertEqual([file["path"] for file in follower.next()["files"]],
                             [os.path.join(one, name(0, 0)), os.path.join(two, name(3, 1))])

    def test_text(self):
        where = folder()
        with Follower(where, "--subbands", 4, as_json=False) as follower:
            for subband in range(4):
                move_in(where, subband, subband)
            self.assertEqual(follower.next(), f"2025-10-05T13:27:52Z  4 of 4 subbands  {where}\n")
            put(where, 300, 0)
            put(where, 303, 0)
            put(where, 600, 0)
            self.assertEqual(follower.next(),
                             f"2025-10-05T13:32:52Z  1 of 4 subbands, missing 1-3, 2 duplicates  {where}\n")

    def test_a_file_that_is_being_written_does_not_count(self):
        where = folder()
        with Follower(where, "--subbands", 2) as follower:
            move_in(where, 0, 0)
            with open(os.path.join(where, name(1, 1)), "w") as file:
                file.write("half")
                file.flush()
                time.sleep(0.2)
                self.assertTrue(follower.lines.empty())
            self.assertTrue(follower.next()["complete"])

    def test_a_folder_that_vanishes(self):
        where, other = folder(), folder()
        with Follower(where, other) as follower:
            shutil.rmtree(where)
            code, lines, messages = follower.end(None)
            self.assertEqual(code, 3)
            self.assertEqual(json.loads("".join(lines))["error"]["path"], where)
            self.assertEqual(messages.count("\n"), 1)
            self.assertIn("removed", messages)

    def test_ctrl_c_is_no_failure_and_the_others_end_it(self):
        for how, code in ((signal.SIGINT, 0), (signal.SIGTERM, -signal.SIGTERM), (signal.SIGHUP, -signal.SIGHUP)):
            with Follower(folder()) as follower:
                self.assertEqual(follower.end(how), (code, [], ""))

    def test_a_reader_that_stops(self):
        where = folder()
        run = subprocess.Popen([MSIO, "groups", where, "--follow", "--json"], stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE)
        run.stderr.readline()
        run.stdout.close()
        put_group(where, 0)
        self.assertEqual(run.wait(timeout=PATIENCE), 3)
        run.stderr.close()

    def test_quiet(self):
        where = folder()
        run = subprocess.Popen([MSIO, "groups", where, "--follow", "--quiet", "--subbands", "1"],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        put(where, 0, 0)
        self.assertIn(b"1 of 1 subbands", run.stdout.readline())
        run.terminate()
        run.wait(timeout=PATIENCE)
        self.assertEqual(run.stderr.read(), b"")
        run.stdout.close()
        run.stderr.close()


if __name__ == "__main__":
    main(globals(), SCRATCH)
