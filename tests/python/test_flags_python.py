"""What msio.flags counts, against numpy over python-casacore's cells."""
import numpy as np
import pytest

import msio

BREAKDOWNS = ("spw", "field", "scan", "antenna", "baseline", "channel", "correlation", "time")
KEYS = {"baseline": ["antenna1", "antenna2"], "channel": ["spw", "channel"]}
COUNTS = ["flagged", "total", "from_flag_row", "fraction"]


def elements(path, ct):
    """One entry for each element of FLAG, as columns: what it belongs to, whether it is set, and whether its row is."""
    with ct.table(path, ack=False) as table, ct.table(f"{path}/DATA_DESCRIPTION", ack=False) as descriptions:
        columns = {name: table.getcol(column) for name, column in (
            ("field", "FIELD_ID"), ("scan", "SCAN_NUMBER"), ("antenna1", "ANTENNA1"), ("antenna2", "ANTENNA2"),
            ("time", "TIME"), ("row", "FLAG_ROW"))}
        columns["spw"] = descriptions.getcol("SPECTRAL_WINDOW_ID")[table.getcol("DATA_DESC_ID")]
        cells = [table.getcell("FLAG", row) if table.iscelldefined("FLAG", row) else np.zeros((0, 0), bool)
                 for row in range(table.nrows())]
    sizes = [cell.size for cell in cells]
    found = {name: np.repeat(column, sizes) for name, column in columns.items()}
    places = [np.indices(cell.shape).reshape(2, -1) for cell in cells]
    found["channel"], found["correlation"] = np.concatenate(places, axis=1)
    found["set"] = np.concatenate([cell.ravel() for cell in cells])
    return found


def counts_of(found, flag_row):
    flagged = found["set"] | found["row"] if flag_row else found["set"]
    return np.array([flagged.sum(), flagged.size, (flagged & ~found["set"]).sum()])


def part_of(found, name, entry):
    """The elements of one entry of a breakdown."""
    if name == "antenna":
        fits = (found["antenna1"] == entry["antenna"]) | (found["antenna2"] == entry["antenna"])
    else:
        fits = np.logical_and.reduce([found[key] == entry[key] for key in KEYS.get(name, [name])])
    return {key: values[fits] for key, values in found.items()}


