"""Running the command under test: what the tests of all subcommands share. sys.argv[1] names the command."""
import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios

MSIO = os.path.abspath(sys.argv[1]) if len(sys.argv) > 1 else "msio"
HERE = os.path.dirname(os.path.abspath(__file__))
DATA = os.environ.get("MSIO_TEST_DATA", os.path.join(HERE, "..", "..", "..", "shared", "data"))


def msio(*arguments, code=0, stdin=None, env=None, **more):
    """Runs the command; its output and messages as bytes (text=True: as text). code: the exit code that it must have,
    None: any."""
    run = subprocess.run([MSIO, *map(str, arguments)], stdin=stdin or subprocess.DEVNULL, capture_output=True,
                         env={**os.environ, **(env or {})}, timeout=240, **more)
    if code is not None and run.returncode != code:
        raise AssertionError(f"msio {' '.join(map(str, arguments))}: exit code {run.returncode}, not {code}\n"
                             f"{run.stdout[-2000:]!r}\n{run.stderr[-2000:]!r}")
    return run


def shown(*arguments, width=80, code=0, env=None):
    """Runs the command with standard output on a terminal of that width; what it showed there, in lines, and what it
    said on standard error."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, width, 0, 0))
    run = subprocess.Popen([MSIO, *map(str, arguments)], stdin=subprocess.DEVNULL, stdout=theirs, stderr=subprocess.PIPE,
                           env={**os.environ, **(env or {})})
    os.close(theirs)
    text = b""
    while True:
        try:
            piece = os.read(ours, 65536)
        except OSError:  # what Linux says when the last writer has gone
            piece = b""
        if not piece:
            break
        text += piece
    os.close(ours)
    said = run.stderr.read().decode()
    run.stderr.close()
    found = run.wait(timeout=240)
    if found != code:
        raise AssertionError(f"msio {' '.join(map(str, arguments))}: exit code {found}, not {code}\n{text!r}\n{said}")
    return text.decode().replace("\r\n", "\n").splitlines(), said
