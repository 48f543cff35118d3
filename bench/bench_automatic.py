#!/usr/bin/env python3
"""What MSIO_PROF=auto and MSIO_PROF=metrics cost a program: processor time with and without, in turns; the median of the pairs'
ratios and its 95% interval (2000 resamples of the pairs), and the milliseconds a process pays at its exit.

usage: bench_automatic.py MSIO --on MS [--rounds N] [--kept N]        prints one JSON object a line
"""
import argparse
import json
import os
import random
import statistics
import subprocess
import tempfile


def cpu_of(command, mode):
    """Processor time of a program, seconds."""
    process = subprocess.Popen(command, env={**os.environ, "MSIO_PROF": mode}, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{command} ended with {process.returncode}")
    return used.ru_utime + used.ru_stime


def interval(ratios):
    chance = random.Random(1)
    medians = sorted(statistics.median(chance.choices(ratios, k=len(ratios))) for _ in range(2000))
    return medians[50], medians[1949]


def measure(work, command, modes, rounds):
    for name, mode in modes.items():
        without, more, ratios = [], [], []
        for turn in range(rounds):
            order = ("off", mode) if turn % 2 else (mode, "off")
            took = {one: cpu_of(command, one) for one in order}
            without.append(took["off"])
            more.append(took[mode] - took["off"])
            ratios.append(took[mode] / took["off"])
        low, high = interval(ratios)
        print(json.dumps({"work": work, "mode": name, "pairs": rounds, "cpu_seconds": round(statistics.median(without), 5),
                          "ratio": round(statistics.median(ratios), 5), "low": round(low, 5), "high": round(high, 5),
                          "more_ms": round(1e3 * statistics.median(more), 4)}), flush=True)


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("msio")
    options.add_argument("--on", required=True, metavar="MS")
    options.add_argument("--rounds", type=int, default=40)
    options.add_argument("--kept", type=int, default=400, help="profiles that the folder has before")
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for i in range(given.kept):
            with open(os.path.join(folder, f"msio.{1_700_000_000_000_000_000 + i}.{i + 1}.3600000000.run.json"), "w") as file:
                file.write(2000 * " ")
        modes = {"auto": f"auto+keep={given.kept}:{folder}", "metrics": f"metrics:{folder}/msio.prom"}
        measure("one open: info", [given.msio, "info", given.on], modes, given.rounds)
        measure("DATA read 40 times, one thread: load",
                [given.msio, "load", given.on, "--what", "visdata", "--threads", "1", "--repeat", "40"], modes,
                given.rounds)


if __name__ == "__main__":
    main()
