#!/usr/bin/env python3
"""count_works - counts of the benchmarks' works that are the same in every run: what `msio history check` is a gate of.

usage: bench/count_works.py [--build BUILD] [--out FILE]

A small MS is simulated under build/bench; each work is done by bench_msio, by one thread, once to warm up and once counted, the
least of three times: bytes by read calls, allocations, and system calls where strace is installed. Prints
{"name": "works", "counts": {...}, "times": {...}} for `msio history record`; times are for the record only."""
import argparse
import json
import os
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
import bench_shared  # noqa: E402

SHAPE = ["--antennas", "24", "--times", "8", "--subbands", "4"]
REQUESTS = ["data direct 1", "data warm 1", "data-flag-weight direct 1", "channels direct 1", "stride direct 1", "flag direct 1",
            "uvw direct 1", "time warm 1", "antenna1 warm 1", "cell warm 1", "open warm 1", "open-all warm 1", "metadata warm 1"]
ROUNDS = 3  # of which the least is taken: a thread that waits for another calls the kernel now and then


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", default=bench_shared.BUILD)
    parser.add_argument("--out")
    o = parser.parse_args()
    bench_shared.BUILD = os.path.abspath(o.build)
    for module in ("casacore", "hdf5"):
        os.environ[f"MSIO_{module.upper()}_MODULE"] = os.path.join(bench_shared.BUILD, f"msio_{module}.so")
    os.environ["OMP_NUM_THREADS"] = "1"
    path = os.path.join(bench_shared.PLACE, "counts.ms")
    os.makedirs(bench_shared.PLACE, exist_ok=True)
    subprocess.run([os.path.join(bench_shared.BUILD, "msio"), "simulate", "ms", "--out", path, "--force", "--quiet", *SHAPE],
                   check=True, stdout=subprocess.DEVNULL)
    counts, times = {}, {}
    for request in REQUESTS * ROUNDS:
        found = bench_shared.counted(os.path.join(bench_shared.BUILD, "bench", "bench_msio"), path, request)
        if found["seconds"][0] < 0:
            raise SystemExit(f"count_works: bench_msio does not answer {request}")
        times.setdefault(request, []).extend(found["seconds"])
        for name in ("bytes_read", "allocations", "system_calls"):
            if found[name] is not None:
                key = f"{request}: {name.replace('_', ' ')}"
                counts[key] = min(found[name], counts.get(key, found[name]))
    text = json.dumps({"name": "works", "counts": counts, "times": times}, indent=1)
    if o.out:
        with open(o.out, "w", encoding="utf-8") as file:
            file.write(text + "\n")
    else:
        print(text)


if __name__ == "__main__":
    main()
