"""Running the command under test: what the tests of all subcommands share. sys.argv[1] names the command."""
import contextlib
import fcntl
import json
import os
import pty
import select
import shutil
import struct
import subprocess
import sys
import termios
import unittest

MSIO = os.path.abspath(sys.argv[1]) if len(sys.argv) > 1 else "msio"
HERE = os.path.dirname(os.path.abspath(__file__))
DATA = os.environ.get("MSIO_TEST_DATA", os.path.join(HERE, "..", "..", "..", "shared", "data"))


# Debian's packages of what the tests are held against.
PACKAGES = {"casacore": "python3-casacore", "h5py": "python3-h5py", "numpy": "python3-numpy"}


def skip(why):
    print(f"skipped: {why}")
    sys.exit(77)


@contextlib.contextmanager
def oracle():
    """Around the imports of what tests are held against: where it is missing nothing can be tested."""
    try:
        yield
    except ImportError as missing:
        package = PACKAGES.get((missing.name or "").split(".")[0])
        skip(f"{missing}" + (f"; these tests are held against it (apt install {package})" if package else ""))


def msio(*arguments, code=0, stdin=None, env=None, **more):
    """Runs the command; its output and messages as bytes (text=True: as text). code: the exit code that it must have,
    None: any."""
    run = subprocess.run([MSIO, *map(str, arguments)], stdin=stdin or subprocess.DEVNULL, capture_output=True,
                         env={**os.environ, **(env or {})}, timeout=240, **more)
    if code is not None and run.returncode != code:
        raise AssertionError(f"msio {' '.join(map(str, arguments))}: exit code {run.returncode}, not {code}\n"
                             f"{run.stdout[-2000:]!r}\n{run.stderr[-2000:]!r}")
    return run


def msio_text(*arguments, **more):
    return msio(*arguments, text=True, **more)


def report(*arguments, code=0, **more):
    """The JSON object of a report."""
    return json.loads(msio(*arguments, "--json", code=code, **more).stdout)


def read_terminal(terminal):
    """The next piece of what was written to a terminal; none: the last writer has gone, and all has been read. Linux says
    EIO then, but also where the writer wrote and went between read()'s look for input and its look for writers: only a
    second EIO is the end."""
    for _ in range(2):
        with contextlib.suppress(OSError):
            return os.read(terminal, 65536)
    return b""


def shown(*arguments, width=80, code=0, env=None):
    """Runs the command with standard output on a terminal of that width; what it showed there, in lines, and what it
    said on standard error."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, width, 0, 0))
    run = subprocess.Popen([MSIO, *map(str, arguments)], stdin=subprocess.DEVNULL, stdout=theirs, stderr=subprocess.PIPE,
                           env={**os.environ, **(env or {})})
    os.close(theirs)
    text = b""
    while piece := read_terminal(ours):
        text += piece
    os.close(ours)
    said = run.stderr.read().decode()
    run.stderr.close()
    found = run.wait(timeout=240)
    if found != code:
        raise AssertionError(f"msio {' '.join(map(str, arguments))}: exit code {found}, not {code}\n{text!r}\n{said}")
    return text.decode().replace("\r\n", "\n").splitlines(), said


def on_terminal(*arguments, typed=None):
    """Runs the command with all three streams on a terminal; exit code and what was shown."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(MSIO, [MSIO, *map(str, arguments)])
    shown, sent = b"", typed is None
    while True:
        ready, _, _ = select.select([terminal], [], [], 120)
        piece = read_terminal(terminal) if ready else b""
        if not piece:
            break
        shown += piece
        if not sent and b"[y/N]" in shown:
            os.write(terminal, typed)
            sent = True
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), shown.decode(errors="replace")


def groups_of(tests):
    """The classes of tests that a script itself defines, by the names of their groups."""
    loader = unittest.defaultTestLoader
    return {name.removeprefix("Test"): found for name, found in tests.items()
            if isinstance(found, type) and issubclass(found, unittest.TestCase)
            and found.__module__ == tests["__name__"] and loader.getTestCaseNames(found)}


def nothing_ran(result):
    """Whether each test that was to run was skipped: those of a class that was skipped whole do not count as run."""
    skipped = {test.id() for test, _ in result.skipped
               if isinstance(test, unittest.TestCase) and not hasattr(test, "test_case")}  # a subtest's test did run
    return bool(result.skipped) and result.testsRun <= len(skipped)


def main(tests, *scratch, tried=()):
    """Runs the tests of a script, whose globals() they are: all, or the groups that sys.argv[2:] names, each a class
    GROUP or TestGROUP. scratch: folders that are removed at the end. tried: arguments of the command; where it does not
    support what they ask for, nothing can be tested. Exits with 0: all passed, 1: some failed, 77: none ran (and why).
    """
    groups = groups_of(tests)
    wanted = sys.argv[2:] or list(groups)
    for name in wanted:
        if name not in groups:
            sys.exit(f"there is no group {name}")
    try:
        error = report(*tried, code=None).get("error", {}) if tried else {}
        if error.get("code") == "E_UNSUPPORTED":
            skip(error["message"])
        suite = unittest.TestSuite(unittest.defaultTestLoader.loadTestsFromTestCase(groups[name]) for name in wanted)
        result = unittest.TextTestRunner(verbosity=2).run(suite)
    finally:
        for folder in scratch:
            shutil.rmtree(folder, ignore_errors=True)
    if not result.wasSuccessful():
        sys.exit(1)
    if nothing_ran(result):
        skip(result.skipped[0][1])
    sys.exit(0)
