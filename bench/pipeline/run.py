#!/usr/bin/env python3
"""run.py - a pipeline's calls as they are done today and with msio, timed in one run.

usage: ./bootstrap bench pipeline [--writing] [--on MS] [--group FOLDER] [--only TEXT] [--quick] [--tries N] [--json]
                                  [--document] [--add FILE] [--out FILE]

That makes the Python that this needs, in build/bench/venv-pipeline; any other with the package and python-casacore will do.
Every way of every call runs in processes of its own, in turn; results are compared before anything is told. The MS has
MODEL_DATA and CORRECTED_DATA; without --on one is simulated in build/bench, and without --group a group of subband files.
Calls of pyuvdata and dask-ms are timed where these are installed. --writing times the calls that write instead, on a copy
of the MS that is made beside the results and removed; what is then in the columns is compared. --add takes in the results of an
earlier run's --out, so that a long run can be made in parts. --document rewrites the tables in docs/benchmarks.md and README.md,
with --writing that of docs/benchmarks.md alone.
"""
import argparse
import importlib.util
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
TARGETS = {"1 three columns on every row": 50, "9 flag fractions": 30, "16 metadata": 5, "16 metadata, again": 20,
           "getcol of DATA, new array": 6, "getcolslice, 12 of 48 channels": 15, "getcell of DATA, all rows": 4,
           "getcell of TIME, all rows": 4, "10 chi-squared": 30, "11 signal to noise by antenna": 20,
           "5 model of one source into MODEL_DATA": 30, "13 all amplitudes against time, on a grid": 30,
           "sum over DATA, a view; today: msio.read and sum": 2,
           "10 chi-squared; today: reading the columns alone": 0.667, "11 signal to noise; today: reading the columns alone": 0.667,
           "all statistics by all keys; today: reading the columns alone": 0.5,
           "getcolnp of DATA, warm memory": 2.5, "read_uvdata of 16 files": 20,
           "read_uvdata, the next group": 20,
           "dask-ms: DATA and FLAG, two threads": 2, "the ten sites together": 8,
           "3 zeros into two columns": 2, "6 CORRECTED_DATA = DATA": 4}
WRITING_MARKS = (("docs/benchmarks.md", "<!-- pipeline-writing:begin -->", "<!-- pipeline-writing:end -->"),)
MARKS = (("docs/benchmarks.md", "<!-- pipeline:begin -->", "<!-- pipeline:end -->"),
         ("README.md", "<!-- bench-pipeline:begin -->", "<!-- bench-pipeline:end -->"))


# What a program pays for msio before it calls anything, in a process of its own: name, limit in seconds, code.
STARTS = (
    ("import msio, beyond numpy's own", 30e-3, "import numpy, time; start = time.perf_counter(); import msio"),
    ("the same and every name in it", 30e-3, "import numpy, time; start = time.perf_counter(); import msio; "
     "[getattr(msio, name) for name in msio.__all__]"),
    ("its .pth file, switched off", 1e-3, "import os, sysconfig, time; file = os.path.join(sysconfig.get_path('platlib'), "
     "'msio_patch.pth'); start = time.perf_counter(); exec(open(file).read())"),
)


# ---------------------------------------------------------------- one way, in a process of its own

