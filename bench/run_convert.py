"""run_convert.py - the benchmarks of conversion: a group of UVH5 files to one Measurement Set, and back; bench/run calls it.

msio's rows are a new process of `msio convert` each, with all that belongs to its start; what is already at the target is
removed before the clock starts, and what was written before is on the disk. pyuvdata's have imported and compiled all that they
need. What is raw: the input's bytes read, and as many as the output takes on the disk written into new, allocated files, by a thread
a processor."""
import os
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

from bench_shared import (BUILD, PLACE, TIME_HEAD, TOP, Worker, absent_lines, best_of, rewrite, say, target_lines,
                          time_lines)
from run_group import files_of, simulated

# work: variants of each reader as (reader, variant, threads); 0 threads: all
MSIO, MSIO1, RAW = ("msio", "warm", 0), ("msio", "warm", 1), ("roofline", "raw", 0)
WORKS = {
    "convert-meridian": [MSIO, MSIO1, RAW, ("pyuvdata", "read, uvw, write_ms; concat", 1)],
    "convert-centre": [MSIO, MSIO1, RAW, ("pyuvdata", "read, phase, write_ms", 1)],
    "convert-imaging": [("msio", "zeros", 0), ("msio", "without", 0)],
    "convert-export": [MSIO, MSIO1, RAW, ("pyuvdata", "read_ms, write_uvh5", 1)],
}
OPTIONS = {"convert-centre": ["--phase", "97.9,16.4"], "zeros": ["--imaging", "zeros"]}
TRIES = 3
MEMORY_WANTED = 512 << 20
BLOCK = 1 << 20
# What the peer needs: module, package
PEERS = [("pyuvdata", "pyuvdata==3.2.8"), ("casacore.tables", "python-casacore"), ("h5py", "h5py")]
# CASA's concat, 2 GB, for which there are wheels of some Pythons only: without it casacore concatenates
CASA = ["casatools", "casatasks", "casadata", "six"]


def peer(o):
    """(a Python that has the peers, or None; why there is none)"""
    if o.no_peers:
        return None, "left out: --no-peers"
    own, log = os.path.join(PLACE, "venv-convert"), os.path.join(PLACE, "venv-convert.log")
    python = os.path.join(own, "bin", "python")

    def whole(candidate):
        command = [candidate, "-c", "; ".join(f"import {module}" for module, _ in PEERS)]
        return shutil.which(candidate) and not subprocess.run(command, capture_output=True).returncode
    if not any(map(whole, (sys.executable, python))):
        say("installing pyuvdata, python-casacore and CASA into build/bench/venv-convert", o.quiet)
        os.makedirs(PLACE, exist_ok=True)
        with open(log, "w") as f:
            for command in ([sys.executable, "-m", "venv", own],
                            [python, "-m", "pip", "install", "-q", *(package for _, package in PEERS)]):
                if not os.path.exists(command[0]) or subprocess.run(command, stdout=f, stderr=f).returncode:
                    break
            else:
                subprocess.run([python, "-m", "pip", "install", "-q", "--only-binary", ":all:", *CASA], stdout=f, stderr=f)
    having = next(filter(whole, (sys.executable, python)), None)
    return having, None if having else f"absent: cannot be installed here ({os.path.relpath(log, TOP)} says why)"


# ---------------------------------------------------------------- raw

def files_in(path):
    return [os.path.join(folder, name) for folder, _, names in os.walk(path) for name in names] or [path]


def raw(paths, total, scratch, threads):
    """Seconds: the files read, and so many bytes written into new files."""
    def read(path):
        buffer = bytearray(BLOCK)
        with open(path, "rb", buffering=0) as file:
            while file.readinto(buffer):
                pass

    def put(path):
        block, share = memoryview(bytes(BLOCK)), total // threads
        with open(path, "wb", buffering=0) as file:
            os.posix_fallocate(file.fileno(), 0, max(share, 1))
            for at in range(0, share, BLOCK):
                file.write(block[:min(BLOCK, share - at)])
    os.makedirs(scratch)
    with ThreadPoolExecutor(threads) as pool:
        began = time.perf_counter()
        list(pool.map(read, paths))
        list(pool.map(put, [os.path.join(scratch, str(i)) for i in range(threads)]))
        seconds = time.perf_counter() - began
    shutil.rmtree(scratch)
    return seconds


# ---------------------------------------------------------------- measuring

class Conversions:
    """Everything about one group: its files, where results go, and the peer."""

    def __init__(self, paths, folder, python, why):
        self.paths, self.folder, self.why, self.worker = paths, folder, why, None
        self.ms, self.back = os.path.join(folder, "obs.ms"), os.path.join(folder, "obs.uvh5")
        self.greeting = {}
        if python:
            worker = Worker([python, "-B", os.path.join(TOP, "bench", "bench_convert.py"), folder, *paths], True)
            self.worker, self.why = (worker, None) if worker.ready else (None, "absent: its worker did not start")
        if self.worker:
            self.greeting = self.worker.told()
        for path in paths:  # into the page cache
            with open(path, "rb") as file:
                shutil.copyfileobj(file, open(os.devnull, "wb"), BLOCK)

    def sizes(self, work):
        """(files that are read, bytes of what is written)"""
        files = files_in(self.ms)
        if work == "convert-export":
            return files, os.path.getsize(self.back)
        return self.paths, sum(os.stat(path).st_blocks * 512 for path in files)

    def by_msio(self, work, variant, threads):
        """{seconds, peak_kib} of a new process."""
        back = work == "convert-export"
        out = self.back if back else self.ms
        if os.path.isdir(out):
            shutil.rmtree(out)
        elif os.path.exists(out):
            os.remove(out)
        eop = ["--eop", self.greeting["eop"]] if self.greeting else []
        command = [os.path.join(BUILD, "msio"), "convert", *([self.ms] if back else self.paths), "--out", out, "--quiet",
                   "--threads", str(threads), *OPTIONS.get(work, []), *OPTIONS.get(variant, []), *eop]
        began = time.perf_counter()
        process = subprocess.Popen(command, stderr=None if eop else subprocess.DEVNULL)
        _, status, used = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - began
        process.returncode = status
        if status:
            raise SystemExit(f"bench: {' '.join(command)} failed")
        return {"seconds": seconds, "peak_kib": used.ru_maxrss}

    def once(self, work, reader, variant, threads, check):
        os.sync()  # what the one before left to be written is not written on this one's time
        if reader == "msio":
            return self.by_msio(work, variant, threads)
        if reader == "roofline":
            return {"seconds": raw(*self.sizes(work), os.path.join(self.folder, "raw"), len(os.sched_getaffinity(0)))}
        if not self.worker:
            return {"seconds": -1, "why": self.why}
        answer = self.worker.ask(work, "-", threads, check)
        if answer.get("differs"):
            raise SystemExit(f"bench: {work}: {answer['why']}")
        return answer

    def close(self):
        if self.worker:
            self.worker.close()


