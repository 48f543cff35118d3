"""msio compare: the order of its runs, its counts against commands whose bytes and calls are known, failing commands, signals. No
time is asserted but that of a sleep five times as long as another.
usage: test_compare_command.py MSIO GROUP [unittest's arguments]
"""
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

from running import MSIO, main, msio


def compare(a, b, *options, code=None):
    return json.loads(msio("compare", "-a", a, "-b", b, "--runs", 10, "--json", *options, code=code).stdout)


class Compared(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="msio-compare-")
        self.addCleanup(shutil.rmtree, self.folder)
        self.log = os.path.join(self.folder, "log")

    def say(self, letter, after="sleep 0.02"):
        return f"echo {letter} >> {self.log}; {after}"

    def said(self):
        with open(self.log, encoding="utf-8") as file:
            return file.read().replace("\n", "")


class TestRuns(Compared):
    def test_verdicts(self):
        for a, b, verdict, code in (("sleep 0.05", "sleep 0.25", "SLOWER", 1), ("sleep 0.25", "sleep 0.05", "FASTER", 0)):
            told = compare(a, b, code=code)
            self.assertEqual(told["verdict"], verdict)
            self.assertTrue(told["confirmed"])
            self.assertEqual(len(told["pairs"]), 20)
            self.assertLess(told["low"], told["ratio"])
            self.assertLess(told["ratio"], told["high"])
            self.assertEqual((told["a"], told["b"]), (a, b))

    def test_exit_codes_are_the_verdicts(self):
        told = msio("compare", "-a", "sleep 0.03", "-b", "sleep 0.03", "--runs", 10, "--json", code=None)
        self.assertEqual(told.returncode, {"SAME": 0, "FASTER": 0, "SLOWER": 1, "NOT ENOUGH EVIDENCE": 4}[
            json.loads(told.stdout)["verdict"]])

    def test_order(self):
        """One of each to warm up, then a b b a and so on; what looks slower, or faster, is measured once more in the same order."""
        told = compare(self.say("a"), self.say("b"))
        self.assertEqual(self.said(), "ab" + "abba" * (len(told["pairs"]) * told["runs_of_each_time"] // 2))

    def test_prepare(self):
        told = compare(self.say("a"), self.say("b"), "--prepare", self.say("p", "true"))
        self.assertEqual(self.said(), "papb" + "papbpbpa" * (len(told["pairs"]) // 2))
        self.assertEqual(told["runs_of_each_time"], 1)

    def test_time_limit(self):
        """Over at once: ten pairs are measured all the same where they fit twice the time, and fewer are no evidence."""
        told = json.loads(msio("compare", "-a", "sleep 0.3", "-b", "sleep 0.3", "--time-limit", 1, "--json", code=4).stdout)
        self.assertLess(len(told["pairs"]), 10)
        self.assertEqual(told["verdict"], "NOT ENOUGH EVIDENCE")

    def test_short_commands_are_run_several_times(self):
        self.assertGreaterEqual(compare("true", "true")["runs_of_each_time"], 1)

    def test_text(self):
        run = msio("compare", "-a", "sleep 0.02 # \x1b[31m", "-b", "sleep 0.02", "--runs", 10, code=None, text=True)
        self.assertIn(" by ", run.stdout)
        self.assertNotIn("\x1b", run.stdout)


class TestCounts(Compared):
    def test_bytes_and_calls(self):
        """What one command does more than the other, to the byte and the call; its children's are in it."""
        told = compare("dd if=/dev/zero of=/dev/null bs=4096 count=10", f"sh -c 'dd if=/dev/zero of={self.folder}/f bs=4096 count=30; :'")
        counts = {c["name"]: c for c in told["counts"]}
        alone = {c["name"]: c for c in compare("dd if=/dev/zero of=/dev/null bs=4096 count=10",
                                               "dd if=/dev/zero of=/dev/null bs=4096 count=30")["counts"]}
        self.assertEqual(alone["bytes read"]["b"] - alone["bytes read"]["a"], 20 * 4096)
        self.assertEqual(alone["read calls"]["b"] - alone["read calls"]["a"], 20)
        self.assertEqual(alone["write calls"]["b"] - alone["write calls"]["a"], 20)
        self.assertTrue(alone["bytes read"]["exact"])
        self.assertEqual(alone["bytes read"]["judged"], "more")
        self.assertGreaterEqual(counts["bytes written"]["b"], 30 * 4096)
        self.assertEqual("instructions" in counts, "no_instructions" not in told)


class TestEnds(Compared):
    def refused(self, a, b, *words):
        run = msio("compare", "-a", a, "-b", b, "--json", code=3, text=True)
        for word in words:
            self.assertIn(word, run.stderr)
        self.assertEqual(len(run.stderr.splitlines()), 1)
        self.assertIn(words[0], json.loads(run.stdout)["error"]["message"])

    def test_failing_commands(self):
        self.refused("true", "echo one >&2; echo two >&2; exit 7", "command b", "exit code 7", "one|two")
        self.refused("kill -SEGV $$", "true", "command a", "signal 11")
        self.refused("/no/such/program", "true", "command a", "exit code 127")
        self.refused("exit 1", "true", "said nothing")
        self.refused("printf '\\033[31m%9999d' 1 >&2; exit 1", "true", "command a")

    def test_failing_preparation(self):
        self.assertIn("--prepare", msio("compare", "-a", "true", "-b", "true", "--prepare", "exit 1", code=3, text=True).stderr)

    def test_usage(self):
        for words in ([], ["-a", "true"], ["-a", "true", "-b", "true", "more"], ["-a", "true", "-b", "true", "--runs", "9"],
                      ["-a", "true", "-b", "true", "--time-limit", "x"]):
            msio("compare", *words, code=2)

    def test_signals_leave_nothing(self):
        """What the command started ends too, also what ignores the signal that asks it to."""
        for command in ("sleep 61.7 & sleep 61.7", "trap '' TERM; sleep 61.7; sleep 61.7"):
            for which in (signal.SIGINT, signal.SIGTERM):
                run = subprocess.Popen([MSIO, "compare", "-a", f"echo $$ > {self.log}; {command}", "-b", "true"],
                                       stdout=subprocess.PIPE, stderr=subprocess.PIPE)
                while not (os.path.exists(self.log) and os.path.getsize(self.log)):
                    time.sleep(0.01)
                group = int(self.said())
                time.sleep(0.1)
                run.send_signal(which)
                run.communicate(timeout=60)
                self.assertEqual(run.returncode, -which)
                for _ in range(100):  # the kernel takes its time to end what was killed
                    if self.gone(group):
                        break
                    time.sleep(0.05)
                self.assertTrue(self.gone(group))
                os.unlink(self.log)

    def gone(self, group):
        """Whether no process of the group is left that is not merely waiting to be waited for."""
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
                    fields = file.read().rsplit(")", 1)[1].split()
            except OSError:
                continue
            if int(fields[2]) == group and fields[0] != "Z":
                return False
        return True


if __name__ == "__main__":
    main(globals())
