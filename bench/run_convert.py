"""run_convert.py - the benchmarks of conversion: a group of UVH5 files to one Measurement Set, and back.

usage: bench/run_convert.py [--on GROUP] [--tries N] [--eop FILE] [--peer PYTHON] [--out FILE]

Without --on a group of a quarter of DSA-110's size (48 antennas, 24 times, 16 subbands) is simulated under build/bench. Works:
meridian, centre (every visibility turned), imaging (with columns of zeros), export (the Measurement Set to one UVH5 file).
Beside them: raw, the input's bytes read and the output's written into new, allocated files by one thread a file each; and,
with --peer naming a Python that has pyuvdata and python-casacore, what the pipeline does today: pyuvdata reads each file, sets
fields and u, v, w and writes an MS; casacore concatenates them (a deep copy). Tries are interleaved; prints one JSON object.
"""
import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

from bench_shared import BUILD, PLACE, say

BLOCK = 1 << 20
PEER = r'''
import glob, json, os, shutil, sys, time, warnings
warnings.filterwarnings("ignore")
import numpy as np
from astropy.coordinates import SkyCoord
from astropy.utils import iers
iers.conf.auto_download = False
iers.conf.auto_max_age = None
from casacore.tables import table
from pyuvdata import UVData

def one(path, out):
    uv = UVData()
    uv.read(path, file_type="uvh5", run_check=False)
    uv.uvw_array = uv.uvw_array.astype(float)
    uv.reorder_freqs(channel_order="freq", run_check=False)
    uv.phase_center_catalog, uv.Nphase = {}, 0
    numbers = np.zeros(uv.Nblts, int)
    for t, jd in enumerate(np.unique(uv.time_array)):
        uv._add_phase_center(f"meridian_icrs_t{t}", cat_type="sidereal", cat_lon=1.7 + t / 1024, cat_lat=0.28,
                             cat_frame="icrs", cat_epoch=2000.0, cat_id=t)
        numbers[uv.time_array == jd] = t
    uv.phase_center_id_array = numbers
    uv._set_app_coords_helper()
    uv.set_uvws_from_antenna_positions(update_vis=False)
    uv.write_ms(out, run_check=False, clobber=True)

paths, scratch = sys.argv[2:], sys.argv[1]
os.makedirs(scratch)
one(paths[0], os.path.join(scratch, "warm.ms"))  # what is compiled once is not timed
began = time.perf_counter()
parts = [os.path.join(scratch, f"{i}.ms") for i in range(len(paths))]
for path, part in zip(paths, parts):
    one(path, part)
written = time.perf_counter()
table(parts, ack=False).copy(os.path.join(scratch, "all.ms"), deep=True).close()
ended = time.perf_counter()
uv = UVData()
uv.read_ms(parts[0], run_check=False)
uv.write_uvh5(os.path.join(scratch, "back.uvh5"), clobber=True, run_check=False)
back = (time.perf_counter() - ended) * len(paths)
shutil.rmtree(scratch)
print(json.dumps({"read, uvw, write_ms": written - began, "concat": ended - written,
                  "export (one window, times all)": back}))
'''


def files_of(folder):
    return sorted(os.path.join(folder, name) for name in os.listdir(folder) if name.endswith((".hdf5", ".uvh5")))


def run_msio(arguments, out):
    """Seconds of a new process, and the most memory that it had, MiB."""
    shutil.rmtree(out, ignore_errors=True)
    if os.path.exists(out):
        os.remove(out)
    began = time.perf_counter()
    process = subprocess.Popen([os.path.join(BUILD, "msio"), "convert", *arguments, "--out", out, "--quiet"])
    _, status, used = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - began
    if status:
        raise SystemExit(f"bench: msio convert {' '.join(arguments)} failed")
    return seconds, used.ru_maxrss / 1024, used.ru_utime + used.ru_stime


def raw(paths, total, scratch, threads):
    """The input's bytes read, and as many as the output's written into new files."""
    os.makedirs(scratch)

    def read(path):
        buffer = bytearray(BLOCK)
        with open(path, "rb", buffering=0) as file:
            while file.readinto(buffer):
                pass

    def put(path):
        block = memoryview(bytes(BLOCK))
        share = total // threads
        with open(path, "wb", buffering=0) as file:
            os.posix_fallocate(file.fileno(), 0, share)
            for at in range(0, share, BLOCK):
                file.write(block[:min(BLOCK, share - at)])
    with ThreadPoolExecutor(threads) as pool:
        began = time.perf_counter()
        list(pool.map(read, paths))
        reading = time.perf_counter() - began
        list(pool.map(put, [os.path.join(scratch, str(i)) for i in range(threads)]))
        seconds = time.perf_counter() - began
    shutil.rmtree(scratch)
    return seconds, reading


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("usage: ")[1].split("\n\n")[0])
    parser.add_argument("--on")
    parser.add_argument("--tries", type=int, default=5)
    parser.add_argument("--eop")
    parser.add_argument("--peer")
    parser.add_argument("--place", default=PLACE)
    parser.add_argument("--out")
    o = parser.parse_args()
    os.makedirs(o.place, exist_ok=True)
    group = o.on or os.path.join(o.place, "quarter")
    if not o.on and not os.path.isdir(group):
        say(f"making {group}")
        subprocess.run([os.path.join(BUILD, "msio"), "simulate", "uvh5", "--out", group, "--antennas", "48", "--quiet"],
                       check=True)
    paths, scratch = files_of(group), os.path.join(o.place, "convert")
    shutil.rmtree(scratch, ignore_errors=True)
    os.makedirs(scratch)
    ms, back = os.path.join(scratch, "obs.ms"), os.path.join(scratch, "obs.uvh5")
    earth = ["--eop", o.eop] if o.eop else []
    works = {"meridian": ([*paths, *earth], ms), "centre": ([*paths, *earth, "--phase", "97.9,16.4"], ms),
             "imaging": ([*paths, *earth, "--imaging", "zeros"], ms), "export": ([ms, *earth], back)}
    found = {name: {"seconds": [], "cpu_seconds": [], "memory_mib": []} for name in works}
    found["raw"] = {"seconds": [], "reading": []}
    threads = len(os.sched_getaffinity(0))
    for path in paths:  # into the page cache
        with open(path, "rb") as file:
            shutil.copyfileobj(file, open(os.devnull, "wb"), BLOCK)
    for attempt in range(o.tries):
        for name, (arguments, out) in works.items():
            say(f"try {attempt + 1}: {name}")
            seconds, memory, cpu = run_msio(arguments, out)
            found[name]["seconds"].append(seconds)
            found[name]["cpu_seconds"].append(cpu)
            found[name]["memory_mib"].append(memory)
        os.remove(back)
        stored = sum(os.stat(os.path.join(folder, name)).st_blocks * 512
                     for folder, _, names in os.walk(ms) for name in names)
        seconds, reading = raw(paths, stored, os.path.join(scratch, "raw"), threads)
        found["raw"]["seconds"].append(seconds)
        found["raw"]["reading"].append(reading)
    if o.peer:
        say("pyuvdata and casacore")
        told = subprocess.run([o.peer, "-c", PEER, os.path.join(scratch, "peer"), *paths], capture_output=True, text=True,
                              check=True)
        found["pyuvdata"] = json.loads(told.stdout)
    shutil.rmtree(scratch)
    found["input_bytes"] = sum(map(os.path.getsize, paths))
    print(json.dumps(found, indent=1))
    if o.out:
        with open(o.out, "w") as file:
            json.dump(found, file, indent=1)


if __name__ == "__main__":
    sys.exit(main())
