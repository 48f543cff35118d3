"""chain_casa.py - CASA's part of the chain, in a Python that has it: a line of JSON a request on standard input, one an answer.

{"task": NAME, "arguments": {...}} runs a task: {"seconds": s}; {"check": NAME, "arguments": {...}} reads what was made and
holds it against what was put in: {"findings": [...]}. The first line tells versions and the seconds of the import.
"""
import json
import os
import pathlib
import sys
import time

sys.path.append(str(pathlib.Path(__file__).resolve().parents[2] / "cli" / "chain"))
import run_task  # noqa: E402

os.environ["CASASITECONFIG"] = run_task.write_site(".")
_began = time.perf_counter()
import casatasks  # noqa: E402
import casatools  # noqa: E402
IMPORT = time.perf_counter() - _began
import numpy as np  # noqa: E402

import chain_checks  # noqa: E402


def columns(path, *names):
    """Columns of a table, rows first, each of the cells' axes as numpy has them."""
    tools = casatools.table()
    tools.open(path)
    found = [np.ascontiguousarray(tools.getcol(name).transpose()) for name in names]
    tools.close()
    return found


def solutions(path, shape):
    """(gains, whether there is one): [antenna, receptor, channel] of all windows, ascending; of one channel: for all of its
    window."""
    antennas, receptors, channels = shape
    gains, known = np.ones(shape, complex), np.zeros(shape, bool)
    values, flag, antenna, window = columns(path, "CPARAM", "FLAG", "ANTENNA1", "SPECTRAL_WINDOW_ID")
    width = channels // (window.max() + 1)
    for row in np.flatnonzero(antenna < antennas):
        at = slice(window[row] * width, (window[row] + 1) * width)
        gains[antenna[row], :, at] = values[row].T
        known[antenna[row], :, at] = ~flag[row].T
    return gains, known


def injected(path, windows):
    """Gains that were put in [antenna, receptor, channel], of some of so many windows of all: (numbers, ascending; all)."""
    gains, (numbers, of) = np.load(path), windows
    return np.concatenate([np.split(gains, of, axis=2)[number] for number in numbers], axis=2)


def check_gains(tables, truth, windows, noise, flux, integrations, reference):
    truth = injected(truth, windows)
    gains, known = np.ones(truth.shape, complex), np.ones(truth.shape, bool)
    for path in tables:
        more, there = solutions(path, truth.shape)
        gains, known = gains * more, known & there
    return chain_checks.check_gains(gains, known, truth, reference, noise, flux, integrations)


def check_residual(vis, truth, windows, noise):
    truth = injected(truth, windows)
    corrected, model, flag, window, one, two = columns(vis, "CORRECTED_DATA", "MODEL_DATA", "FLAG", "DATA_DESC_ID", "ANTENNA1",
                                                       "ANTENNA2")
    width, found = corrected.shape[1], []
    for spw in np.unique(window):
        rows = np.flatnonzero((window == spw) & (one != two))
        gains = truth[:, :, spw * width:(spw + 1) * width]
        found += [(corrected[rows] - model[rows], flag[rows], np.stack([one[rows], two[rows]], axis=1), gains)]
    parts = [chain_checks.check_residual(*part, noise)[0] for part in found]
    worst = max(parts, key=lambda part: abs(part["found"] - noise))
    return [{**worst, "name": worst["name"] + ", worst window"}]


def check_image(image, sources):
    """sources: (right ascension, declination, flux) in rad and Jy."""
    tools = casatools.image()
    tools.open(image)
    pixels, beam = tools.getchunk()[:, :, 0, 0], tools.restoringbeam()
    cell = abs(np.degrees(tools.coordsys().increment()["numeric"][0])) * 3600
    minor = casatools.quanta().convert(beam["minor"], "arcsec")["value"] / cell
    places = [tools.topixel([ra, dec])["numeric"][:2] for ra, dec, _ in sources]
    tools.close()
    return chain_checks.check_image(pixels, [(*place, flux) for place, (_, _, flux) in zip(places, sources)], minor)


CHECKS = {"gains": check_gains, "residual": check_residual, "image": check_image}


def answer(request):
    if "check" in request:
        return {"findings": CHECKS[request["check"]](**request["arguments"])}
    began = time.perf_counter()
    getattr(casatasks, request["task"])(**request["arguments"])
    return {"seconds": time.perf_counter() - began}


def main():
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what CASA prints is no answer
    print(json.dumps({"casatasks": casatasks.version_string(), "seconds": IMPORT}), file=out, flush=True)
    for line in sys.stdin:
        try:
            told = answer(json.loads(line))
        except Exception as error:  # told of, whatever a task raises
            told = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(told), file=out, flush=True)


if __name__ == "__main__":
    main()
