"""What msio.metadata tells, against python-casacore's reading of the same tables."""
import os
import pathlib
import pickle
import re
import threading

import numpy as np
import pytest

import msio
from msio import meta

# Of each subtable: members, and the columns that they come from.
SUBTABLES = {
    "spectral_windows": ("SPECTRAL_WINDOW", {"name": "NAME", "channels": "NUM_CHAN", "frequencies": "CHAN_FREQ",
                                             "widths": "CHAN_WIDTH", "reference_frequency": "REF_FREQUENCY",
                                             "bandwidth": "TOTAL_BANDWIDTH", "frame": "MEAS_FREQ_REF"}),
    "polarizations": ("POLARIZATION", {"types": "CORR_TYPE"}),
    "data_descriptions": ("DATA_DESCRIPTION", {"spectral_window": "SPECTRAL_WINDOW_ID",
                                               "polarization": "POLARIZATION_ID", "flagged": "FLAG_ROW"}),
    "fields": ("FIELD", {"name": "NAME", "code": "CODE", "source": "SOURCE_ID", "time": "TIME",
                         "phase_dir": "PHASE_DIR", "reference_dir": "REFERENCE_DIR", "delay_dir": "DELAY_DIR"}),
    "antennas": ("ANTENNA", {"name": "NAME", "station": "STATION", "mount": "MOUNT", "position": "POSITION",
                             "diameter": "DISH_DIAMETER", "flagged": "FLAG_ROW"}),
    "observations": ("OBSERVATION", {"telescope": "TELESCOPE_NAME", "observer": "OBSERVER", "project": "PROJECT",
                                     "time_range": "TIME_RANGE"}),
    "sources": ("SOURCE", {"name": "NAME", "id": "SOURCE_ID", "spectral_window": "SPECTRAL_WINDOW_ID", "time": "TIME",
                           "interval": "INTERVAL", "direction": "DIRECTION"}),
    "states": ("STATE", {"mode": "OBS_MODE", "subscan": "SUB_SCAN", "cal": "CAL", "sig": "SIG", "ref": "REF"}),
}


@pytest.mark.parametrize("member", SUBTABLES)
def test_rows_of_a_subtable(all_ms, casacore_tables, member):
    name, columns = SUBTABLES[member]
    compared = 0
    for path in all_ms:
        rows = getattr(msio.metadata(path), member)
        if not os.path.isdir(f"{path}/{name}"):
            assert rows == ()
            continue
        with casacore_tables.table(f"{path}/{name}", ack=False) as table:
            assert len(rows) == table.nrows()
            for number, row in enumerate(rows):
                for part, column in columns.items():
                    if column in table.colnames() and table.iscelldefined(column, number):
                        value = getattr(row, part)
                        value = getattr(value, "value", value)
                        cell = table.getcell(column, number)
                        if column == "DIRECTION":  # of one term, and no axis for it
                            cell = cell.reshape(-1, 2)
                        assert np.array_equal(value, cell), (path, number, part)
                        compared += 1
    assert compared


def test_units_and_frames_of_directions(all_ms, casacore_tables):
    for path in all_ms:
        with casacore_tables.table(f"{path}/FIELD", ack=False) as table:
            keywords = table.getcolkeywords("PHASE_DIR")
        for field in msio.metadata(path).fields:
            assert field.phase_dir.unit == keywords["QuantumUnits"][0]
            if "Ref" in keywords["MEASINFO"]:
                assert field.phase_dir.frame == keywords["MEASINFO"]["Ref"]


def test_the_main_table(all_ms, casacore_tables):
    for path in all_ms:
        facts = msio.metadata(path)
        with casacore_tables.table(path, ack=False) as table:
            times = table.getcol("TIME")
            assert facts.is_ms and facts.path == os.path.realpath(path) and facts.rows == table.nrows()
            assert facts.time_range == (times.min(), times.max()) and facts.times == len(np.unique(times))
            assert np.array_equal(facts.scans, np.unique(table.getcol("SCAN_NUMBER")))
            assert facts.integration_time in table.getcol("INTERVAL")
            assert [column.name for column in facts.columns] == table.colnames()
            for column in facts.columns:
                assert column.type.lower() == {"boolean": "bool"}.get(kind := table.coldatatype(column.name), kind)
                assert (column.ndim == 0) == table.isscalarcol(column.name)
            managers = table.getdminfo().values()
            assert {(m.type, m.name, m.sequence) for m in facts.managers} == \
                {(m["TYPE"], m["NAME"], m["SEQNR"]) for m in managers}
        sizes = {file.name: file.stat().st_size for file in pathlib.Path(path).glob("table.f*")}
        assert facts.bytes == sum(sizes.values())
        for manager in facts.managers:
            own = re.compile(rf"table\.f{manager.sequence}(?!\d)")
            assert manager.bytes == sum(size for name, size in sizes.items() if own.match(name))