@pytest.mark.parametrize("flag_row", [True, False])
def test_every_breakdown(all_ms, casacore_tables, flag_row):
    for path in all_ms:
        found = elements(path, casacore_tables)
        counted = msio.flags(path, by=BREAKDOWNS, flag_row=flag_row)
        assert np.array_equal((counted.flagged, counted.total, counted.from_flag_row), counts_of(found, flag_row))
        assert list(counted.by) == list(BREAKDOWNS)
        for name, entries in counted.by.items():
            keys = KEYS.get(name, [name])
            assert list(entries.dtype.names) == keys + COUNTS
            there = np.unique(np.stack([found[key] for key in keys]), axis=1) if name != "antenna" else \
                np.unique(np.concatenate([found["antenna1"], found["antenna2"]]))[None]
            assert np.array_equal(np.stack([entries[key] for key in keys]), there), (path, name)
            for entry in entries if len(entries) < 100 else entries[::len(entries) // 50]:
                flagged, total, from_flag_row = counts_of(part_of(found, name, entry), flag_row)
                assert entry.tolist()[len(keys):] == (flagged, total, from_flag_row, flagged / total), (path, name)


def test_the_whole(all_ms, casacore_tables):
    for path in all_ms:
        counted, (flagged, total, _) = msio.flags(path), counts_of(elements(path, casacore_tables), True)
        assert counted.fraction == flagged / total and counted.interval == (counted.low, counted.high)
        assert counted.low == counted.high == counted.fraction
        assert not counted.sampled and counted.by == {} and counted.way in ("packed bits", "bytes", "casacore")


def test_cells_never_written(own_ms, casacore_tables):
    with casacore_tables.table(own_ms, readonly=False, ack=False) as table:
        table.addrows(3)
    counted = msio.flags(own_ms, by="scan")
    assert counted.undefined_rows == 3 and "never written in 3 rows" in repr(counted)
    assert counted.total == len(elements(own_ms, casacore_tables)["set"])


def test_what_changed_is_counted_anew(own_ms, casacore_tables):
    before = msio.flags(own_ms)
    with casacore_tables.table(own_ms, readonly=False, ack=False) as table:
        table.putcol("FLAG", np.ones_like(table.getcol("FLAG")))
    after = msio.flags(own_ms, by=["antenna"])
    assert before.fraction < 1 == after.fraction and after.from_flag_row == 0
    assert (after.by["antenna"]["fraction"] == 1).all()


def test_a_sample(tmp_path, casacore_tables):
    path = str(tmp_path / "large.ms")
    msio.simulate_ms(path, antennas=20, times=24, subbands=4, channels=48)
    whole = msio.flags(path)
    for seed in range(5):
        drawn = msio.flags(path, sample=0.05, seed=seed, by="spw")
        assert drawn.sampled and drawn.total <= whole.total and 0 < drawn.rows_sampled <= msio.metadata(path).rows
        assert drawn.low <= drawn.fraction <= drawn.high and drawn.high - drawn.low <= 0.1 + 1e-12
        again = msio.flags(path, sample=0.05, seed=np.int64(seed))
        assert (again.flagged, again.total, again.interval) == (drawn.flagged, drawn.total, drawn.interval)
        assert "sampled" in repr(drawn) and "between" in repr(drawn)


def test_arguments(simulated_ms):
    whole = msio.flags(simulated_ms, by="spw")
    again = msio.flags(simulated_ms, by=iter(["spw"]), threads=1, checked=False)
    assert np.array_equal(again.by["spw"], whole.by["spw"])
    assert msio.flags(simulated_ms, seed=2**64 - 1).flagged == whole.flagged
    for wrong, kind in (({"by": "colour"}, ValueError), ({"by": ["spw", 3]}, ValueError), ({"by": 3}, TypeError),
                        ({"sample": -1}, ValueError), ({"sample": float("nan")}, ValueError),
                        ({"sample": 1}, ValueError), ({"threads": -1}, ValueError), ({"seed": -1}, OverflowError),
                        ({"seed": 2**64}, OverflowError), ({"seed": 1.5}, TypeError), ({"nothing": 1}, TypeError)):
        with pytest.raises(kind):
            msio.flags(simulated_ms, **wrong)


def test_errors(tmp_path, simulated_ms):
    with pytest.raises(FileNotFoundError):
        msio.flags(tmp_path / "none")
    with pytest.raises(KeyError):
        msio.flags(f"{simulated_ms}/FIELD")
    with pytest.raises(KeyError):
        msio.flags(f"{simulated_ms}/ANTENNA", by="scan")


def test_summary(simulated_ms):
    counted = msio.flags(simulated_ms, by=("antenna", "time"))
    text = repr(counted)
    assert f"{counted.flagged} of {counted.total}" in text and f"{counted.fraction:.4%}" in text
    assert "by antenna: 6" in text and "by time: 12" in text and f"{counted.from_flag_row} by FLAG_ROW" in text


def test_progress_is_told_and_can_end_the_count(simulated_ms):
    """The package's own callable may raise, as Ctrl-C does; nothing half counted is kept."""
    class Enough(Exception):
        pass

    def stop(done, total):
        assert 0 < done <= total
        raise Enough
    expected = msio.flags(simulated_ms, by="field", checked=False)
    told = []
    msio._msio.flags(simulated_ms, ("antenna",), True, 0.0, 1, 0, True, lambda *at: told.append(at))
    assert told and told[-1][0] == told[-1][1] == expected.total
    with pytest.raises(Enough):
        msio._msio.flags(simulated_ms, ("baseline",), True, 0.0, 1, 0, True, stop)
    assert msio.flags(simulated_ms, by="baseline").flagged == expected.flagged


def test_progress_is_shown(simulated_ms, capfd):
    msio.flags(simulated_ms, by=("scan", "time"), progress=True)
    assert "counting flags" in capfd.readouterr().err