def digest(value):
    """A small value that equal answers share."""
    import numpy as np
    if isinstance(value, np.ndarray):
        words = np.ascontiguousarray(value).view(np.uint8).ravel()
        whole = words[:len(words) // 8 * 8].view(np.uint64)
        return [str(value.dtype), list(value.shape), int(np.bitwise_xor.reduce(whole)), int(whole.sum(dtype=np.uint64))]
    if isinstance(value, (list, tuple)) and value and isinstance(value[0], (np.ndarray, list)):
        return [digest(part) for part in value]
    if isinstance(value, dict):
        return {name: digest(part) for name, part in value.items()}
    return value


def prepare(calls, way):
    """Imports what the way needs: that is no part of the call."""
    if way == "today":
        import casacore.tables  # noqa: F401
    else:
        import msio
        msio.read, msio.metadata, msio.flags, msio.Table
        if calls:
            import msio.tables  # noqa: F401


def one(name, way, path):
    import sites
    if name in sites.STAGED:
        timed(sites.STAGED[name][2 + (way == "msio")](path))
        return
    if name in sites.WRITING:
        before, today, ours, columns = sites.WRITING[name]
        before(path, columns)
        os.sync()  # what was written before the clock is no burden of what is written after it
        prepare(False, way)
        timed(lambda: (today if way == "today" else ours)(path),
              lambda: [digest(part) for part in sites.left(path, columns)])
        return
    ways = {**sites.SITES, **sites.CALLS, **sites.COMPUTED, "16 metadata, again": (sites.facts_today, sites.facts_again)}[name]
    call = ways[way == "msio"]
    prepare(name in sites.CALLS, "msio" if name == sites.READ_AND_SUM else way)
    if name == "16 metadata, again" and way == "msio":
        call(path)
    timed(lambda: call(path))


def timed(call, left=None):
    """Runs the call, and tells how long it took, and its value or what `left` then finds."""
    peak = pathlib.Path("/proc/self/clear_refs")
    peak.write_text("5")
    before = status("VmRSS")
    start = time.perf_counter()
    value = call()
    seconds = time.perf_counter() - start
    high = status("VmHWM") - before
    print(json.dumps({"seconds": seconds, "peak": high, "value": left() if left else digest(value)}))


def status(name):
    with open("/proc/self/status") as file:
        for line in file:
            if line.startswith(name + ":"):
                return int(line.split()[1]) * 1024
    return 0


# ---------------------------------------------------------------- all of them

def warm(path):
    """Brings what is read into the page cache: the system may have dropped what nobody touched for some seconds."""
    for file in sorted(pathlib.Path(path).rglob("*")):
        if file.is_file():
            with open(file, "rb", buffering=0) as data:
                while data.read(8 << 20):
                    pass


def run_one(name, way, path):
    """What was written before is brought to the disk first: that takes neither processor nor memory from this one."""
    os.sync()
    warm(path)
    done = subprocess.run([sys.executable, __file__, "--one", name, way, path], capture_output=True, text=True, cwd=HERE,
                          env={**os.environ, "MSIO_PATCH": "off" if way == "today" else ""})
    if done.returncode:
        sys.exit(f"{name}, {way}: {done.stderr.strip()}")
    return json.loads(done.stdout)


def alike(a, b, tolerance=1e-9):
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(alike(a[key], b[key], tolerance) for key in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(alike(x, y, tolerance) for x, y in zip(a, b))
    if isinstance(a, float) or isinstance(b, float):
        return abs(a - b) <= tolerance * max(abs(a), abs(b))
    return a == b


def measure(names, paths, tries, tolerances):
    results = {}
    for name, path in zip(names, paths):
        print(f"{name} ...", file=sys.stderr, flush=True)
        ways = {"today": [], "msio": []}
        for _ in range(tries):
            for way, found in ways.items():
                found.append(run_one(name, way, path))
        if name != "16 metadata, again" and not alike(
                ways["today"][0]["value"], ways["msio"][0]["value"], tolerances.get(name, 1e-9)):
            sys.exit(f"{name}: the two ways have different answers")
        results[name] = {way: {"seconds": [r["seconds"] for r in found], "peak_bytes": [r["peak"] for r in found]}
                         for way, found in ways.items()}
    return results


def start_up(tries):
    """Seconds of each of STARTS."""
    told = "; print(time.perf_counter() - start)"
    return {name: [float(subprocess.check_output([sys.executable, "-c", code + told], env={**os.environ, "MSIO_PATCH": ""}))
                   for _ in range(tries)] for name, _, code in STARTS}


def together(results, sites):
    """The ten sites one after the other: the sum of the times, the largest of the peaks."""
    return {way: {"seconds": [sum(statistics.median(results[name][way]["seconds"]) for name in sites)],
                  "peak_bytes": [max(max(results[name][way]["peak_bytes"]) for name in sites)]}
            for way in ("today", "msio")}


def duration(seconds):
    for unit, scale in (("s", 1), ("ms", 1e3), ("us", 1e6)):
        if seconds * scale >= 1 or unit == "us":
            return f"{seconds * scale:.3g} {unit}"
    return ""


def rows(results):
    for name, ways in results.items():
        today, ours = (statistics.median(ways[way]["seconds"]) for way in ("today", "msio"))
        peak = [max(ways[way]["peak_bytes"]) / 2**20 for way in ("today", "msio")]
        factor, wanted = today / ours, TARGETS.get(name)
        verdict = "" if wanted is None else f"{wanted}: " + ("met" if factor >= wanted else "**missed**")
        yield (f"| {name} | {duration(today)} | {duration(ours)} | {factor:.3g} | {verdict} | {peak[0]:.0f} | {peak[1]:.0f} |")


def start_rows(starts):
    for name, limit, _ in STARTS if starts else ():
        seconds = statistics.median(starts[name])
        verdict = "met" if seconds <= limit else "**missed**"
        yield f"| {name} | - | {duration(seconds)} | - | at most {duration(limit)}: {verdict} | - | - |"


def report(results, starts):
    head = ["| call | today | msio | factor | at least | MiB above, today | MiB above, msio |", "|---|---|---|---|---|---|---|"]
    return "\n".join([*head, *rows(results), *start_rows(starts)])


def document(text, marks):
    for name, begin, end in marks:
        path = ROOT / name
        whole = path.read_text()
        if begin not in whole or end not in whole:
            sys.exit(f"{name} has no marks {begin} and {end}")
        path.write_text(whole[:whole.index(begin) + len(begin)] + "\n" + text + "\n" + whole[whole.index(end):])


def simulated_group(quick):
    import msio
    path = ROOT / "build" / "bench" / ("group-quick" if quick else "group")
    if not path.exists():
        print(f"making {path}", file=sys.stderr)
        msio.simulate_uvh5(path, **(dict(antennas=16, times=6) if quick else {}))
    return str(path)


def simulated(quick):
    import msio
    path = ROOT / "build" / "bench" / ("dsa110-imaging-quick.ms" if quick else "dsa110-imaging.ms")
    if not path.exists():
        print(f"making {path}", file=sys.stderr)
        path.parent.mkdir(parents=True, exist_ok=True)
        msio.simulate_ms(path, imaging_columns=True, **(dict(antennas=16, times=6, subbands=4) if quick else {}))
    return str(path)


def own_copy(path):
    """A copy of the MS that may be written to, in a folder that is to be removed."""
    place = ROOT / "build" / "bench"
    place.mkdir(parents=True, exist_ok=True)
    folder = tempfile.mkdtemp(prefix="pipeline-writing-", dir=place)
    return shutil.copytree(path, os.path.join(folder, "obs.ms"))


def measure_writing(o, path):
    import sites
    copy = own_copy(path)
    try:
        names = [name for name in (*sites.WRITING, sites.MODEL) if o.only in name]
        return measure(names, [copy] * len(names), o.tries, sites.TOLERANCES)
    finally:
        shutil.rmtree(os.path.dirname(copy))


def added(file, results, order):
    """The results with those of an earlier run, in the order of the calls."""
    if file:
        results = {**json.loads(pathlib.Path(file).read_text())["results"], **results}
    return {name: results[name] for name in sorted(results, key=lambda name: order.index(name) if name in order else len(order))}


def measure_reading(o, places):
    """Results, seconds of the starts, and the order of the calls."""
    import sites
    staged = {name: on for name, (needs, on, *_) in sites.STAGED.items() if all(map(importlib.util.find_spec, needs))}
    if "group" in staged.values():
        places["group"] = os.path.abspath(o.group) if o.group else simulated_group(o.quick)
    order = [*sites.SITES, "16 metadata, again", *sites.CALLS, *(name for name in sites.COMPUTED if name != sites.MODEL), *staged]
    names = [name for name in order if o.only in name]
    results = measure(names, [places[staged.get(name, "ms")] for name in names], o.tries, sites.TOLERANCES)
    if not o.only:
        results["the ten sites together"] = together(results, list(sites.SITES))
    return results, {} if o.only else start_up(max(o.tries, 5)), order


def main():
    if sys.argv[1:2] == ["--one"]:
        return one(*sys.argv[2:5])
    parser = argparse.ArgumentParser(description="A pipeline's calls today and with msio.")
    parser.add_argument("--on", metavar="MS")
    parser.add_argument("--group", metavar="FOLDER")
    parser.add_argument("--only", metavar="TEXT", default="")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--tries", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--document", action="store_true")
    parser.add_argument("--writing", action="store_true")
    parser.add_argument("--add", metavar="FILE")
    parser.add_argument("--out", metavar="FILE")
    o = parser.parse_args()
    sys.path.insert(0, str(HERE))
    import sites
    places = {"ms": os.path.abspath(o.on) if o.on else simulated(o.quick)}
    if o.writing:
        results, starts, order = measure_writing(o, places["ms"]), {}, list(sites.WRITING)
    else:
        results, starts, order = measure_reading(o, places)
    results = added(o.add, results, order)
    text = report(results, starts)
    answer = json.dumps({"paths": places, "results": results, "starts": starts}, indent=1)
    if o.out:
        pathlib.Path(o.out).write_text(answer)
    print(answer if o.json else text)
    if o.document and (not o.only or o.add):
        command = f"./bootstrap bench pipeline{' --writing' if o.writing else ''} --tries {o.tries} --document"
        document(f"Printed by `{command}` on {time.strftime('%Y-%m-%d')}; medians of {o.tries}, each in a process of its own, "
                 f"files in the page cache.\n\n{text}", WRITING_MARKS if o.writing else MARKS)


if __name__ == "__main__":
    main()
