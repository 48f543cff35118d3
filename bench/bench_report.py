#!/usr/bin/env python3
"""How long `msio profile show` takes to write the report of a large run: all its files, from counters of so many files,
lines and threads as such a run would have left them, with all stacks, calls and tasks that there is room for.

usage: bench_report.py MSIO LARGE_RUN [--files N] [--sites N] [--threads N] [--rounds N]     prints one JSON object
LARGE_RUN: the program that makes the counters (tests/cli/profile/large_run.c, build/.../tests/cli/large_run).
"""
import argparse
import json
import os
import shutil
import statistics
import subprocess
import tempfile
import time


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("msio")
    parser.add_argument("large_run")
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--sites", type=int, default=10_000)
    parser.add_argument("--threads", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    folder = tempfile.mkdtemp()
    try:
        seconds = []
        for turn in range(arguments.rounds + 1):
            out = os.path.join(folder, str(turn))
            os.mkdir(out)
            subprocess.run([arguments.large_run, out, str(arguments.files), str(arguments.sites), str(arguments.threads)],
                           check=True)
            began = time.monotonic()
            subprocess.run([arguments.msio, "profile", "show", out], check=True, stdout=subprocess.DEVNULL)
            seconds.append(time.monotonic() - began)
            size = sum(os.path.getsize(os.path.join(out, name)) for name in os.listdir(out)
                       if name not in ("counters", "events"))
            shutil.rmtree(out)
        print(json.dumps({"files": arguments.files, "sites": arguments.sites, "threads": arguments.threads,
                          "seconds": seconds[1:], "median": statistics.median(seconds[1:]), "bytes": size}))
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
