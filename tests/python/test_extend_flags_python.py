"""msio.extend_flags, against numpy over what python-casacore reads: any limits, fractions, flags, threads and rows."""
import pathlib
import shutil
import sys

import numpy as np
import pytest

import msio

ct = pytest.importorskip("casacore.tables", reason="python-casacore is not installed")
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "cli" / "change"))
from flag_reference import STEPS, extended  # noqa: E402

COLUMNS = ("DATA", "MODEL_DATA", "FLAG", "FLAG_ROW", "UVW", "TIME", "ANTENNA1", "ANTENNA2", "DATA_DESC_ID", "FIELD_ID",
           "SCAN_NUMBER")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    path = tmp_path_factory.mktemp("extend") / "a.ms"
    try:
        msio.simulate_ms(path, antennas=5, times=4, subbands=2, channels=6, imaging_columns=True)
    except msio.CasacoreError as error:
        pytest.skip(str(error))
    fill(path, 1, 0.2, 0.1, 0.02)
    return path


@pytest.fixture
def ms(made, tmp_path):
    return shutil.copytree(made, tmp_path / "a.ms")


def fill(path, seed, flagged, rows_flagged, odd):
    rng = np.random.default_rng(seed)
    with ct.table(str(path), readonly=False, ack=False) as t:
        shape, rows = t.getcol("FLAG").shape, t.nrows()
        data = rng.normal(size=shape) + 1j * rng.normal(size=shape)
        data[rng.random(shape) < odd] = np.nan
        data[rng.random(shape) < odd] = complex(0, -np.inf)
        weight = rng.random(shape).astype("f4")
        weight[rng.random(shape) < odd], weight[rng.random(shape) < odd] = 0, np.inf
        for name, values in (("DATA", data.astype("c8")), ("WEIGHT_SPECTRUM", weight),
                             ("MODEL_DATA", (rng.normal(size=shape) + 0j).astype("c8")),
                             ("FLAG", rng.random(shape) < flagged), ("FLAG_ROW", rng.random(rows) < rows_flagged),
                             ("UVW", rng.normal(size=(rows, 3)) * 100), ("SCAN_NUMBER", rng.integers(0, 2, rows).astype("i4")),
                             ("FIELD_ID", rng.integers(0, 2, rows).astype("i4"))):
            t.putcol(name, values)


def columns(path):
    with ct.table(str(path), ack=False) as t:
        found = {name: t.getcol(name) for name in COLUMNS}
        found["WEIGHT"] = t.getcol("WEIGHT_SPECTRUM")
    with ct.table(f"{path}::SPECTRAL_WINDOW", ack=False) as t:
        found["FREQUENCY"] = t.getcol("CHAN_FREQ")[found["DATA_DESC_ID"]]
    return found


def check(path, limits, rows=slice(None), wavelengths=False, flag_row=True, threads=0):
    before = columns(path)
    flags, rows_flagged, counts = extended({name: values[rows] for name, values in before.items()}, limits, wavelengths, flag_row)
    want, want_rows = before["FLAG"].copy(), before["FLAG_ROW"].copy()
    want[rows], want_rows[rows] = flags, rows_flagged
    more = dict(rows=None if rows == slice(None) else rows, wavelengths=wavelengths, flag_row=flag_row, threads=threads)
    assert msio.extend_flags(path, **limits, **more, dry_run=True) == counts
    np.testing.assert_array_equal(columns(path)["FLAG"], before["FLAG"])
    assert msio.extend_flags(path, **limits, **more) == counts
    after = columns(path)
    np.testing.assert_array_equal(after["FLAG"], want)
    np.testing.assert_array_equal(after["FLAG_ROW"], want_rows)


def test_all_together(ms):
    check(ms, {"amp": (0.1, 2.5), "chi2": 3, "uvdist": (20, 250), "correlation": 0, "channel": 0.7, "time": 0.6, "baseline": 0.8})


def test_a_part_of_the_rows(ms):
    check(ms, {"amp": (None, 2), "time": 0.3}, rows=slice(4, 90, 2), threads=3)


def test_what_is_refused(ms):
    for wrong in ({}, {"time": 1}, {"amp": (-1, 2)}, {"amp": (3, float("nan"))}, {"chi2": float("inf")}, {"channel": -0.5}):
        with pytest.raises((ValueError, msio.Error)):
            msio.extend_flags(ms, **wrong)
    with pytest.raises(msio.Error, match="NONE"):
        msio.extend_flags(ms, amp=(None, 1), column="NONE")
    with pytest.raises(msio.Error, match="different types"):
        msio.extend_flags(ms, chi2=3, chi2_columns=("DATA", "WEIGHT_SPECTRUM"))
    with pytest.raises(msio.Error, match="no Measurement Set"):
        msio.extend_flags(f"{ms}/ANTENNA", time=0)


def test_any_limits_and_flags(made, tmp_path):
    hypothesis = pytest.importorskip("hypothesis", reason="hypothesis is not installed")
    st = hypothesis.strategies
    limit = st.none() | st.sampled_from((0, 0.05, 0.5, 1, 3, 100, 300))
    fraction = st.none() | st.sampled_from((0, 0.1, 1 / 3, 0.5, 0.75, 0.99))
    pair = st.tuples(limit, limit)
    path = shutil.copytree(made, tmp_path / "any.ms")

    @hypothesis.settings(max_examples=60, deadline=None)
    @hypothesis.given(st.fixed_dictionaries({"amp": pair, "chi2": limit, "uvdist": pair, **{n: fraction for n in STEPS[3:]}}),
                      st.tuples(*[st.sampled_from((0, 0.05, 0.3, 0.9, 1))] * 3), st.integers(0, 1000), st.booleans(),
                      st.booleans(), st.integers(0, 8), st.tuples(st.integers(0, 60), st.integers(1, 60), st.integers(1, 7)))
    def run(limits, shares, seed, wavelengths, flag_row, threads, rows):
        limits = {n: v for n, v in limits.items() if v is not None and v != (None, None)}
        hypothesis.assume(limits)
        fill(path, seed, *shares)
        check(path, limits, slice(rows[0], rows[0] + rows[1], rows[2]), wavelengths, flag_row, threads)

    run()
