"""Running the command under test: what the tests of all subcommands share. sys.argv[1] names the command."""
import os
import subprocess
import sys

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
