#!/usr/bin/env python3
"""run_chain.py - a simulated observation from UVH5 files to an image, checked by numbers, and timed.

usage: ./bootstrap pipeline [--size small|mid|full] [--compare] [--verify] [--keep] [--out FILE.json] [--document]

Sources, noise, gains of antennas and interference are put in; converted, flagged, predicted and judged by msio, calibrated by
CASA, imaged by WSClean. Then it is held against what was put in: the sources' places and fluxes, the gains, what is left. --compare
does the same as it is done today, by pyuvdata, CASA's concat, python-casacore and numpy, and tells both times step by step.
--document puts the comparison into docs/benchmarks.md.
Exit code 1: a number is not what it must be; 2: wrong usage; 3: a step failed.
"""
import argparse
import json
import math
import os
import pathlib
import platform
import shutil
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
MSIO = ROOT / "build" / "release" / "msio"
# (arcsec to the east, to the north, Jy) of the phase centre; in the middle of pixels: the array is a lattice, whose sidelobes of
# nearly a whole source leave no room for what a pixel beside is taken for
SOURCES = ((396, -252, 4.0), (-300, 198, 2.0), (102, 498, 1.0))
SUBBANDS, CHANNELS = 16, 48  # of the group as the telescope has it
NOISE, GAINS, LIMIT, INTERFERENCE = 0.5, 7, 60, 500  # Jy; a seed; Jy, above which amplitudes are flagged; Jy
SPOILED = "11:{rows}:97"  # rows with interference, in one channel
SPOILED_CHANNEL = "3:4"
CELL, PIXELS = 6, 512  # arcsec
# antennas, integrations, subbands that are there: those of one size spread over the band, for an image of few sidelobes
SIZES = {"small": (24, 6, (0, 5, 10, 15)), "mid": (64, 24, (0, 5, 10, 15)), "full": (96, 24, tuple(range(16)))}
REFERENCE = 10  # the antenna whose phases are 0; its name is one more
TITLES = {"convert": "UVH5 files to a Measurement Set", "check": "three columns on every row", "flag": "flag interference",
          "count": "flag fractions", "model": "model of the sky into MODEL_DATA", "import": "import of casatasks",
          "gaincal p": "gaincal, phases", "bandpass": "bandpass", "gaincal ap": "gaincal, amplitudes and phases",
          "applycal": "applycal", "chi": "chi-squared", "image": "image, WSClean"}
STEPS = {"calibration": 5, "imaging": 1}  # of msio verify's own preset, where there is a model
CALIBRATION = ("gaincal p", "bandpass", "gaincal ap", "applycal")


class Failed(Exception):
    """A step ended with an error."""


def say(text):
    print(f"== {text}", file=sys.stderr, flush=True)


# ---------------------------------------------------------------- programs

def run(command, log):
    """Seconds of a program; its output goes to a file, whose end is shown when it fails."""
    with open(log, "ab") as out:
        began = time.perf_counter()
        code = subprocess.run([str(word) for word in command], stdout=out, stderr=out, stdin=subprocess.DEVNULL,
                              cwd=os.path.dirname(log)).returncode
        seconds = time.perf_counter() - began
    if code:
        tail = pathlib.Path(log).read_text(errors="replace").splitlines()[-12:]
        raise Failed(f"{' '.join(str(word) for word in command[:3])} ended with {code}:\n  " + "\n  ".join(tail))
    return seconds


def asked(*command):
    """What a command of msio's prints as JSON."""
    return json.loads(subprocess.run([MSIO, *map(str, command), "--json"], check=True, stdout=subprocess.PIPE).stdout)