def measure_work(work, conversions, tries, threads):
    """Every reader in turn, tries times over, there and back: none comes always after pyuvdata, which leaves memory that a
    virtual machine gives back to its host. The first round is compared and warms up."""
    results = {}
    if work == "convert-export":
        conversions.by_msio("convert-meridian", "warm", 0)  # what goes back
    for turn in range(tries + 1):
        for reader, variant, n in WORKS[work][::-1 if turn % 2 else 1]:
            n = threads if reader == "msio" and not n else n
            entry = results.setdefault((reader, variant, n), {
                "work": work, "reader": reader, "variant": variant, "threads": n, "bytes": 0, "seconds": []})
            if "absent" in entry:
                continue
            answer = conversions.once(work, reader, variant, n, int(not turn))
            if answer["seconds"] < 0:
                entry["absent"] = answer.get("why", "failed: standard error says why")
                continue
            entry["bytes"] = sum(map(os.path.getsize, conversions.paths))
            if turn:
                entry["seconds"].append(answer["seconds"])
            if "peak_kib" in answer:
                entry["peak_kib"] = max(answer["peak_kib"], entry.get("peak_kib", 0))
    return list(results.values())


def measure(works, o, keep):
    """(results, versions); keep is given both after each work."""
    python, why = peer(o)
    small = ["--antennas", "12", "--times", "4"] if o.quick else ["--antennas", "48"]
    group = o.on or simulated(f"convert{'-quick' if o.quick else ''}", small, o.quiet)
    folder, results = os.path.join(PLACE, "convert-results"), []
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    conversions = Conversions(files_of(group), folder, python, why)
    versions = conversions.greeting.get("versions", {})
    for work in works:
        say(f"{work} ...", o.quiet)
        results += measure_work(work, conversions, o.tries or TRIES, o.threads)
        keep(results, versions)
    conversions.close()
    shutil.rmtree(folder)
    return results, versions


# ---------------------------------------------------------------- what the targets ask for

def targets(results):
    """As run_group's."""
    found = []

    def add(work, name, wanted, against, mine="msio/warm/0", at_most=False):
        rows = [r for r in results if r["work"] == work]
        theirs, own = best_of(rows, against), best_of(rows, mine) or best_of(rows, mine.rpartition("/")[0])
        reached = theirs and own and (own / theirs if at_most else theirs / own)
        if rows:
            met = None if reached is None else (reached <= wanted if at_most else reached >= wanted)
            found.append({"target": f"{work}: {name}", "wanted": wanted, "at_most": at_most, "reached": reached, "met": met})
    add("convert-meridian", "pyuvdata and concat", 40, "pyuvdata")
    add("convert-meridian", "roofline", 0.4, "roofline")
    add("convert-centre", "pyuvdata", 25, "pyuvdata")
    add("convert-imaging", "of the time without", 1.1, "msio/without", "msio/zeros/0", at_most=True)
    add("convert-export", "pyuvdata", 10, "pyuvdata")
    peak = max((r["peak_kib"] / 1024 for r in results if "peak_kib" in r), default=None)
    if peak:
        wanted = MEMORY_WANTED >> 20
        found.append({"target": "peak memory of all, MiB", "wanted": wanted, "at_most": True, "reached": peak,
                      "met": peak <= wanted})
    return found


# ---------------------------------------------------------------- tables

def memory_lines(results):
    lines = ["", "| msio, most memory resident, mapped files included | MiB |", "|---|---|"]
    return lines + [f"| {r['work']}, {r['variant']}, {r['threads'] or 'all'} threads | {r['peak_kib'] / 1024:.0f} |"
                    for r in results if "peak_kib" in r]


def table(results, versions):
    used = ", ".join(f"{name} {version}" for name, version in versions.items())
    size = max((r["bytes"] for r in results), default=0)
    lines = [f"A group of {size / 1e6:.0f} MB{'; ' + used if used else ''}.", ""] + TIME_HEAD
    for work in dict.fromkeys(r["work"] for r in results):
        lines += time_lines(work, [r for r in results if r["work"] == work and r["seconds"]])
    return "\n".join(lines + target_lines(targets(results)) + memory_lines(results) + absent_lines(results))


MARKS = [("docs/benchmarks.md", "<!-- convert:begin -->", "<!-- convert:end -->")]


def document(text, printed):
    rewrite(*MARKS[0], f"{printed}\n\n{text}")