# ---------------------------------------------------------------- rows

def columns_of(path, casacore_tables):
    with casacore_tables.table(path, ack=False) as table, \
            casacore_tables.table(f"{path}/DATA_DESCRIPTION", ack=False) as descriptions:
        found = {name: table.getcol(column) for name, column in (
            ("field", "FIELD_ID"), ("scan", "SCAN_NUMBER"), ("data_description", "DATA_DESC_ID"), ("time", "TIME"))}
        found["spectral_window"] = descriptions.getcol("SPECTRAL_WINDOW_ID")[found["data_description"]]
    return found


def test_the_row_index_has_every_row(all_ms, casacore_tables):
    for path in all_ms:
        index = msio.metadata(path).row_index()
        assert index["row"][0] == 0
        assert np.array_equal(np.cumsum(index["rows"])[:-1], index["row"][1:])
        for name, column in columns_of(path, casacore_tables).items():
            assert np.array_equal(np.repeat(index[name], index["rows"]), column), (path, name)


def test_what_occurs(all_ms, casacore_tables):
    for path in all_ms:
        facts, columns = msio.metadata(path), columns_of(path, casacore_tables)
        assert np.array_equal(facts.fields_with_rows, np.unique(columns["field"]))
        assert np.array_equal(facts.spectral_windows_with_rows, np.unique(columns["spectral_window"]))
        assert np.array_equal(facts.data_descriptions_with_rows, np.unique(columns["data_description"]))
        assert facts.fields_with_rows is facts.fields_with_rows