class Worker:
    """A program that answers requests, a line of JSON each."""

    def __init__(self, command, log):
        self.log = open(log, "ab")
        self.process = subprocess.Popen([str(word) for word in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=self.log, cwd=os.path.dirname(log), text=True)
        self.greeting = self.read("its start")

    def read(self, what):
        line = self.process.stdout.readline()
        told = json.loads(line) if line else {"error": f"the program ended ({self.log.name} says why)"}
        if "error" in told:
            raise Failed(f"{what}: {told['error']}")
        return told

    def ask(self, what, **arguments):
        kind, name = what
        self.process.stdin.write(json.dumps({kind: name, "arguments": arguments}) + "\n")
        self.process.stdin.flush()
        return self.read(name)

    def close(self):
        self.process.stdin.close()
        self.process.wait()
        self.log.close()


# ---------------------------------------------------------------- the observation

class Observation:
    """Simulated files, and all that was put into them."""

    def __init__(self, folder, size):
        self.folder, (self.antennas, self.times, self.subbands) = folder, SIZES[size]
        self.group, self.log = folder / "group", folder / "msio.log"
        self.sky, self.truth = folder / "sky.txt", folder / "group.gains.npy"
        self.gains = {"truth": str(self.truth), "windows": [sorted(SUBBANDS - 1 - b for b in self.subbands), SUBBANDS]}
        self.centre = self.find_centre()
        self.sources = [self.place(*source) for source in SOURCES]
        lines = ["Format = Name, Type, Ra, Dec, I"] + [
            f"s{n}, POINT, {ra!r}rad, {dec!r}rad, {flux}" for n, (ra, dec, flux) in enumerate(self.sources)]
        self.sky.write_text("\n".join(lines) + "\n")
        missing = [str(b) for b in range(SUBBANDS) if b not in self.subbands]
        run([MSIO, "simulate", "uvh5", "--out", self.group, "--antennas", self.antennas, "--times", self.times, "--sky", self.sky,
             "--noise", NOISE, "--gains", GAINS, *(["--missing", ",".join(missing)] if missing else [])], self.log)
        self.files = sorted(self.group.iterdir())
        self.bytes = sum(file.stat().st_size for file in self.files)

    def find_centre(self):
        """The meridian in the middle of the observation, right ascension and declination in rad."""
        probe = self.folder / "probe"
        run([MSIO, "simulate", "uvh5", "--out", probe, "--antennas", 2, "--times", self.times, "--subbands", 1, "--channels", 1],
            self.log)
        run([MSIO, "convert", *probe.iterdir(), "--out", f"{probe}.ms"], self.log)
        line = subprocess.run([MSIO, "read", f"{probe}.ms::FIELD", "PHASE_DIR", "--format", "json", "--rows", str(self.times // 2)],
                              check=True, stdout=subprocess.PIPE, text=True).stdout
        return json.loads(line)[0]

    def place(self, east, north, flux):
        ra, dec = self.centre
        return ra + math.radians(east / 3600) / math.cos(dec), dec + math.radians(north / 3600), flux

    def phase(self):
        return ",".join(repr(math.degrees(angle)) for angle in self.centre)

    def spoil(self, vis):
        """Interference; how many visibilities have it."""
        rows = asked("info", vis)["rows"]
        place = SPOILED.format(rows=rows)
        run([MSIO, "fill", vis, "DATA", INTERFERENCE, "--rows", place, "--chans", SPOILED_CHANNEL, "--force"], self.log)
        return 2 * len(range(*slice(*map(int, place.split(":"))).indices(rows)))

    def imaging(self, vis, name):
        return ["wsclean", "-name", name, "-size", PIXELS, PIXELS, "-scale", f"{CELL}asec", "-niter", 5000, "-mgain", 0.2,
                "-gain", 0.05, "-threshold", 0.05, "-weight", "briggs", 0.5, "-reorder", "-no-update-model-required", vis]


# ---------------------------------------------------------------- the steps

def calibrate(casa, vis, name, seconds):
    """CASA's part, the same in both chains: phases, bandpass, gains, all applied."""
    table = {step: f"{name}.{step.split()[-1]}" for step in CALIBRATION}
    common = {"vis": vis, "refant": str(REFERENCE + 1), "combine": "scan,field", "solint": "inf"}
    pre, bandpass, gains = (table[step] for step in CALIBRATION[:3])
    calls = {"gaincal p": ("gaincal", {**common, "caltable": pre, "gaintype": "G", "calmode": "p"}),
             "bandpass": ("bandpass", {**common, "caltable": bandpass, "bandtype": "B", "minsnr": 3, "gaintable": [pre]}),
             "gaincal ap": ("gaincal", {**common, "caltable": gains, "gaintype": "G", "calmode": "ap", "gaintable": [bandpass]}),
             "applycal": ("applycal", {"vis": vis, "gaintable": [bandpass, gains], "calwt": False, "flagbackup": False})}
    for step, (task, arguments) in calls.items():
        say(f"{name}: {TITLES[step]}")
        seconds[step] = casa.ask(("task", task), **arguments)["seconds"]
    return [bandpass, gains]


def flagged(vis, spoiled):
    """What was flagged beside what was put in."""
    found = asked("flags", vis, "--no-flag-row")["flagged"]
    return [{"name": "visibilities flagged", "found": found, "least": spoiled, "most": spoiled, "met": found == spoiled}]


def chain_ours(o, casa):
    vis, seconds = str(o.folder / "ours.ms"), {}
    say(f"ours: files to image by msio, CASA and WSClean, in {o.folder}")
    seconds["convert"] = run([MSIO, "convert", *o.files, "--out", vis, "--phase", o.phase()], o.log)
    spoiled = o.spoil(vis)
    seconds["check"] = run([MSIO, "info", vis, "--json"], o.log)
    seconds["flag"] = run([MSIO, "flags", vis, "--above", f"amp={LIMIT}"], o.log)
    seconds["count"] = run([MSIO, "flags", vis, "--by", "spw,channel,antenna,field"], o.log)
    found = flagged(vis, spoiled)
    seconds["model"] = run([MSIO, "model", vis, "--sky", o.sky], o.log)
    tables = calibrate(casa, vis, "ours", seconds)
    seconds["chi"] = run([MSIO, "stats", vis, "--columns", "none", "--no-medians", "--chi2", "CORRECTED_DATA,MODEL_DATA"], o.log)
    say("ours: image, WSClean")
    seconds["image"] = run(o.imaging(vis, "ours"), o.log)
    return seconds, found + check(o, casa, "ours", vis, tables)


def chain_today(o, casa, python):
    vis, seconds = str(o.folder / "today.ms"), {}
    say(f"today: the same by pyuvdata, concat, python-casacore, CASA and WSClean, in {o.folder}")
    worker = Worker([python, "-B", HERE / "chain_today.py", o.folder, *o.centre, *o.files], o.folder / "today.log")

    def call(name, **arguments):
        return worker.ask(("call", name), **arguments)["seconds"]
    try:
        seconds["convert"] = call("convert", out=vis)
        spoiled = o.spoil(vis)
        seconds["check"] = call("check", path=vis)
        seconds["flag"] = casa.ask(("task", "flagdata"), vis=vis, mode="clip", clipminmax=[0, LIMIT], datacolumn="DATA",
                                   flagbackup=False)["seconds"]
        seconds["count"] = call("flags", path=vis)
        found = flagged(vis, spoiled)
        seconds["model"] = call("columns", path=vis) + call("predict", path=vis, sources=o.sources)
        calibrate(casa, vis, "today", seconds)
        seconds["chi"] = call("chi", path=vis)
    finally:
        worker.close()
    say("today: image, WSClean")
    seconds["image"] = run(o.imaging(vis, "today"), o.log)
    # phases are not those that were put in: astropy knows how the Earth stood, the simulation takes UT1 for UTC
    return seconds, found + check(o, casa, "today", vis, None), worker.greeting["versions"]


# ---------------------------------------------------------------- the truth

def check(o, casa, name, vis, tables):
    """What came out beside what was put in; tables of solutions where the gains are to be checked too."""
    found = []
    if tables:
        found += casa.ask(("check", "gains"), tables=tables, **o.gains, noise=NOISE,
                          flux=math.sqrt(sum(flux**2 for _, _, flux in o.sources)), integrations=o.times,
                          reference=REFERENCE)["findings"]
    found += casa.ask(("check", "residual"), vis=vis, **o.gains, noise=NOISE)["findings"]
    return found + casa.ask(("check", "image"), image=f"{name}-image.fits", sources=o.sources)["findings"]


def tell(name, findings):
    print(f"\n{name}: what came out, and what must come out")
    for f in findings:
        print(f"  {f['name']:<54}{f['found']:>12.6g}   {f['least']:.6g} to {f['most']:.6g}   {'met' if f['met'] else 'NOT MET'}")


def verify(o, python):
    """Calibration and imaging of the result, each step a program of its own under the profiler: its judgement, and the text."""
    say("msio verify --run calibration,imaging")
    run = subprocess.run([MSIO, "verify", o.folder / "ours.ms", "--run", "calibration,imaging", "--json", "--quiet"],
                         env={**os.environ, "MSIO_CASA_PYTHON": python}, stdout=subprocess.PIPE)
    if run.returncode not in (0, 1):
        raise Failed("msio verify --run did not come to its end")
    found = []
    for path in json.loads(run.stdout)["paths"]:
        if path["name"] in ("calibration", "imaging"):
            print(f"\nmsio verify: {path['name']}: {path['verdict']}, {path['reason']}")
            for step in path.get("steps", []):
                if not step["skipped"]:
                    print(f"  {step['name']:<16}{step['seconds']:>8.3g} s, table layer {100 * (step['table_layer_share'] or 0):.2g}% of it, "
                          f"{step['bytes_read'] / 1e6:.3g} MB read, {len(step['findings'])} findings")
            ran = [step for step in path.get("steps", []) if not step["skipped"] and step["exit_code"] == 0 and step["bytes_read"]]
            found.append({"name": f"{path['name']}: steps that ended well and read tables", "found": len(ran),
                          "least": STEPS[path["name"]], "most": STEPS[path["name"]], "met": len(ran) == STEPS[path["name"]]})
    return found


# ---------------------------------------------------------------- times

def times_text(ours, today):
    lines = [f"\n  {'step':<36}{'msio, s':>10}" + (f"{'today, s':>10}{'factor':>8}" if today else "")]
    for step, title in [*((step, TITLES[step]) for step in TITLES if step in ours), ("all", "all steps")]:
        one, other = (sum(times.values()) if step == "all" else times.get(step, 0) for times in (ours, today or {}))
        lines.append(f"  {title:<36}{one:>10.3g}" + (f"{other:>10.3g}{other / one:>8.3g}" if today else ""))
    return "\n".join(lines)


MARKS = "<!-- chain:begin -->", "<!-- chain:end -->"


def document(result):
    """Rewrites the table in docs/benchmarks.md."""
    ours, today, o = result["seconds"]["ours"], result["seconds"]["today"], result["observation"]
    text = [f"Printed by `./bootstrap pipeline --size {result['size']} --compare --document` on {time.strftime('%Y-%m-%d')}: "
            f"{o['antennas']} antennas, {o['integrations']} integrations, {o['subbands']} subbands, {o['bytes'] / 1e6:.0f} MB of UVH5 "
            f"files; {os.cpu_count()} processors; each step once. CASA {result['versions']['casatasks']}, pyuvdata "
            f"{result['versions']['pyuvdata']}.", "", "| step | with msio | as today | factor |", "|---|---|---|---|"]
    for step in [step for step in TITLES if step in ours] + ["all"]:
        one, other = (sum(times.values()) if step == "all" else times[step] for times in (ours, today))
        text.append(f"| {TITLES.get(step, 'all steps')} | {one:.3g} s | {other:.3g} s | {other / one:.3g} |")
    file = ROOT / "docs" / "benchmarks.md"
    old = file.read_text()
    head, rest = old.split(MARKS[0])
    file.write_text(head + MARKS[0] + "\n" + "\n".join(text) + "\n" + MARKS[1] + rest.split(MARKS[1])[1])


# ---------------------------------------------------------------- the run

def arguments():
    parser = argparse.ArgumentParser(prog="./bootstrap pipeline", description=__doc__.split("\n\n")[2])
    parser.add_argument("--size", choices=SIZES, default="small")
    for name in ("compare", "verify", "keep", "document"):
        parser.add_argument(f"--{name}", action="store_true")
    parser.add_argument("--out")
    parser.add_argument("--folder", default=ROOT / "build" / "pipeline", type=pathlib.Path)
    parser.add_argument("--python", default=sys.executable, help=argparse.SUPPRESS)
    o = parser.parse_args()
    if o.document and not o.compare:
        parser.error("--document wants --compare")
    return o


def measure(o, folder):
    began = time.perf_counter()
    observation = Observation(folder, o.size)
    casa = Worker([o.python, "-B", HERE / "chain_casa.py"], folder / "casa.log")
    result = {"size": o.size, "machine": platform.processor() or platform.machine(), "versions": {"casatasks": casa.greeting["casatasks"]},
              "observation": {"antennas": observation.antennas, "integrations": observation.times,
                              "subbands": len(observation.subbands), "bytes": observation.bytes},
              "import_seconds": casa.greeting["seconds"], "seconds": {}, "findings": {}}
    try:
        result["seconds"]["ours"], result["findings"]["ours"] = chain_ours(observation, casa)
        if o.compare:
            result["seconds"]["today"], result["findings"]["today"], more = chain_today(observation, casa, o.python)
            result["versions"].update(more)
    finally:
        casa.close()
    if o.verify:
        result["findings"]["verify"] = verify(observation, o.python)
    result["all_seconds"] = time.perf_counter() - began
    return result


def main():
    o = arguments()
    folder = o.folder / o.size
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        result = measure(o, folder.resolve())
    except (Failed, subprocess.CalledProcessError) as failure:
        print(f"pipeline: {failure}\npipeline: what was made is kept in {folder}", file=sys.stderr)
        return 3
    for name, findings in result["findings"].items():
        tell(name, findings)
    print(times_text(result["seconds"]["ours"], result["seconds"].get("today")))
    print(f"\n  import of casatasks {result['import_seconds']:.3g} s, once; all of this {result['all_seconds']:.3g} s")
    if o.out:
        pathlib.Path(o.out).write_text(json.dumps(result, indent=1) + "\n")
    missed = [f["name"] for findings in result["findings"].values() for f in findings if not f["met"]]
    print("\nall numbers are what they must be" if not missed else "\nnot what they must be: " + "; ".join(missed))
    if o.document and not missed:
        document(result)
    if not o.keep and not missed:
        shutil.rmtree(folder)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
