#!/usr/bin/env python3
"""What the counting of `msio profile` costs: processor time of programs with the library in front of them and without,
in turns; the median of the pairs' ratios.

usage: bench_profile.py MSIO [--rounds N] [--on MS] [--casa PYTHON] [--only WORK]     prints one JSON object a line
"""
import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile

sys.path.append(os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "cli", "chain"))
import run_task  # noqa: E402

LOOP = """
import sys
from casacore.tables import table
t = table(sys.argv[1], ack=False)
for turn in range(10 * int(sys.argv[2]) if len(sys.argv) > 2 else 10):
    for row in range(t.nrows()): t.getcell('DATA', row)
"""
MAKE = """
import sys
import numpy as np
from casacore import tables
d = tables.maketabdesc([tables.makearrcoldesc('DATA', 0j, shape=[64, 4], datamanagertype='TiledColumnStMan',
                                              datamanagergroup='d')])
t = tables.table(sys.argv[1], d, nrow=4000, ack=False)
t.putcol('DATA', np.ones((4000, 64, 4), complex))
"""
GAINCAL = """
import sys
from casatasks import gaincal
for turn in range(4):
    gaincal(vis=sys.argv[1], caltable=sys.argv[2] + str(turn), refant='1', calmode='p', solint='inf', minsnr=0)
"""
CALLS = """
def nothing(): pass
text = 'text'
for turn in range(2_000_000): nothing()
for turn in range(2_000_000): text.strip()
"""


def cpu_of(command, environment):
    """Processor time of a program and its children, seconds."""
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{command} ended with {process.returncode}")
    return used.ru_utime + used.ru_stime


def in_turns(work, ways, rounds, cost=cpu_of):
    """Each way's processor time, in turns; prints them and the median ratios to the one without."""
    for way in ways.values():  # warm
        cost(*way)
    pairs = []
    for turn in range(rounds):
        pair = {}
        for name in sorted(ways, reverse=turn % 2 == 1):
            pair[name] = cost(*ways[name])
        pairs.append(pair)
    told = {"work": work, **{name: [p[name] for p in pairs] for name in ways}}
    told["ratio"] = statistics.median(p["with"] / p["without"] for p in pairs)
    if "beside" in ways:
        told["ratio_beside"] = statistics.median(p["beside"] / p["without"] for p in pairs)
    print(json.dumps(told), flush=True)


def measure(work, command, library, rounds, mode="profile", beside=None, only=None, **more):
    """`beside`: another profiler's command, in turn with the two. `more`: of the environment of the counted one."""
    if only and only != work:
        return
    with tempfile.TemporaryDirectory() as out:
        plain = dict(os.environ)
        counted = {**plain, "LD_PRELOAD": library, "MSIO_PROF": f"{mode}:{out}", **more}
        ways = {"with": (command, counted), "without": (command, plain)}
        if beside:
            ways["beside"] = (beside, plain)
        in_turns(work, ways, rounds)


def measure_samples(work, command, msio, rounds, only=None):
    """Samples alone, of native code and Python: the program's processor time and what sampling takes beside it, by 100
    samples a second and by none. Naming what was sampled is the report's, after the program."""
    if only and only != work:
        return
    with tempfile.TemporaryDirectory() as folder:
        run = [msio, "profile", "--quiet", "--no-estimate", "--out", os.path.join(folder, "out")]

        def cost(*way):
            cpu_of(*way)
            with open(os.path.join(folder, "out", "report.json"), encoding="utf-8") as file:
                report = json.load(file)
            return report["cpu_seconds"] + report["samples"]["own_seconds"]

        in_turns(work, {"with": ([*run, "--", *command], dict(os.environ)),
                        "without": ([*run, "--sample", "0", "--", *command], dict(os.environ))}, rounds, cost)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("msio")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--on", help="a Measurement Set for WSClean and CASA, where they are installed")
    parser.add_argument("--casa", metavar="PYTHON", help="a Python with casatasks, for gaincal on that set")
    parser.add_argument("--only", metavar="WORK", help="one of them: getcell, getcell-text, getcell-trace, wsclean, wsclean-clean, samples-wsclean, samples-getcell, gaincal, calls, true")
    arguments = parser.parse_args()
    only = arguments.only
    library = subprocess.run([arguments.msio, "profile", "--print-library"], check=True, capture_output=True,
                             text=True).stdout.strip()
    with tempfile.TemporaryDirectory() as folder:
        table = os.path.join(folder, "a.tab")
        subprocess.run([sys.executable, "-c", MAKE, table], check=True)
        measure("getcell", [sys.executable, "-c", LOOP, table], library, arguments.rounds, only=only)
        measure("getcell-text", [sys.executable, "-c", LOOP, table], library, arguments.rounds, only=only,
                MSIO_PROFILE_TEXT="1")
        measure("getcell-trace", [sys.executable, "-c", LOOP, table], library, arguments.rounds, mode="profile+trace",
                only=only)
        if arguments.on and shutil.which("wsclean"):
            measure("wsclean", ["wsclean", "-quiet", "-reorder", "-j", "1", "-size", "256", "256", "-scale", "12asec",
                                "-name", os.path.join(folder, "image"), arguments.on], library, arguments.rounds, only=only)
            measure("wsclean-clean", ["wsclean", "-quiet", "-reorder", "-j", "1", "-size", "512", "512", "-scale", "12asec",
                                      "-niter", "1000", "-mgain", "0.8", "-threshold", "0.01", "-weight", "briggs", "0.5",
                                      "-field", "all", "-name", os.path.join(folder, "image"), arguments.on], library,
                    arguments.rounds, only=only)
            measure_samples("samples-wsclean", ["wsclean", "-quiet", "-reorder", "-j", "1", "-size", "512", "512", "-scale", "12asec",
                                                "-niter", "1000", "-mgain", "0.8", "-threshold", "0.01", "-weight", "briggs", "0.5",
                                                "-field", "all", "-name", os.path.join(folder, "image"), arguments.on],
                            arguments.msio, arguments.rounds, only=only)
        measure_samples("samples-getcell", [sys.executable, "-c", LOOP, table, "20"], arguments.msio, arguments.rounds, only=only)
        if arguments.on and arguments.casa:
            script = os.path.join(folder, "gaincal.py")
            with open(script, "w", encoding="utf-8") as file:
                file.write(GAINCAL)
            os.environ.setdefault("CASASITECONFIG", run_task.write_site(folder))
            measure("gaincal", ["/bin/sh", "-c", f"cd {folder} && rm -rf t* && exec {arguments.casa} {script} "
                                f"{os.path.abspath(arguments.on)} {folder}/t"], library, arguments.rounds, only=only)
        script = os.path.join(folder, "calls.py")
        with open(script, "w", encoding="utf-8") as file:
            file.write(CALLS)
        measure("calls", [sys.executable, script], library, arguments.rounds, mode="profile+calls",
                beside=[sys.executable, "-m", "cProfile", "-o", os.path.join(folder, "beside.prof"), script], only=only)
    measure("true", ["/bin/true"], library, 5 * arguments.rounds, only=only)


if __name__ == "__main__":
    main()
