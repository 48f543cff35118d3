"""run_group.py - the benchmarks on a group of UVH5 files: msio, h5py, pyuvdata and the roofline; bench/run calls it."""
import json
import os
import shutil
import statistics
import subprocess
import sys
import threading

from bench_shared import (BUILD, PLACE, TIME_HEAD, TOP, Worker, absent_lines, best_of, cold_lines, drop_files, from_disk,
                          human, rewrite, say, target_lines, time_lines)

# work: variants of each reader as (reader, variant, threads); 0 threads: all
MSIO, MSIO1 = ("msio", "warm", 0), ("msio", "warm", 1)
WORKS = {
    "group": [MSIO, MSIO1, ("msio", "new", 0), ("msio", "new", 1), ("msio", "pool", 0), ("roofline", "raw", 0),
              ("roofline", "pread", 0), ("roofline", "pread-new", 0), ("h5py", "warm", 1), ("h5py", "new", 1),
              ("pyuvdata", "concat", 1), ("pyuvdata", "batches", 4)],
    "group-cold": [MSIO, ("roofline", "raw16", 16), ("h5py", "warm", 1)],
    "group-lzf": [MSIO, MSIO1, ("h5py", "warm", 1)],
    "group-bitshuffle": [MSIO, MSIO1, ("h5py", "warm", 1)],
    "group-part": [MSIO, ("msio", "whole", 0), ("h5py", "slices", 1)],
}
# whose memory beyond the output is measured, a fresh process each
MEMORY = [MSIO, ("h5py", "warm", 1), ("pyuvdata", "concat", 1), ("pyuvdata", "batches", 4)]
TRIES = {"group": 5, "group-cold": 3, "group-lzf": 7, "group-bitshuffle": 5, "group-part": 7}
MEMORY_LIMIT = 256 << 20  # msio's default
SECONDS_WANTED = 300      # the pipeline's


# ---------------------------------------------------------------- groups and readers

def simulated(name, options, quiet):
    path = os.path.join(PLACE, name)
    names = os.listdir(path) if os.path.isdir(path) else []
    if not any(name.endswith(".hdf5") and "_incomplete" not in name for name in names):  # named when all are whole
        say(f"making {path}", quiet)
        subprocess.run([os.path.join(BUILD, "msio"), "simulate", "uvh5", "--out", path, "--force", "--quiet"] + options,
                       check=True, stdout=subprocess.DEVNULL)
    return path


def files_of(folder):
    """The files of the first complete group in the folder, or of the one that lacks least, by subband."""
    told = subprocess.run([os.path.join(BUILD, "msio"), "groups", folder, "--json"], capture_output=True, text=True)
    groups = json.loads(told.stdout or "{}").get("groups")
    if not groups:
        raise SystemExit(f"bench: no group of UVH5 files in {folder} {told.stderr.strip()}".rstrip())
    group = max(groups, key=lambda g: (g["complete"], len(g["files"])))
    return [f["path"] for f in sorted(group["files"], key=lambda f: f["subband"])]


def peers(o):
    """For h5py and pyuvdata: (a Python that has it, or None; why there is none)."""
    if o.no_peers:
        return {peer: (None, "left out: --no-peers") for peer in ("h5py", "pyuvdata")}
    own, log = os.path.join(PLACE, "venv-group"), os.path.join(PLACE, "venv-group.log")
    python = os.path.join(own, "bin", "python")

    def has(candidate, peer):
        command = [candidate, "-c", f"import {peer}"]
        return shutil.which(candidate) and not subprocess.run(command, capture_output=True).returncode
    if not has(python, "pyuvdata"):
        say("installing h5py and pyuvdata into build/bench/venv-group", o.quiet)
        with open(log, "w") as f:
            for command in ([sys.executable, "-m", "venv", own],
                            [python, "-m", "pip", "install", "-q", "h5py", "hdf5plugin", "pyuvdata"]):
                if not os.path.exists(command[0]) or subprocess.run(command, stdout=f, stderr=f).returncode:
                    break
    found = {}
    for peer in ("h5py", "pyuvdata"):
        having = next((p for p in (python, sys.executable) if has(p, peer)), None)
        why = f"absent: cannot be installed here ({os.path.relpath(log, TOP)} says why)"
        found[peer] = (having, None if having else why)
    return found


