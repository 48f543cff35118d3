"""The benchmark of conversion compares msio's results with pyuvdata's, and finds what differs."""
import os
import pathlib
import sys

import h5py
import pytest

import msio

pytest.importorskip("pyuvdata", reason="pyuvdata is not installed")
pytest.importorskip("casacore.tables", reason="python-casacore is not installed")
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "bench"))
import bench_convert  # noqa: E402
import run_convert  # noqa: E402
from casacore.tables import table  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture
def pipeline(tmp_path):
    msio.simulate_uvh5(tmp_path / "group", antennas=5, times=3, subbands=3, channels=8)
    return bench_convert.Pipeline(str(tmp_path), sorted(str(path) for path in (tmp_path / "group").iterdir()))


def convert(pipeline, work):
    centre = tuple(map(float, run_convert.OPTIONS["convert-centre"][1].split(",")))
    msio.convert(pipeline.paths, pipeline.ours, phase=centre if work == "convert-centre" else "meridian",
                 eop=bench_convert.EOP, overwrite=os.path.exists(pipeline.ours))


@pytest.mark.parametrize("work", ["convert-meridian", "convert-centre"])
@pytest.mark.parametrize("column", ["DATA", "UVW", "FLAG"])
def test_tables_are_compared(pipeline, work, column):
    convert(pipeline, work)
    assert pipeline.run(work, 1) > 0
    with table(pipeline.ours, ack=False, readonly=False) as t:
        cell = t.getcell(column, t.nrows() - 1)
        cell.flat[-1] = not cell.flat[-1] if column == "FLAG" else cell.flat[-1] + 1
        t.putcell(column, t.nrows() - 1, cell)
    with pytest.raises(bench_convert.Differs, match=column):
        pipeline.run(work, 1)


def test_files_are_compared(pipeline):
    convert(pipeline, "convert-meridian")
    msio.export_uvh5(pipeline.ours, pipeline.back, eop=bench_convert.EOP)
    assert pipeline.run("convert-export", 1) > 0
    with h5py.File(pipeline.back, "r+") as file:
        file["Data/nsamples"][-1, -1, -1] += 1
    with pytest.raises(bench_convert.Differs, match="nsamples"):
        pipeline.run("convert-export", 1)


def test_targets_are_judged_by_medians():
    def row(work, reader, variant, threads, *seconds):
        return {"work": work, "reader": reader, "variant": variant, "threads": threads, "bytes": 1, "seconds": list(seconds)}
    found = run_convert.targets([row("convert-meridian", "msio", "warm", 0, 1, 2, 9) | {"peak_kib": 600 << 10},
                                 row("convert-meridian", "msio", "warm", 1, 0.1),
                                 row("convert-meridian", "roofline", "raw", 0, 1),
                                 row("convert-meridian", "pyuvdata", "all", 1, 70),
                                 row("convert-imaging", "msio", "zeros", 0, 1.0),
                                 row("convert-imaging", "msio", "without", 0, 1.25)])
    assert [(t["target"], t["reached"], t["met"]) for t in found] == [
        ("convert-meridian: pyuvdata and concat", 35, False), ("convert-meridian: roofline", 0.5, True),
        ("convert-imaging: of the time without", 0.8, True), ("peak memory of all, MiB", 600, False)]
