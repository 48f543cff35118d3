"""The benchmark of a pipeline's calls runs, and both ways of each call have the same answers."""
import json
import pathlib
import subprocess
import sys

import pytest

pytest.importorskip("casacore.tables", reason="python-casacore is not installed")

import msio  # noqa: E402

BENCH = pathlib.Path(__file__).resolve().parents[2] / "bench" / "pipeline" / "run.py"
SITES = {"1", "4", "7", "8", "9", "10", "11", "13", "14", "16"}


def test_every_site_has_equal_answers(tmp_path):
    ms, group, out = tmp_path / "small.ms", tmp_path / "group", tmp_path / "out.json"
    msio.simulate_ms(ms, imaging_columns=True, antennas=8, times=6, subbands=2)
    msio.simulate_uvh5(group, antennas=8, times=4)
    done = subprocess.run([sys.executable, BENCH, "--on", ms, "--group", group, "--tries", "1", "--out", out],
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr  # it compares the answers itself
    found = json.loads(out.read_text())
    assert SITES <= {name.split()[0] for name in found["results"]}
    assert all(len(ways[way]["seconds"]) == 1 for ways in found["results"].values() for way in ("today", "msio"))
    assert len(found["starts"]) == 3


def test_every_writing_site_leaves_equal_columns(tmp_path):
    ms, first, out = tmp_path / "small.ms", tmp_path / "first.json", tmp_path / "out.json"
    msio.simulate_ms(ms, imaging_columns=True, antennas=6, times=4, subbands=2)
    before = {file.relative_to(ms): file.read_bytes() for file in ms.rglob("*") if file.is_file()}
    for more in (["--only", "12 ", "--out", first], ["--add", first, "--out", out]):
        done = subprocess.run([sys.executable, BENCH, "--writing", "--on", ms, "--tries", "1", *more], capture_output=True,
                              text=True)
        assert done.returncode == 0, done.stderr
    assert [name.split()[0] for name in json.loads(out.read_text())["results"]] == ["2", "3", "6", "12", "15", "5"]
    assert {file.relative_to(ms): file.read_bytes() for file in ms.rglob("*") if file.is_file()} == before


def test_answers_that_differ_are_told_apart():
    sys.path.insert(0, str(BENCH.parent))
    try:
        import run
    finally:
        sys.path.pop(0)
    assert run.alike({"a": [1.0, 2]}, {"a": [1.0 + 1e-12, 2]})
    for other in ({"a": [1.0, 3]}, {"a": [1.0]}, {"b": [1.0, 2]}, {"a": [1.1, 2]}):
        assert not run.alike({"a": [1.0, 2]}, other)