class Readers:
    """Workers on one group, started when first asked for."""

    def __init__(self, paths, pythons):
        self.paths, self.pythons, self.by_name = paths, pythons, {}

    def start(self, reader):
        """(a worker or None, why there is none)"""
        if reader in ("msio", "roofline"):
            program = os.path.join(BUILD, "bench", "bench_group")
            if not os.path.exists(program):
                raise SystemExit(f"bench: {program} is not built")
            return Worker([program] + self.paths, False), None
        python, why = self.pythons[reader]
        if not python:
            return None, why
        worker = Worker([python, "-B", os.path.join(TOP, "bench", "bench_group.py"), reader] + self.paths, True)
        return (worker, None) if worker.ready else (None, "absent: its worker did not start")

    def get(self, reader):
        name = "msio" if reader == "roofline" else reader
        if name not in self.by_name:
            self.by_name[name] = self.start(name)
        return self.by_name[name]

    def versions(self):
        return {k: v for worker, _ in self.by_name.values() if worker and worker.greeting
                for k, v in worker.told()["versions"].items()}

    def close(self):
        for worker, _ in self.by_name.values():
            if worker:
                worker.close()


# ---------------------------------------------------------------- measuring

def measure_work(work, readers, tries, threads):
    """Every reader in turn, tries times over; the first round is checked and warms up. A reader that is absent, or
    failed, has a result that says why."""
    results, sums = {}, {}
    for turn in range(tries + 1):
        for reader, variant, n in WORKS[work]:
            worker, why = readers.get(reader)
            n = threads if reader == "msio" and not n else n
            entry = results.setdefault((reader, variant, n), {
                "work": work, "reader": reader, "variant": variant, "threads": n, "bytes": 0, "seconds": []})
            if not worker:
                entry["absent"] = why
            if "absent" in entry:
                continue
            if work == "group-cold" and turn:
                drop_files(readers.paths)
            before = from_disk(worker)
            all_of_them = len(os.sched_getaffinity(0)) if reader == "roofline" else 0
            answer = worker.ask(work, variant, n or all_of_them, int(not turn))
            if answer["seconds"] < 0:
                entry["absent"] = f"failed: {answer.get('why', 'standard error says why')}"
                continue
            entry["bytes"] = answer["bytes"]
            if answer["checksum"]:
                sums.setdefault(answer["bytes"], {}).setdefault(answer["checksum"], set()).add(f"{reader} {variant}")
            if turn:
                for key in ("seconds", "index_seconds", "read_seconds") if reader == "msio" else ("seconds",):
                    entry.setdefault(key, []).append(answer[key])
                if work == "group-cold":  # the evidence that it was
                    entry.setdefault("disk_bytes", []).append(from_disk(worker) - before)
        if not turn:  # who reads something else is not timed
            compare(work, sums)
    return list(results.values())


def compare(work, sums):
    """One checksum for all who read as many bytes; in group-part one of them reads the whole."""
    if any(len(found) > 1 for found in sums.values()) or len(sums) > (2 if work == "group-part" else 1):
        raise SystemExit(f"bench: the readers differ in what they read for {work}: {sums}")


def memory_of(pid):
    """Bytes: resident and its peak; of them what is the process's own, not pages of files."""
    with open(f"/proc/{pid}/status") as f:
        fields = {line.split(":")[0]: int(line.split()[1]) << 10 for line in f
                  if line.startswith(("VmRSS", "VmHWM", "Rss"))}
    return fields["VmRSS"], fields["VmHWM"], fields["RssAnon"] + fields["RssShmem"]


def memory_above_output(readers, reader, variant, n):
    """One load in a fresh process, whose output memory is there already, or is taken off (pyuvdata makes its own). Of the
    resident set the system keeps the peak; what is the process's own of it is looked at every millisecond."""
    entry = {"work": "group", "reader": reader, "variant": f"memory {variant}", "threads": n, "bytes": 0, "seconds": []}
    worker, why = readers.start(reader)
    if not worker:
        return entry | {"absent": why}
    prepared = worker.ask("group", "prepare", 0)["bytes"]
    pid, highest, over = worker.process.pid, [0], threading.Event()
    try:
        with open(f"/proc/{pid}/clear_refs", "w") as f:
            f.write("5")  # the peak starts anew
    except OSError as error:
        worker.close()
        return entry | {"absent": f"the peak cannot be reset: {error.strerror}"}
    resident, _, own = memory_of(pid)

    def look():
        while not over.wait(1e-3):
            highest[0] = max(highest[0], memory_of(pid)[2])
    looking = threading.Thread(target=look)
    looking.start()
    answer = worker.ask("group", variant, n)
    over.set()
    looking.join()
    if answer["seconds"] < 0:
        worker.close()
        return entry | {"absent": f"failed: {answer.get('why', 'standard error says why')}"}
    made = 0 if prepared else answer["bytes"]
    entry |= {"bytes": answer["bytes"], "seconds": [answer["seconds"]],
              "resident_above_output": max(0, memory_of(pid)[1] - resident - made),
              "own_above_output": max(0, highest[0] - own - made)}
    worker.close()
    return entry


