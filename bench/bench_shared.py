"""bench_shared.py - what the benchmarks of tables and of groups share: places, workers, page cache, numbers, documents."""
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
PLACE = os.path.join(TOP, "build", "bench")


def build_folder():
    """The build that msio-bench stands in; build/release where the script itself was started."""
    beside = os.path.dirname(os.path.abspath(sys.argv[0]))
    built = os.path.exists(os.path.join(beside, "bench", "bench_msio"))
    return beside if built else os.path.join(TOP, "build", "release")


BUILD = build_folder()
for module in ("casacore", "hdf5"):  # those of this build, not installed ones
    if os.path.exists(os.path.join(BUILD, f"msio_{module}.so")):
        os.environ.setdefault(f"MSIO_{module.upper()}_MODULE", os.path.join(BUILD, f"msio_{module}.so"))


def say(text, quiet=False):
    if not quiet:
        print(text, file=sys.stderr, flush=True)


# ---------------------------------------------------------------- the page cache

def drop_files(paths):
    """Drops files from the page cache; root drops the names and inodes as well."""
    os.sync()
    for path in paths:
        fd = os.open(path, os.O_RDONLY)
        os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(fd)
    try:
        with open("/proc/sys/vm/drop_caches", "w") as f:
            f.write("3")
    except OSError:
        pass  # only root may


def drop_page_cache(path):
    """Drops an MS, its subtables too."""
    drop_files(os.path.join(folder, name) for folder, _, names in os.walk(path) for name in names)


# ---------------------------------------------------------------- workers

class Worker:
    """A process that does one reader's repetitions on request."""

    def __init__(self, command, waits, environment=None):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        env=os.environ | (environment or {}))
        self.greeting = self.process.stdout.readline() if waits else ""
        self.ready = not waits or bool(self.greeting)

    def ask(self, work, variant, threads, check=0):
        try:
            self.process.stdin.write(f"{work} {variant} {threads} {check}\n")
            self.process.stdin.flush()
            return json.loads(self.process.stdout.readline())
        except (OSError, ValueError):
            return {"seconds": -1, "bytes": 0, "checksum": 0}

    def told(self):
        """What it said when it was ready."""
        return json.loads(self.greeting)

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def from_disk(worker):
    """Bytes that the worker had the disk fetch so far."""
    with open(f"/proc/{worker.process.pid}/io") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("read_bytes"))


# ---------------------------------------------------------------- counts

def system_calls(program, path, request):
    """System calls of one request: strace of two of them less strace of one; None without strace."""
    if not shutil.which("strace"):
        return None
    counts = []
    for times in (1, 2, 3):  # the first one warms up
        with tempfile.NamedTemporaryFile("r") as f:
            done = subprocess.run(["strace", "-f", "-c", "-U", "calls,name", "-o", f.name, program, path],
                                  input=f"{request} 0\n" * times, capture_output=True, text=True)
            total = [line for line in f.read().splitlines() if line.split()[1:] == ["total"]]
            if done.returncode or not total:
                return None
            counts.append(int(total[0].split()[0]))
    return counts[2] - counts[1]


def counted(program, path, request):
    """Bytes and read calls (/proc/PID/io), allocations, and system calls of one request; the one before it warms up."""
    worker = Worker([program, path], False, {"LD_PRELOAD": os.path.join(BUILD, "bench", "libbench_allocations.so")})
    worker.ask(*request.split())

    def counts():
        with open(f"/proc/{worker.process.pid}/io") as f:
            io = dict(line.split(": ") for line in f.read().splitlines())
        return int(io["rchar"]), worker.ask("allocations", "-", 0)["bytes"]
    before = counts()
    own = counts()  # what asking costs
    answer = worker.ask(*request.split())
    after = counts()
    worker.close()
    return {"bytes": answer["bytes"], "seconds": [answer["seconds"]],
            "bytes_read": after[0] - own[0] - (own[0] - before[0]), "allocations": after[1] - own[1] - (own[1] - before[1]),
            "system_calls": system_calls(program, path, request)}


# ---------------------------------------------------------------- numbers

def typical(row):
    return min(row["seconds"]), statistics.median(row["seconds"])


def best_of(rows, against):
    reader, variant, threads = (against.split("/") + ["", ""])[:3]
    fitting = [r for r in rows if r["reader"] == reader and variant in ("", r["variant"]) and r["seconds"]
               and threads in ("", str(r["threads"]))]
    return min((statistics.median(r["seconds"]) for r in fitting), default=None)


def human(seconds):
    for unit, size in (("s", 1), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds / 1e-9:.3g} ns"


def time_lines(work, rows):
    """Lines of the table of times; the factors are those of the first row of msio."""
    mine = next((r for r in rows if r["reader"] == "msio"), None)
    lines = []
    for r in rows:
        least, median = typical(r)
        rate = f"{r['bytes'] / median / 1e9:.2f}" if r["bytes"] else "-"
        factor = f"{median / typical(mine)[1]:.2f}" if mine and r is not mine else "-"
        lines.append(f"| {work} | {r['reader']} | {r['variant']} | {r['threads'] or 'all'} | {human(least)} | "
                     f"{human(median)} | {rate} | {factor} |")
    return lines


TIME_HEAD = ["| work | reader | variant | threads | least | median | GB/s | msio is so much faster |",
             "|---|---|---|---|---|---|---|---|"]


def cold_lines(title, rows):
    """Every try of a cold work."""
    return ["", f"| {title}, every try | seconds | GB from the disk |", "|---|---|---|"] + [
        f"| {r['reader']} {r['variant']} | {', '.join(f'{s:.3f}' for s in r['seconds'])} | "
        f"{', '.join(f'{b / 1e9:.2f}' for b in r['disk_bytes'])} |" for r in rows]


def target_lines(targets):
    """Of targets as {target, wanted, at_most, reached, met}."""
    lines = ["", "| target | wanted | reached | |", "|---|---|---|---|"]
    for t in targets:
        wanted = "reported" if t["wanted"] is None else f"{'at most ' if t['at_most'] else ''}{t['wanted']}"
        reached = "not measured" if t["reached"] is None else f"{t['reached']:.{0 if t['reached'] >= 100 else 2}f}"
        verdict = "" if t["met"] is None else "met" if t["met"] else "**missed**"
        lines.append(f"| {t['target']} | {wanted} | {reached} | {verdict} |")
    return lines


def absent_lines(results):
    missing = dict.fromkeys(f"- {r['work']}: {r['reader']} ({r['variant']}): {r['absent']}" for r in results
                            if "absent" in r)
    return ["", "Not measured:", "", *missing] if missing else []


# ---------------------------------------------------------------- documents

def marked(name, begin, end):
    """What stands before and behind the marks, both of them included; ends the run where they are missing."""
    with open(os.path.join(TOP, name)) as f:
        head, found, rest = f.read().partition(begin)
    _, _, tail = rest.partition(end)
    if not found or not tail:
        raise SystemExit(f"bench: {name} lacks the marks {begin} and {end}")
    return head + begin, end + tail


def rewrite(name, begin, end, text):
    head, tail = marked(name, begin, end)
    with open(os.path.join(TOP, name), "w") as f:
        f.write(f"{head}\n{text}\n{tail}")
