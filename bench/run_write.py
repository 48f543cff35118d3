"""run_write.py - the benchmarks of writing: msio, casacore C++, python-casacore and the write roofline; bench/run calls it.

Every writer puts values of its own into the same columns of one Measurement Set in turn, so that what stood there before is
another's; after every write another reader's checksum must be that of the values. The table is opened before the clock
starts, and flushed before it stops; nothing is brought to the disk."""
import os
import statistics

from bench_shared import BUILD, PLACE, TIME_HEAD, TOP, Worker, best_of, human, rewrite, say, time_lines

# A loop of putcell is a matter of the drop-in, in Python: bench/pipeline has such loops.
# work: variants of each writer as (writer, variant, threads); 0 threads: all
MSIO, MSIO1 = ("msio", "warm", 0), ("msio", "warm", 1)
CASACORE, PYTHON = ("casacore", "putColumn", 1), ("python-casacore", "putcol", 1)
RAW = [("roofline", f"raw-{block}", n) for n in (1, 0) for block in ("256K", "1M", "8M")]
WORKS = {
    "write-data": [MSIO, MSIO1, ("msio", "calls", 0), ("msio", "maps", 0), ("msio", "unguarded", 0), *RAW, ("roofline", "mapped", 0), CASACORE, PYTHON],
    "write-model": [MSIO, MSIO1, ("roofline", "raw-1M", 1), ("roofline", "raw-1M", 0), CASACORE, PYTHON],
    "write-zeros-new": [MSIO, ("msio", "allocate", 0), CASACORE, ("casacore", "fill", 1), PYTHON],
    "write-zeros": [MSIO, CASACORE, ("casacore", "fill", 1), PYTHON],
    "write-flag": [MSIO, MSIO1, *RAW, ("msio", "atomic", 0), CASACORE, PYTHON],
    "write-flag-channels": [MSIO, MSIO1, CASACORE, ("python-casacore", "putcolslice", 1)],
    "write-channels": [MSIO, MSIO1, ("msio", "calls", 0), ("msio", "maps", 0), ("roofline", "mapped", 0), CASACORE, ("python-casacore", "putcolslice", 1)],
    "write-copy": [MSIO, MSIO1, ("casacore", "putColumn(getColumn)", 1), ("python-casacore", "putcol(getcol)", 1)],
    "write-antenna1": [MSIO, CASACORE, PYTHON],
    "write-antenna1-cell": [MSIO, ("casacore", "put", 1), ("python-casacore", "putcell", 1)],
    "write-three": [MSIO, MSIO1, *RAW, CASACORE],
    "write-imaging": [("msio", "zeros", 0), ("python-casacore", "addImagingColumns", 1)],
}
# of msio's first row: (against which, at least so many times its time); a text: at most so many seconds
TARGETS = {
    "write-data": [("roofline", 0.9), ("casacore", 3), ("python-casacore", 4)],
    "write-model": [("roofline", 0.9), ("python-casacore", 4)],
    "write-zeros-new": [("casacore", 100)],
    "write-zeros": [("casacore", 2)],
    "write-flag": [("casacore", 10), ("msio/atomic", "15e-3")],
    "write-flag-channels": [("casacore", 10)],
    "write-channels": [("casacore", 10)],
    "write-copy": [("python-casacore", 4)],
    "write-antenna1": [("python-casacore", 20)],
    "write-antenna1-cell": [("python-casacore", 100)],
    "write-three": [("roofline", 0.85)],
    "write-imaging": [("python-casacore", 1)],
}
MEMORY_WANTED = 64 << 20
TRIES = {"write-antenna1-cell": 15}
# What another reader looks at after a write: column, part of it
LOOKS = {
    "write-data": ["DATA"], "write-model": ["MODEL_DATA"], "write-zeros-new": ["MODEL_DATA"], "write-zeros": ["DATA"],
    "write-flag": ["FLAG"], "write-flag-channels": ["FLAG:channels"], "write-channels": ["DATA:channels"],
    "write-copy": ["CORRECTED_DATA"], "write-antenna1": ["ANTENNA1"], "write-antenna1-cell": ["ANTENNA1:row"],
    "write-three": ["DATA", "FLAG", "WEIGHT_SPECTRUM"], "write-imaging": [],
}
FRESH = {"write-model": ["MODEL_DATA"], "write-zeros-new": ["MODEL_DATA"],
         "write-imaging": ["MODEL_DATA", "CORRECTED_DATA", "IMAGING_WEIGHT"]}
PROGRAMS = {"msio": "bench_write", "casacore": "bench_write_casacore"}


class Writers:
    """Workers on one table, started when first asked for."""

    def __init__(self, path, python):
        self.path, self.python, self.by_name = path, python, {}

    def get(self, writer):
        name = "msio" if writer == "roofline" else writer
        if name not in self.by_name:
            program = os.path.join(BUILD, "bench", PROGRAMS.get(name, ""))
            if name in PROGRAMS:
                command = [program, self.path] if os.path.exists(program) else None
            else:
                command = self.python and [self.python, "-B", os.path.join(TOP, "bench", "bench_write.py"), self.path]
            worker = Worker(command, name not in PROGRAMS) if command else None
            self.by_name[name] = worker if worker and worker.ready else None
        return self.by_name[name]

    def close(self):
        for worker in self.by_name.values():
            if worker:
                worker.close()

    def remove(self, columns):
        for column in columns:
            self.get("casacore").ask("remove", column, 0)

    def read(self, reader, what):
        answer = self.get(reader).ask("read", what, 0, 1)
        if answer["seconds"] < 0:
            raise SystemExit(f"bench: {reader} cannot read {what} of {self.path}")
        return answer["checksum"]

    def check(self, work, writer, answer):
        """What another reader finds must be what was put."""
        other = "casacore" if writer == "msio" else "msio"
        if self.get(other) is None:
            other = "msio"
        wanted = self.read("msio" if other == "casacore" else other, "DATA") if work == "write-copy" else answer["checksum"]
        found = sum(self.read(other, what) for what in LOOKS[work]) % 2**64
        if LOOKS[work] and found != wanted % 2**64:
            raise SystemExit(f"bench: {work}: {other} reads other values than {writer} wrote: {found}, {wanted}")