def storage(path):
    """The device and file system that a path lies on, as the system tells them."""
    device = os.stat(path).st_dev
    number = f"{os.major(device)}:{os.minor(device)}"
    found = {"device": number, "file_system": "unknown", "rotational": None}
    with open("/proc/self/mountinfo") as f:
        for line in f:
            head, _, tail = line.partition(" - ")
            if head.split()[2] == number:
                found["file_system"], found["device"] = tail.split()[:2]
    for folder in (f"/sys/dev/block/{number}", f"/sys/dev/block/{number}/.."):  # of a partition its disk says it
        try:
            with open(os.path.join(folder, "queue", "rotational")) as f:
                found["rotational"] = f.read().strip() == "1"
        except OSError:
            continue
    return found


def folder_of(work, o, pythons):
    small = ["--antennas", "24", "--times", "8"] if o.quick else []
    tag = "-quick" if o.quick else ""
    if o.on:
        return o.on
    if work == "group-lzf":
        return simulated(f"group-lzf{tag}", small + ["--compression", "lzf"], o.quiet)
    if work == "group-bitshuffle":
        noisy = simulated(f"group-noise{tag}", small + ["--noise", "0.5"], o.quiet)
        return repacked(noisy, os.path.join(PLACE, f"group-bitshuffle{tag}"), pythons, o.quiet)
    return simulated(f"group{tag}", small, o.quiet)


def repacked(folder, target, pythons, quiet):
    """The folder's files with bitshuffle, made by h5py and hdf5plugin; the folder itself where these are not there."""
    python = pythons["h5py"][0]
    if python and not all(os.path.exists(os.path.join(target, name)) for name in os.listdir(folder)):
        say(f"packing {target}", quiet)
        subprocess.run([python, "-B", os.path.join(TOP, "bench", "repack_group.py"), folder, target])
    return target if os.path.isdir(target) else folder


# What the group's flags have to be packed with.
PACKED = {"group-lzf": "lzf", "group-bitshuffle": "bitshuffle"}


def is_packed(readers, work):
    worker, _ = readers.get("msio")
    return PACKED.get(work, "") in worker.ask("filters", "-", 0).get("filters", "")


def measure(works, o, keep):
    """(results, what they were measured with and on); keep is given both after each work, so that a run that is stopped
    has not been for nothing."""
    pythons, results, seen = peers(o), [], {"storage": storage(o.on or PLACE), "versions": {}}
    readers, last = None, None
    for work in works:
        say(f"{work} ...", o.quiet)
        folder = folder_of(work, o, pythons)
        if folder != last:  # one group at a time: the workers' memory is large
            if readers:
                readers.close()
            readers, last = Readers(files_of(folder), pythons), folder
        if not is_packed(readers, work):
            results.append({"work": work, "reader": "msio", "variant": "warm", "threads": 0, "bytes": 0, "seconds": [],
                            "absent": f"the group's flags are not packed with {PACKED[work]}"})
            continue
        results += measure_work(work, readers, o.tries or (3 if o.quick else TRIES[work]), o.threads)
        seen["versions"] |= readers.versions()
        if work == "group":
            readers.close()
            readers, last = None, None
            fresh = Readers(files_of(folder), pythons)
            results += [memory_above_output(fresh, *row) for row in MEMORY]
        keep(results, seen)
    if readers:
        readers.close()
    return results, seen


# ---------------------------------------------------------------- what the targets ask for

def first_rows(rows):
    """The first row of each variant: all threads."""
    found = {}
    for r in rows:
        found.setdefault((r["reader"], r["variant"]), r)
    return list(found.values())


def ratio(numerator, denominator):
    return numerator / denominator if numerator and denominator else None


def part_against_whole(rows):
    """Seconds a byte of the part, in those of the whole group."""
    entries = {r["variant"]: r for r in rows if r["reader"] == "msio" and r["seconds"]}
    if not {"warm", "whole"} <= set(entries):
        return None
    each = [statistics.median(entries[v]["seconds"]) / entries[v]["bytes"] for v in ("warm", "whole")]
    return each[0] / each[1]


def every_try(rows):
    """The least factor by which msio was faster than h5py in the same turn."""
    entries = {r["reader"]: r["seconds"] for r in rows if r["seconds"]}
    return min((b / a for a, b in zip(entries.get("msio", []), entries.get("h5py", []))), default=None)


