#!/usr/bin/env python3
"""`msio completion`: what bash and zsh offer, asked of the shells themselves; the oracle of the options is --help.

usage: test_completion.py MSIO [GROUP]      GROUP: Bash, Zsh, Errors (the classes below, without Test)
"""
import os
import pty
import re
import select
import shutil
import subprocess
import tempfile
import time
import unittest

from running import MSIO, main, msio_text as msio

SCRATCH = tempfile.mkdtemp(prefix="msio-completion-")
HELP = re.compile(r"^  ([a-z]+) {2,}", re.M)
OPTION = re.compile(r"^  (--[a-z0-9-]+)", re.M)


def commands():
    return HELP.findall(msio("--help").stdout.split("Exit codes")[0])


def small_set():
    path = os.path.join(SCRATCH, "small.ms")
    if not os.path.exists(path):
        msio("simulate", "ms", "--out", path, "--quiet", "--antennas", 3, "--times", 1, "--subbands", 1)
    return path


def bash(*words):
    """What bash offers for the last of the words."""
    script = os.path.join(SCRATCH, "msio.bash")
    with open(script, "w", encoding="utf-8") as file:
        file.write(msio("completion", "bash").stdout)
    run = subprocess.run(["bash", "--norc", "-c", '. "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _msio; '
                          'printf "%s\\n" "${COMPREPLY[@]}"', script, MSIO, *words], capture_output=True, text=True,
                         cwd=SCRATCH, timeout=60)
    if run.returncode or run.stderr:
        raise AssertionError(f"bash: {run.returncode} {run.stderr}")
    return [line for line in run.stdout.split("\n") if line]


def typed(shell, start, keys, *wanted):
    """What a terminal shows after the keys, in an interactive shell that sources nothing but `start`, until all that is wanted
    was shown, or for half a minute."""
    child, terminal = pty.fork()
    if child == 0:
        environment = {"PATH": f"{os.path.dirname(MSIO)}:/usr/bin:/bin", "TERM": "dumb", "HOME": SCRATCH, "PS1": "> ",
                       "COLUMNS": "200", "ZDOTDIR": SCRATCH, "MSIO_CASACORE_MODULE": ""}
        os.chdir(SCRATCH)
        os.execvpe(shell[0], shell, environment)
    try:
        for line, awaited in ((start + "; echo rea''dy\n", ["ready"]), (keys, wanted)):
            shown = ""
            os.write(terminal, line.encode())
            ends = time.monotonic() + 30
            while time.monotonic() < ends and not all(word in shown for word in awaited):
                if select.select([terminal], [], [], 0.5)[0]:
                    shown += os.read(terminal, 65536).decode(errors="replace")
    finally:
        os.close(terminal)
        os.waitpid(child, 0)
    return shown


class TestBash(unittest.TestCase):
    def test_every_command_and_option_is_offered(self):
        names = commands()
        self.assertGreater(len(names), 15)
        self.assertLessEqual(set(names), set(bash("")))
        for name in names:
            told = set(OPTION.findall(msio(name, "--help").stdout))
            self.assertGreaterEqual(len(told), 8, name)
            self.assertEqual(set(bash(name, "--")), told, name)

    def test_values(self):
        self.assertEqual(bash("read", "x.ms", "DATA", "--format", ""), ["npy", "raw", "json"])
        self.assertEqual(bash("read", "x.ms", "DATA", "--format", "n"), ["npy"])
        self.assertEqual(bash("info", "--prof", "=", "rep"), ["report"])
        self.assertEqual(bash("info", "--prof", "="), ["report", "json:"])
        self.assertEqual(bash("simulate", ""), ["ms", "uvh5"])
        self.assertEqual(bash("profile", "at"), ["attach"])
        self.assertEqual(bash("history", "re"), ["record"])
        self.assertEqual(bash("info", "x", "--threads", ""), [])

    def test_files_and_columns(self):
        small = small_set()
        self.assertEqual(bash("info", "small"), ["small.ms"])
        self.assertEqual(bash("write", small, "DATA", "--in", "small"), ["small.ms"])
        self.assertEqual(bash("read", small, "DA"), ["DATA", "DATA_DESC_ID"])
        self.assertEqual(bash("read", "--threads", "2", small, "UV"), ["UVW"])
        self.assertEqual(bash("copy", small, "DATA", "FLAG_"), ["FLAG_CATEGORY", "FLAG_ROW"])
        self.assertEqual(bash("read", os.path.join(SCRATCH, "none.ms"), "DA"), [])

    def test_another_program_behind_the_dashes(self):
        small_set()
        self.assertEqual(bash("profile", "--out", "x", "--", "small"), ["small.ms"])

    def test_typed(self):
        wanted = "stats --no-medians"
        self.assertIn(wanted, typed(["bash", "--norc", "-i"], ". <(msio completion bash)", "msio stat\t--no-me\t", wanted))


@unittest.skipUnless(shutil.which("zsh"), "zsh is not installed")
class TestZsh(unittest.TestCase):
    START = "autoload -Uz compinit; compinit -u -D; . <(msio completion zsh)"

    def check(self, keys, *wanted):
        shown = typed(["zsh", "-f", "-i"], self.START, keys, *wanted)
        for word in wanted:
            self.assertIn(word, shown)

    def test_commands_and_options(self):
        self.check("msio stat\t", "stats")
        self.check("msio stats --no-me\t", "--no-medians")
        self.check("msio \t", *commands())

    def test_columns(self):
        self.check(f"msio read {small_set()} DA\t\t", "DATA_DESC_ID")
        self.check(f"msio read --threads 2 {small_set()} UV\t", "UVW")

    def test_values(self):
        self.check("msio read --format \t", "npy")
        self.check("msio simulate \t", "uvh5")


class TestErrors(unittest.TestCase):
    def test_no_shell(self):
        for words in ((), ("fish",), ("bash", "zsh"), ("columns",)):
            self.assertIn("msio completion bash", msio("completion", *words, code=2).stderr)
        self.assertIn("none.ms", msio("completion", "columns", "none.ms", code=3).stderr)


if __name__ == "__main__":
    main(globals(), SCRATCH)
