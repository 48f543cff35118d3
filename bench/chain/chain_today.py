"""chain_today.py - the steps of the chain as pipelines have them today: pyuvdata and concat, python-casacore and numpy.

usage: chain_today.py FOLDER RA DEC FILE...      of the phase centre, rad; the files of the group

A line of JSON a request on standard input, {"call": NAME, "arguments": {...}}, one an answer: {"seconds": s}.
"""
import json
import os
import pathlib
import sys
import time

TOP = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TOP), str(TOP / "pipeline")]
import numpy as np  # noqa: E402

import bench_convert  # noqa: E402
import sites  # noqa: E402
import uvdata_phases  # noqa: E402


def convert(pipeline, out):
    """A Measurement Set a subband, put together by CASA's concat."""
    os.makedirs(pipeline.scratch)
    made = pipeline.to_table(uvdata_phases.to_centre, True)[0]
    os.rename(made, out)


def predict(path, sources):
    """Point sources (right ascension, declination, flux) into MODEL_DATA: whole columns, then one put."""
    with sites.table(path + "::SPECTRAL_WINDOW") as t:
        frequency = t.getcol("CHAN_FREQ")
    with sites.table(path + "::FIELD") as t:
        place = t.getcol("PHASE_DIR")[:, 0]
    with sites.table(path, readonly=False) as t:
        uvw, window, field = t.getcol("UVW"), t.getcol("DATA_DESC_ID"), t.getcol("FIELD_ID")
        (ra0, dec0), model = place[field].T, 0
        for ra, dec, flux in sources:
            l = np.cos(dec) * np.sin(ra - ra0)
            m = np.sin(dec) * np.cos(dec0) - np.cos(dec) * np.sin(dec0) * np.cos(ra - ra0)
            delay = (uvw[:, 0] * l + uvw[:, 1] * m + uvw[:, 2] * (np.sqrt(1 - l**2 - m**2) - 1)) / 299792458.0
            phase = 2 * np.pi * delay[:, None] * frequency[window]
            model = model + (flux * np.exp(1j * phase)).astype(np.complex64)
        t.putcol("MODEL_DATA", np.repeat(model[:, :, None], 2, axis=2))


def add_columns(path):
    """The imaging columns; CORRECTED_DATA with values, since applycal writes into cells that are there."""
    from casacore.tables import addImagingColumns
    addImagingColumns(path, ack=False)
    with sites.table(path, readonly=False) as t:
        t.putcol("CORRECTED_DATA", t.getcol("DATA"))


CALLS = {"check": sites.check_today, "flags": sites.flags_today, "columns": add_columns, "predict": predict,
         "chi": sites.chi_today}


def main():
    folder, ra, dec, *files = sys.argv[1:]
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print is no answer
    uvdata_phases.CENTRE = float(ra), float(dec)
    pipeline = bench_convert.Pipeline(folder, files)
    versions = {"pyuvdata": bench_convert.pyuvdata.__version__, "joined by": pipeline.concat_by}
    print(json.dumps({"versions": versions, "eop": uvdata_phases.EOP}), file=out, flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        began = time.perf_counter()
        try:
            if request["call"] == "convert":
                convert(pipeline, **request["arguments"])
            else:
                CALLS[request["call"]](**request["arguments"])
            told = {"seconds": time.perf_counter() - began}
        except Exception as error:  # told of, whatever a library raises
            told = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(told), file=out, flush=True)


if __name__ == "__main__":
    main()