def targets(results):
    """Each as {target, wanted, at_most, reached, met}; met is None where it was not measured or nothing is wanted."""
    of = {work: [r for r in results if r["work"] == work and not r["variant"].startswith("memory")] for work in WORKS}
    list_of = []

    def add(work, name, wanted, reached, at_most=False):
        if of[work]:
            met = None if reached is None or wanted is None else (reached <= wanted if at_most else reached >= wanted)
            list_of.append({"target": name, "wanted": wanted, "at_most": at_most, "reached": reached, "met": met})

    def all_threads(work, variant):
        return best_of(first_rows(of[work]), f"msio/{variant}")

    def against(work, mine, theirs):
        return ratio(best_of(of[work], theirs), all_threads(work, mine))
    add("group", "group, warm: roofline", 0.75, against("group", "warm", "roofline/raw"))
    add("group", "group, warm: h5py into the same arrays", 15, against("group", "warm", "h5py/warm"))
    add("group", "group, warm: pyuvdata", 40, against("group", "warm", "pyuvdata"))
    add("group", "group, new memory: h5py into new arrays", 12, against("group", "new", "h5py/new"))
    add("group-cold", "group-cold: 16 raw reads in flight", 0.85, against("group-cold", "warm", "roofline/raw16"))
    add("group-cold", "group-cold: h5py, the worst try", 1, every_try(of["group-cold"]))
    add("group-lzf", "group-lzf: h5py", 5, against("group-lzf", "warm", "h5py/warm"))
    add("group-bitshuffle", "group-bitshuffle: h5py", None, against("group-bitshuffle", "warm", "h5py/warm"))
    add("group-part", "group-part: time a byte, in the whole group's", 1.3, part_against_whole(of["group-part"]),
        at_most=True)
    memory = next((r for r in results if r["reader"] == "msio" and "own_above_output" in r), None)
    add("group", "group: MiB above the output", MEMORY_LIMIT >> 20,
        memory and memory["resident_above_output"] / 2**20, at_most=True)
    for work, variant in (("group", "new"), ("group-cold", "warm")):
        add(work, f"{work}, {variant}: 300 s, how often", None, ratio(SECONDS_WANTED, all_threads(work, variant)))
    return list_of


# ---------------------------------------------------------------- tables

def memory_lines(results):
    lines = ["", "| memory above the output, at the most | MiB resident | MiB of it its own, not pages of files |",
             "|---|---|---|"]
    rows = [r for r in results if "own_above_output" in r]
    for r in rows:
        sizes = [f"{r[key] / 2**20:.1f}" for key in ("resident_above_output", "own_above_output")]
        lines.append(f"| {r['reader']} {r['variant'].split()[1]} | {' | '.join(sizes)} |")
    return lines if rows else []


def table(results, seen):
    disk = seen["storage"]
    kind = {True: ", which the system calls rotating", False: ", which does not rotate", None: ""}[disk["rotational"]]
    used = ", ".join(f"{name} {version}" for name, version in seen["versions"].items())
    where = f"On {disk['file_system']} of {os.path.basename(disk['device'])}{kind}"
    lines = [f"{where}{'; ' + used if used else ''}.", ""] + TIME_HEAD
    for work in dict.fromkeys(r["work"] for r in results):
        rows = [r for r in results if r["work"] == work and r["seconds"] and "own_above_output" not in r]
        lines += time_lines(work, rows)
    lines += target_lines(targets(results)) + memory_lines(results)
    cold = [r for r in results if r.get("disk_bytes")]
    lines += cold_lines("group-cold", cold) if cold else []
    return "\n".join(lines + absent_lines(results))


def overview(results):
    """For the README: medians, msio on all threads beside the best of each other reader."""
    lines = ["| work | msio | roofline | h5py | pyuvdata |", "|---|---|---|---|---|"]
    for title, work, names in (
            ("16 subbands to one array", "group", ("msio/warm", "roofline/raw", "h5py/warm", "pyuvdata")),
            ("the same, new memory", "group", ("msio/new", "roofline/pread-new", "h5py/new", "-")),
            ("the same, from the disk", "group-cold", ("msio/warm", "roofline/raw16", "h5py/warm", "-")),
            ("flags and nsamples, LZF", "group-lzf", ("msio/warm", "-", "h5py/warm", "-")),
            ("a quarter of the subbands, one integration", "group-part", ("msio/warm", "-", "h5py/slices", "-"))):
        rows = [r for r in results if r["work"] == work]
        times = [best_of(rows if not name.startswith("msio") else first_rows(rows), name) for name in names]
        if rows:
            lines.append(f"| {title} | " + " | ".join(human(t) if t else "-" for t in times) + " |")
    return "\n".join(lines)


MARKS = [("docs/benchmarks.md", "<!-- group:begin -->", "<!-- group:end -->"),
         ("README.md", "<!-- bench-group:begin -->", "<!-- bench-group:end -->")]


def document(text, results, printed):
    rewrite(*MARKS[0], f"{printed}\n\n{text}")
    rewrite(*MARKS[1], f"{printed} Medians; the best of each reader's variants.\n\n{overview(results)}")