def test_rows_are_found(all_ms, casacore_tables):
    for path in all_ms:
        facts, columns = msio.metadata(path), columns_of(path, casacore_tables)
        times = np.unique(columns["time"])
        middle, last = times[len(times) // 2], times[-1]
        for field in (None, *np.unique(columns["field"])[:2], 999):
            for window in (None, columns["spectral_window"][-1]):
                for scan in (None, columns["scan"][0]):
                    for span in (None, (middle, last), (middle, middle), (last + 1, last + 2), (last, middle - 1)):
                        fits = np.ones(facts.rows, bool)
                        for name, value in (("field", field), ("spectral_window", window), ("scan", scan)):
                            fits &= True if value is None else columns[name] == value
                        if span is not None:
                            fits &= (columns["time"] >= span[0]) & (columns["time"] <= span[1])
                        found = facts.find_rows(field, window, scan, span)
                        assert found.dtype == np.int64 and np.array_equal(found, np.flatnonzero(fits))


def test_rows_that_cannot_be(simulated_ms):
    facts = msio.metadata(simulated_ms)
    assert len(facts.find_rows(time=(0, 0))) == 0 and len(facts.find_rows(time=(float("nan"), 1))) == 0
    for asked in ({"field": -1}, {"spectral_window": -2}, {"scan": -1}):
        assert len(facts.find_rows(**asked)) == 0
    for asked in ({"field": 1.5}, {"time": 5}, {"scan": "1"}):
        with pytest.raises(TypeError):
            facts.find_rows(**asked)


def test_found_rows_read_what_they_say(simulated_ms):
    facts = msio.metadata(simulated_ms)
    rows = facts.find_rows(spectral_window=2)
    assert np.array_equal(msio.read(simulated_ms, "UVW", rows=rows), msio.read(simulated_ms, "UVW")[rows])
    rows[:] = 0  # the caller's own
    assert not np.array_equal(rows, facts.find_rows(spectral_window=2))


# ---------------------------------------------------------------- one object, immutable, never stale

def test_one_object_while_nothing_changes(simulated_ms):
    facts = msio.metadata(simulated_ms)
    for path in (simulated_ms, pathlib.Path(simulated_ms)):
        for checked in (True, False):
            assert msio.metadata(path, checked) is facts
    assert facts.antennas is facts.antennas
    assert msio.metadata(os.fsencode(simulated_ms)).antennas == facts.antennas


def test_what_changed_is_seen(own_ms, casacore_tables):
    before = msio.metadata(own_ms)
    with casacore_tables.table(own_ms, readonly=False, ack=False) as writer:
        writer.putcell("SCAN_NUMBER", 0, 4321)
    with pytest.raises(msio.ChangedError):
        before.row_index()
    after = msio.metadata(own_ms)
    assert after is not before and 4321 in after.scans and 4321 not in before.scans
    assert list(after.find_rows(scan=4321)) == [0]
    with casacore_tables.table(f"{own_ms}/ANTENNA", readonly=False, ack=False) as writer:
        writer.putcell("NAME", 1, "renamed")
    assert msio.metadata(own_ms).antennas[1].name == "renamed" != after.antennas[1].name
    assert msio.metadata(own_ms) is msio.metadata(own_ms)


def test_a_relative_path_follows_the_folder(tmp_path, own_ms, monkeypatch):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    os.symlink(own_ms, tmp_path / "a" / "obs.ms")
    os.symlink(f"{own_ms}/ANTENNA", tmp_path / "b" / "obs.ms")
    monkeypatch.chdir(tmp_path / "a")
    assert msio.metadata("obs.ms").is_ms
    monkeypatch.chdir(tmp_path / "b")
    assert not msio.metadata("obs.ms").is_ms


def test_nothing_can_be_changed(simulated_ms):
    facts = msio.metadata(simulated_ms)
    window, antenna, field = facts.spectral_windows[0], facts.antennas[0], facts.fields[0]
    for array in (window.frequencies, window.widths, antenna.position, field.phase_dir.value, facts.scans,
                  facts.polarizations[0].types, facts.row_index(), facts.fields_with_rows):
        assert not array.flags.writeable
        with pytest.raises(ValueError):
            array[0] = array[-1]
    for array in (window.frequencies, antenna.position, facts.scans, facts.row_index()):
        with pytest.raises(ValueError):
            array.setflags(write=True)
    for change in (lambda: setattr(facts, "rows", 0), lambda: delattr(facts, "rows"),
                   lambda: setattr(antenna, "name", ""), lambda: setattr(window, "other", 1)):
        with pytest.raises((AttributeError, TypeError)):
            change()


def test_arrays_outlive_all_else(own_ms, tmp_path):
    facts = msio.metadata(own_ms)
    kept = facts.spectral_windows[1].frequencies, facts.row_index(), facts.antennas[2]
    expected = [np.array(kept[0]), np.array(kept[1]), kept[2].position.tolist()]
    meta._kept.clear()
    del facts
    os.rename(own_ms, tmp_path / "away.ms")
    for _ in range(20):
        msio.metadata(tmp_path / "away.ms")
        meta._kept.clear()
    assert np.array_equal(kept[0], expected[0]) and np.array_equal(kept[1], expected[1])
    assert kept[2].position.tolist() == expected[2]


def test_a_bounded_number_is_kept(own_ms, tmp_path):
    for number in range(meta._KEPT_MOST + 5):
        os.symlink(own_ms, tmp_path / f"link{number}")
        msio.metadata(tmp_path / f"link{number}")
    assert len(meta._kept) == meta._KEPT_MOST


def test_many_threads(own_ms, simulated_ms, tmp_path):
    paths, wrong = [own_ms, simulated_ms], []
    for number in range(70):
        os.symlink(paths[number % 2], tmp_path / f"link{number}")
        paths.append(str(tmp_path / f"link{number}"))
    rows = {path: msio.metadata(path).rows for path in paths}

    def work(start):
        try:
            for path in paths[start:] + paths[:start]:
                facts = msio.metadata(path)
                if facts.rows != rows[path] or facts.row_index()["rows"].sum() != rows[path] or not facts.antennas:
                    wrong.append(path)
        except Exception as error:  # noqa: BLE001
            wrong.append(error)
    threads = [threading.Thread(target=work, args=(9 * number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


# ---------------------------------------------------------------- the rest

def test_a_table_that_is_no_measurement_set(simulated_ms):
    facts = msio.metadata(f"{simulated_ms}/ANTENNA")
    assert not facts.is_ms and facts.rows == len(msio.metadata(simulated_ms).antennas)
    assert "NAME" in [column.name for column in facts.columns] and facts.managers and facts.antennas == ()
    assert facts.time_range == (0, 0) and "ANTENNA" in repr(facts)
    with pytest.raises(KeyError):
        facts.row_index()
    with pytest.raises(KeyError):
        facts.fields_with_rows


def test_rows_are_values(simulated_ms):
    facts = msio.metadata(simulated_ms)
    for row in (facts.antennas[0], facts.spectral_windows[0], facts.fields[0], facts.columns[0]):
        assert pickle.loads(pickle.dumps(row)) == row and row != 1
    assert facts.antennas[0] != facts.antennas[1] and facts.antennas[0] != facts.fields[0]


def test_summaries(simulated_ms):
    facts = msio.metadata(simulated_ms)
    text = repr(facts)
    assert len(text.splitlines()) > 3 and simulated_ms in text
    for part in (f"{facts.rows} rows", "3 spectral windows", "MHz", f"{len(facts.antennas)} antennas", "12 times"):
        assert part in text
    window = repr(facts.spectral_windows[0])
    assert window.startswith("SpectralWindow(name=") and "..." in window and "(8,)" in window and "\n" not in window
    assert "antennas" in dir(facts)


def test_errors(tmp_path, simulated_ms):
    with pytest.raises(FileNotFoundError) as caught:
        msio.metadata(tmp_path / "none")
    assert caught.value.code == "E_NOT_FOUND" and str(tmp_path / "none") in str(caught.value)
    with pytest.raises(TypeError):
        msio.metadata(5)
    with pytest.raises(AttributeError):
        msio.metadata(simulated_ms).nonsense