def measure_work(work, writers, tries, threads):
    """Every writer in turn, tries times over; the first round warms up."""
    results, described = {}, {}
    fresh = FRESH.get(work, [])
    if fresh and writers.get("casacore") is None:
        say(f"{work}: left out, casacore's worker is not there to remove columns")
        return []
    for turn in range(tries + 1):
        for writer, variant, n in WORKS[work]:
            worker = writers.get(writer)
            if worker is None:
                continue
            n = n or (len(os.sched_getaffinity(0)) if writer == "roofline" else threads)
            entry = results.setdefault((writer, variant, n), {
                "work": work, "writer": writer, "reader": writer, "variant": variant, "threads": n, "bytes": 0, "seconds": []})
            writers.remove(fresh)
            if fresh and work != "write-imaging" and writer != "roofline":
                writers.get("casacore").ask("add", fresh[0], 0)
            os.sync()  # what the one before left to be written out takes neither processor nor memory meanwhile
            answer = worker.ask(work, variant, n, 1 if turn else 2)
            if answer["seconds"] < 0:
                continue
            entry["bytes"] = answer["bytes"]
            if work == "write-imaging" and writers.get("python-casacore"):
                described.setdefault(writers.get("python-casacore").ask("describe", "-", 0)["checksum"], set()).add(writer)
            elif writer != "roofline":
                writers.check(work, writer, answer)
            if turn:
                entry["seconds"].append(answer["seconds"])
            elif answer.get("peak_kib", -1) >= 0:
                entry["peak_kib"] = answer["peak_kib"]
    writers.remove(fresh)
    if len(described) > 1:
        raise SystemExit(f"bench: {work}: the columns differ: {described}")
    return [r for r in results.values() if r["seconds"]]


def measure(works, o, path, python, keep):
    """keep(results) is called after every work: a run that is ended has those before."""
    results = []
    writers = Writers(path, python)
    for work in works:
        say(f"{work} ...", o.quiet)
        if work == "write-copy" and writers.get("casacore"):
            writers.get("casacore").ask("add", "CORRECTED_DATA", 0)
            writers.get("casacore").ask("write-copy", "putColumn(getColumn)", 0)
        results += measure_work(work, writers, o.tries or TRIES.get(work, 5), o.threads)
        if work == "write-copy":
            writers.remove(["CORRECTED_DATA"])
        keep(results)
    writers.close()
    return results


def place(quick):
    """The name of the scratch Measurement Set, a copy for writing alone."""
    return f"write{'-quick' if quick else ''}.ms"


# ---------------------------------------------------------------- tables

def shown(rows):
    """Of the roofline's ways only the best one, by its median: that is the roofline."""
    raw = [r for r in rows if r["variant"].startswith("raw")]
    best = min(raw, key=lambda r: statistics.median(r["seconds"]), default=None)
    return [r for r in rows if r not in raw or r is best]


def targets(results):
    """(what, wanted, reached, met) of every target that was measured."""
    out = []
    for work in dict.fromkeys(r["work"] for r in results):
        rows = [r for r in results if r["work"] == work]
        mine = statistics.median(rows[0]["seconds"])
        for against, wanted in TARGETS[work]:
            theirs = best_of([r for r in rows if r["variant"] != "mapped"], against)
            if theirs is None:
                out.append((f"{work}: {against}", wanted, "not measured", None))
            elif isinstance(wanted, str):
                out.append((f"{work}: {against}", f"at most {human(float(wanted))}", human(theirs), theirs <= float(wanted)))
            else:
                out.append((f"{work}: {against}", wanted, f"{theirs / mine:.2f}", theirs / mine >= wanted))
    peaks = [r for r in results if "peak_kib" in r]
    if peaks:
        most = max(peaks, key=lambda r: r["peak_kib"])
        peak = most["peak_kib"]
        out.append((f"peak memory above the caller's arrays, the most ({most['work']})",
                    f"at most {MEMORY_WANTED >> 20} MiB", f"{peak / 1024:.1f} MiB", peak << 10 <= MEMORY_WANTED))
    return out


def table(results):
    lines = list(TIME_HEAD)
    for work in dict.fromkeys(r["work"] for r in results):
        lines += time_lines(work, shown([r for r in results if r["work"] == work]))
    lines += ["", "| target | wanted | reached | |", "|---|---|---|---|"]
    for what, wanted, reached, met in targets(results):
        lines.append(f"| {what} | {wanted} | {reached} | {'' if met is None else 'met' if met else '**missed**'} |")
    return "\n".join(lines)


MARKS = [("docs/benchmarks.md", "<!-- write:begin -->", "<!-- write:end -->")]


def document(text, printed):
    rewrite(*MARKS[0], f"{printed}\n\n{text}")
