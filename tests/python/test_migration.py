"""The code of docs/migration.md: every block runs, and leaves the same Measurement Set today and with msio."""
import contextlib
import pathlib
import re

import numpy as np
import pytest
from conftest import simulate_ms

import msio

pytest.importorskip("casacore.tables", reason="python-casacore is not installed")
from casacore.tables import table  # noqa: E402

DOCUMENT = pathlib.Path(__file__).parents[2] / "docs" / "migration.md"
SITE = re.compile(r"^### (\d+)\. (.*?)\n(.*?)(?=^###? |\Z)", re.M | re.S)
BLOCK = re.compile(r"```python\n(.*?)```", re.S)
SITES = {int(number): (title, BLOCK.findall(body)) for number, title, body in SITE.findall(DOCUMENT.read_text())}
WRITTEN = ("MODEL_DATA", "CORRECTED_DATA", "FLAG")
ANTENNAS = 20


def simulate(path):
    return simulate_ms(path, imaging_columns=True, antennas=ANTENNAS, times=3, subbands=16, channels=24)


def rfi(data, flags):
    return (np.abs(data) > np.median(np.abs(data))) & ~flags


def predict(uvw, windows, *_):
    return np.broadcast_to((uvw[:, :1, None] + 1j * windows[:, None, None]), (len(uvw), 24, 2)).astype(np.complex64)


def names_of(path, t):
    """What a pipeline has besides, under the names of the document."""
    zeros = np.zeros((3, ANTENNAS))
    return {"msio": msio, "np": np, "table": lambda path, **how: table(path, ack=False, **how), "ms": path, "t": t,
            "field": 1, "antennas": ANTENNAS, "bad": [], "limit": 0.03, "sums": zeros[0], "squares": zeros[1],
            "numbers": zeros[2], "check": lambda *parts: None, "grid": lambda *parts: None, "rfi": rfi,
            "predict": predict, "frequencies": lambda path: None, "ratio": lambda data, flags, rows: None}


def left_by(code, path):
    """The names that a block made, and the columns as they are then."""
    with table(path, readonly=False, ack=False) if code.startswith("# today") else contextlib.nullcontext() as t:
        names = names_of(path, t)
        exec(compile(code, str(DOCUMENT), "exec"), names)
    with table(path, ack=False) as t:
        return names, {name: t.getcol(name) for name in WRITTEN}


def test_all_sites_are_there():
    assert sorted(SITES) == list(range(1, 17))


@pytest.mark.parametrize("site", [number for number, (_, blocks) in SITES.items() if blocks])
def test_a_sites_code(site, tmp_path):
    blocks = SITES[site][1]
    assert len(blocks) == 2 and blocks[0].startswith("# today") and blocks[1].startswith("# msio")
    names, columns = zip(*(left_by(code, simulate(tmp_path / f"{way}.ms")) for way, code in enumerate(blocks)))
    for name in WRITTEN:
        assert np.array_equal(columns[0][name], columns[1][name]), name
    if site in (2, 3):
        assert not columns[1]["MODEL_DATA"].any()
    if site == 10:
        assert np.isclose(names[0]["chi2"], names[1]["chi2"], rtol=1e-5) and names[1]["chi2"] > 0
    if site in (12, 15):
        assert columns[1]["FLAG"].sum() > table(simulate(tmp_path / "as_it_was.ms"), ack=False).getcol("FLAG").sum()
