#!/usr/bin/env python3
"""record_pairs - pairs of times of a command against itself, by msio compare, on an idle machine and beside a busy loop.

usage: bench/record_pairs.py [--pairs N] [--load idle|busy] [--out FILE]

The command is that of build/release, on a simulated MS under build/bench. The file is a text: `load work a b`, a pair a line,
in seconds; bench_verdicts reads it, and says how often the verdict of compare is right."""
import argparse
import json
import os
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
from bench_shared import BUILD, PLACE  # noqa: E402

MSIO = os.path.join(BUILD, "msio")
WORKS = {"info": "info {}", "flags": "flags {} --by antenna", "read": "read {} DATA --format raw --out /dev/null", "stats": "stats {}"}
SHAPE = ["--antennas", "64", "--times", "4", "--subbands", "16"]


def pairs_of(command, pairs):
    done = subprocess.run([MSIO, "compare", "--json", "--quiet", "--runs", str(pairs), "-a", command, "-b", command],
                          stdout=subprocess.PIPE, check=False)
    if done.returncode not in (0, 1, 4):
        raise SystemExit(f"record_pairs: {command} failed")
    told = json.loads(done.stdout)
    print(f"{command}: {told['verdict']}, {told['low']:.4f} to {told['high']:.4f}, load {told['load']}", file=sys.stderr)
    return told


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=120)
    parser.add_argument("--out", default="bench/pairs_of_same.txt")
    parser.add_argument("--load", choices=("idle", "busy"), action="append")
    o = parser.parse_args()
    path = os.path.join(PLACE, "pairs.ms")
    os.makedirs(PLACE, exist_ok=True)
    subprocess.run([MSIO, "simulate", "ms", "--out", path, "--force", "--quiet", *SHAPE], check=True, stdout=subprocess.DEVNULL)
    model = next((l.split(":")[1].strip() for l in open("/proc/cpuinfo") if l.startswith("model name")), "unknown")
    lines = [f"# made by bench/record_pairs.py {' '.join(sys.argv[1:])} on {time.strftime('%Y-%m-%d')}: {model}, {os.cpu_count()} "
             "processors", "# load work a b: seconds of the same command, in turns; busy: beside a loop that never waits"]
    for load in o.load or ("idle", "busy"):
        loop = subprocess.Popen(["sh", "-c", "while :; do :; done"]) if load == "busy" else None
        try:
            for work, arguments in WORKS.items():
                told = pairs_of(f"{MSIO} {arguments.format(path)}", o.pairs)
                lines.append(f"# {load} {work}: load average {told['load']:.1f}")
                for a, b in told["pairs"]:
                    lines.append(f"{load} {work} {a:.6g} {b:.6g}")
        finally:
            if loop:
                loop.kill()
                loop.wait()
    with open(o.out, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
