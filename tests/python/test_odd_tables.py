"""Tables as other programs leave them: longer than their headers say, with the lock of another state, put together of
others, with ids that stand for nothing, under paths that casacore expands; all compared with python-casacore."""
import json
import os
import pwd
import shutil
import struct
import subprocess

import numpy as np
import pytest

import msio

PROGRAM = os.path.join(os.path.dirname(msio.__file__), "msio")
ROWS = 12345  # of tables that are made long afterwards: found by this number in their files


def _renumber(path, old, new):
    with open(path, "rb") as file:
        content = file.read()
    for before, after in ((old, new), (old - 1, new - 1)):
        content = content.replace(struct.pack(">I", before), struct.pack(">I", after))
        content = content.replace(struct.pack("<I", before), struct.pack("<I", after))
    with open(path, "wb") as file:
        file.write(content)


def _make_long(path, rows, end, last):
    """Makes a table of ROWS rows, or cells of ROWS channels, one of `rows`; its tile file is sparse, `last` its end."""
    for name in ("table.f0", "table.dat", "table.lock"):
        _renumber(f"{path}/{name}", ROWS, rows)
    tiles = f"{path}/table.f0_TSM" + ("0" if os.path.exists(f"{path}/table.f0_TSM0") else "1")
    with open(tiles, "r+b") as file:
        file.truncate(end)
        file.seek(end - len(last))
        file.write(last)


# ---------------------------------------------------------------- long columns

@pytest.mark.parametrize("rows", [2**23 + 128, 2**23, 80 * 2**20], ids=["4 GiB", "4 GiB exactly", "40 GiB"])
@pytest.mark.parametrize("manager", ["TiledColumnStMan", "TiledShapeStMan"])
@pytest.mark.parametrize("bits", [False, True], ids=["complex", "Bool"])
def test_columns_longer_than_their_header_says(tmp_path, casacore_tables, manager, bits, rows):
    ct, path = casacore_tables, str(tmp_path / "t.tab")
    elements = 4096 if bits else 64  # 512 bytes a row
    ones = np.ones((ROWS, elements), bool if bits else np.complex64)
    fixed = {"shape": [elements]} if manager == "TiledColumnStMan" else {"ndim": 1}
    column = ct.makearrcoldesc("DATA", False if bits else 0j, valuetype="bool" if bits else "complex", **fixed)
    table = ct.table(path, ct.maketabdesc([column]), nrow=ROWS, ack=False, dminfo={"*1": {
        "NAME": "tiled", "TYPE": manager, "COLUMNS": ["DATA"], "SPEC": {"DEFAULTTILESHAPE": [elements, 128]}}})
    table.putcol("DATA", ones)
    table.close()
    last = b"\x80" if bits else np.complex64(3 + 1j).tobytes()
    _make_long(path, rows, rows * 512, last)
    table = ct.table(path, ack=False)
    assert table.nrows() == rows
    for row in (0, ROWS - 1, rows // 2, rows - 1):
        assert np.array_equal(msio.read(path, "DATA", rows=[row])[0], table.getcell("DATA", row))
    table.close()
    assert msio.read(path, "DATA", rows=[rows - 1])[0, -1] == (True if bits else 3 + 1j)
    assert msio.metadata(path).rows == rows


@pytest.mark.parametrize("bits", [False, True], ids=["complex", "Bool"])
def test_a_cell_of_more_than_32_gib(tmp_path, casacore_tables, bits):
    ct, path = casacore_tables, str(tmp_path / "t.tab")
    corrs, channels = 4096 if bits else 64, 80 * 2**20
    column = ct.makearrcoldesc("DATA", False if bits else 0j, ndim=2, valuetype="bool" if bits else "complex")
    table = ct.table(path, ct.maketabdesc([column]), nrow=1, ack=False, dminfo={"*1": {
        "NAME": "tiled", "TYPE": "TiledCellStMan", "COLUMNS": ["DATA"], "SPEC": {"DEFAULTTILESHAPE": [corrs, 128]}}})
    table.putcell("DATA", 0, np.ones((ROWS, corrs), bool if bits else np.complex64))
    table.close()
    _make_long(path, channels, channels * 512, b"\x80" if bits else np.complex64(3 + 1j).tobytes())
    table = ct.table(path, ack=False)
    for channel in (0, ROWS - 1, channels // 2, channels - 1):
        theirs = table.getcellslice("DATA", 0, [channel, 0], [channel, corrs - 1])
        assert np.array_equal(msio.read(path, "DATA", chans=slice(channel, channel + 1))[0], theirs)
    table.close()
    assert msio.read(path, "DATA", chans=slice(channels - 1, channels))[0, 0, -1] == (True if bits else 3 + 1j)


def test_reads_beyond_a_files_end_name_it_and_its_size(tmp_path, casacore_tables):
    ct, path = casacore_tables, str(tmp_path / "t.tab")
    column = ct.makearrcoldesc("DATA", 0j, valuetype="complex", shape=[64])
    table = ct.table(path, ct.maketabdesc([column]), nrow=ROWS, ack=False, dminfo={"*1": {
        "NAME": "tiled", "TYPE": "TiledColumnStMan", "COLUMNS": ["DATA"], "SPEC": {"DEFAULTTILESHAPE": [64, 128]}}})
    table.putcol("DATA", np.ones((ROWS, 64), np.complex64))
    table.close()
    os.truncate(f"{path}/table.f0_TSM0", 512 * 1000)
    assert msio.read(path, "DATA", rows=slice(0, 1000)).all()
    with pytest.raises(msio.FormatError, match="table.f0_TSM0: values should lie at bytes .* the file has 512000 bytes"):
        msio.read(path, "DATA", rows=[1000])


# ---------------------------------------------------------------- the lock of another state

@pytest.mark.parametrize("manager", ["StandardStMan", "IncrementalStMan"])
@pytest.mark.parametrize("older", [20, 1])
def test_a_lock_of_an_older_state_gives_its_rows(tmp_path, casacore_tables, manager, older):
    ct, path = casacore_tables, str(tmp_path / "t.tab")
    desc = ct.maketabdesc([ct.makescacoldesc("A", 0.0), ct.makescacoldesc("S", "")])
    dminfo = {"*1": {"NAME": "manager", "TYPE": manager, "COLUMNS": ["A", "S"]}}
    table = ct.table(path, desc, nrow=older, dminfo=dminfo, ack=False)
    table.close()
    shutil.copy(f"{path}/table.lock", tmp_path / "old.lock")
    table = ct.table(path, readonly=False, ack=False)
    table.addrows(33 - older)
    table.putcol("A", np.arange(33.0))
    table.putcol("S", [str(row) for row in range(33)])
    table.close()
    shutil.copy(f"{path}/table.lock", tmp_path / "new.lock")
    shutil.copy(tmp_path / "old.lock", f"{path}/table.lock")
    table = ct.table(path, ack=False)
    rows = table.nrows()
    theirs = {name: [table.getcell(name, row) for row in range(older)] for name in "AS"}  # getcol fails there
    table.close()
    assert rows == older
    for name in "AS":
        assert list(msio.read(path, name)) == theirs[name]
    for content in (b"", b"\0" * 260, b"\0" * 264):  # no record: the rows are table.dat's
        with open(f"{path}/table.lock", "wb") as file:
            file.write(content)
        table = ct.table(path, ack=False)
        rows = table.nrows()
        table.close()
        assert len(msio.read(path, "A")) == rows


@pytest.mark.parametrize("manager", ["StandardStMan", "IncrementalStMan", "TiledColumnStMan"])
def test_a_lock_of_a_newer_state_is_named(tmp_path, casacore_tables, manager):
    ct = casacore_tables
    for name, rows in (("few.tab", 20), ("many.tab", 33)):
        column = ct.makearrcoldesc("A", 0.0, shape=[1]) if manager[0] == "T" else ct.makescacoldesc("A", 0.0)
        dminfo = {"*1": {"NAME": "manager", "TYPE": manager, "COLUMNS": ["A"]}}
        table = ct.table(str(tmp_path / name), ct.maketabdesc([column]), nrow=rows, dminfo=dminfo, ack=False)
        table.putcol("A", np.arange(float(rows)).reshape((rows, 1) if manager[0] == "T" else rows))
        table.close()
    shutil.copy(tmp_path / "many.tab/table.lock", tmp_path / "few.tab/table.lock")
    with pytest.raises(msio.FormatError, match="table.lock.*remove it"):
        msio.read(tmp_path / "few.tab", "A")
    if manager == "StandardStMan":  # rows that both know are read, as by casacore
        assert np.array_equal(msio.read(tmp_path / "few.tab", "A", rows=slice(0, 20)), np.arange(20.0))


def test_a_lock_of_garbage_is_named(tmp_path, casacore_tables):
    ct, path = casacore_tables, str(tmp_path / "t.tab")
    ct.table(path, ct.maketabdesc([ct.makescacoldesc("A", 0.0)]), nrow=5, ack=False).close()
    with open(f"{path}/table.lock", "rb") as file:
        whole = file.read()
    for content in (whole[:264] + bytes(range(1, 62)), whole[:260] + b"\x7f\xff\xff\xff" + whole[264:], whole[:-9]):
        with open(f"{path}/table.lock", "wb") as file:
            file.write(content)
        with pytest.raises(msio.Error, match="table.lock.*(restore|remove)"):
            msio.read(path, "A")


# ---------------------------------------------------------------- tables of tables

def _observation(ct, path, scans, start):
    table = ct.default_ms(str(path))
    table.addrows(len(scans))
    table.putcol("TIME", start + 10 * np.arange(float(len(scans))))
    table.putcol("INTERVAL", np.full(len(scans), 10.0))
    table.putcol("SCAN_NUMBER", np.array(scans, np.int32))
    table.close()


def _agrees(ct, path):
    table, facts = ct.table(str(path), ack=False), msio.metadata(path)
    scan, time = table.getcol("SCAN_NUMBER"), table.getcol("TIME")
    assert facts.rows == table.nrows() and list(facts.scans) == list(np.unique(scan))
    assert facts.times == len(np.unique(time)) and facts.time_range == (time.min(), time.max())
    assert facts.integration_time == 10.0
    for number in np.unique(scan):
        assert np.array_equal(facts.find_rows(scan=number), np.flatnonzero(scan == number))
    table.close()


def test_metadata_of_concatenations(tmp_path, casacore_tables, monkeypatch):
    ct = casacore_tables
    monkeypatch.chdir(tmp_path)
    _observation(ct, "a.ms", [7, 7, 8], 0)
    _observation(ct, "b.ms", [8, 9], 20)
    _observation(ct, "d.ms", [-1, 3], 500)

    def stored(parts, name):
        table = ct.table(parts, ack=False, readonly=False)
        table.rename(name)
        table.flush()
        table.close()
    stored(["a.ms", "b.ms"], "c.ms")
    stored(["c.ms", "d.ms"], "nested.ms")
    whole = ct.table("nested.ms", ack=False)
    whole.query("SCAN_NUMBER > 7", name="chosen.ms").close()
    whole.close()
    stored(["chosen.ms", "d.ms"], "of_chosen.ms")
    for name in ("c.ms", "nested.ms", "chosen.ms", "of_chosen.ms"):
        _agrees(ct, name)
    table = ct.table("b.ms", readonly=False, ack=False)  # a part that changes is seen
    table.putcol("SCAN_NUMBER", np.array([11, 12], np.int32))
    table.close()
    for name in ("c.ms", "nested.ms", "of_chosen.ms"):
        _agrees(ct, name)


def test_metadata_of_a_multi_ms(tmp_path, casacore_tables, monkeypatch):
    """As CASA stores them: the parts lie within, in SUBMSS."""
    ct = casacore_tables
    monkeypatch.chdir(tmp_path)
    _observation(ct, "__SUBMSS_a", [1, 2], 0)
    _observation(ct, "__SUBMSS_b", [2, 4], 40)
    table = ct.table(["__SUBMSS_a", "__SUBMSS_b"], ack=False, readonly=False)
    table.rename("multi.ms")
    table.flush()
    table.close()
    os.mkdir("multi.ms/SUBMSS")
    with open("multi.ms/table.dat", "rb") as file:
        content = file.read()
    for part in "ab":
        os.rename(f"__SUBMSS_{part}", f"multi.ms/SUBMSS/{part}")
        assert content.count(b"./__SUBMSS_" + part.encode()) == 1
        content = content.replace(b"./__SUBMSS_" + part.encode(), b"././SUBMSS/" + part.encode())
    with open("multi.ms/table.dat", "wb") as file:
        file.write(content)
    _agrees(ct, "multi.ms")


# ---------------------------------------------------------------- ids that stand for nothing

@pytest.fixture
def odd_ms(tmp_path, casacore_tables):
    """Rows 4 and 5 have a DATA_DESC_ID without a row, row 3 a window without one; fields and antennas likewise."""
    ct, path = casacore_tables, str(tmp_path / "odd.ms")
    table = ct.default_ms(path)
    table.addrows(6)
    flags = np.random.default_rng(1).random((6, 3, 2)) < 0.5
    table.putcol("FLAG", flags)
    for name, values in (("DATA_DESC_ID", [0, 0, 1, 2, 9, -1]), ("FIELD_ID", [0, -1, -1, 5, 0, 0]),
                         ("SCAN_NUMBER", [1, -1, -1, 1, 1, 2]), ("ANTENNA1", [0, 7, -2, 0, 0, 0])):
        table.putcol(name, np.array(values, np.int32))
    table.close()
    for name, rows, values in (("DATA_DESCRIPTION", 3, {"SPECTRAL_WINDOW_ID": [0, 1, 8]}),
                               ("SPECTRAL_WINDOW", 2, {"NUM_CHAN": [3, 3]}), ("POLARIZATION", 1, {"NUM_CORR": [2]})):
        table = ct.table(f"{path}/{name}", readonly=False, ack=False)
        table.addrows(rows)
        for column, numbers in values.items():
            table.putcol(column, np.array(numbers, np.int32))
        table.close()
    return path, flags


def _expected(flags, keys):
    return {int(key): int(flags[keys == key].sum()) for key in np.unique(keys)}


def test_rows_whose_ids_stand_for_nothing_are_counted_apart(odd_ms):
    path, flags = odd_ms
    counted = msio.flags(path, by=["spw", "field", "scan", "antenna", "baseline", "channel", "correlation", "time"])
    windows = np.array([0, 0, 1, 8, -1, -1])
    fields, scans = np.array([0, -1, -1, 5, 0, 0]), np.array([1, -1, -1, 1, 1, 2])
    assert counted.total == flags.size and counted.flagged == flags.sum()
    for name, keys in (("spw", windows), ("field", fields), ("scan", scans)):
        found = counted.by[name]
        assert dict(zip(found[name].tolist(), found["flagged"].tolist())) == _expected(flags, keys)
        assert found["total"].sum() == flags.size
    channels = {(int(e["spw"]), int(e["channel"])): int(e["flagged"]) for e in counted.by["channel"]}
    assert channels == {(int(w), c): int(flags[windows == w, c].sum()) for w in np.unique(windows) for c in range(3)}
    assert counted.by["correlation"]["flagged"].tolist() == flags.sum(axis=(0, 1)).tolist()
    assert set(counted.by["antenna"]["antenna"].tolist()) == {-2, 0, 7}
    assert sum(counted.by["baseline"]["total"]) == flags.size
    for by in ("spw", "channel"):
        assert msio.flags(path, by=by).flagged == flags.sum()


def test_the_command_tells_them_too(odd_ms):
    path, flags = odd_ms
    ran = subprocess.run([PROGRAM, "flags", "--by=spw", "--json", path], capture_output=True, text=True)
    assert {e["spw"]: e["flagged"] for e in json.loads(ran.stdout)["by"]["spw"]} == _expected(
        flags, np.array([0, 0, 1, 8, -1, -1]))


def test_rows_with_negative_ids_are_found(odd_ms):
    path, _ = odd_ms
    facts = msio.metadata(path)
    assert list(facts.find_rows(field=-1)) == [1, 2] and list(facts.find_rows(scan=-1)) == [1, 2]
    assert list(facts.find_rows(spectral_window=-1)) == [4, 5] and list(facts.find_rows(field=5)) == [3]
    assert list(facts.find_rows(field=-1, scan=1)) == [] and len(facts.find_rows()) == 6
    for field in facts.fields_with_rows:
        assert len(facts.find_rows(field=int(field)))


# ---------------------------------------------------------------- paths

def test_paths_are_expanded_as_casacore_does(tmp_path, casacore_tables, monkeypatch):
    ct = casacore_tables
    monkeypatch.chdir(tmp_path)
    for name, value in (("HOME", str(tmp_path)), ("BASE_X", "${BASE_Y}/deep"), ("BASE_Y", str(tmp_path)),
                        ("NAME_X", "t")):
        monkeypatch.setenv(name, value)
    os.mkdir("deep")
    for name in ("t.tab", "deep/t.tab"):
        table = ct.table(name, ct.maketabdesc([ct.makescacoldesc("A", 0.0)]), nrow=2, ack=False)
        table.putcol("A", np.full(2, 1.0 if name == "t.tab" else 2.0))
        table.close()
    for path in ("~/t.tab", "$BASE_Y/t.tab", "${BASE_Y}/t.tab", "$BASE_X/t.tab", "${BASE_X}/t.tab", "deep/${NAME_X}.tab",
                 "~/deep/${NAME_X}.tab", "~/deep/t.tab"):
        theirs = ct.table(path, ack=False)
        assert np.array_equal(msio.read(path, "A"), theirs.getcol("A")), path
        assert msio.metadata(path).path == os.path.realpath(theirs.name())
        theirs.close()
    ran = subprocess.run([PROGRAM, "info", "~/deep/t.tab", "--json"], capture_output=True, text=True)
    assert ran.returncode == 0 and json.loads(ran.stdout)["rows"] == 2, ran.stderr


def test_what_is_there_or_not_known_is_taken_literally(tmp_path, casacore_tables, monkeypatch):
    ct = casacore_tables
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("X_OF_HERE", "elsewhere")
    monkeypatch.setenv("ITSELF", "${ITSELF}a")
    made = ct.table("plain.tab", ct.maketabdesc([ct.makescacoldesc("A", 0.0)]), nrow=2, ack=False)
    made.close()
    for name in ("$X_OF_HERE", "~", "${X_OF_HERE}.tab"):
        shutil.copytree("plain.tab", name)
        assert len(msio.read(name, "A")) == 2 and msio.metadata(name).rows == 2
    for name in ("$NOT_SET_HERE/t.tab", "~nobody_of_that_name/t.tab", "${NOT_CLOSED/t.tab", "$"):
        with pytest.raises(msio.NotFoundError):
            msio.read(name, "A")
    with pytest.raises(ValueError, match="stands for itself"):
        msio.read("${ITSELF}", "A")


def test_a_users_home(tmp_path, casacore_tables):
    me = pwd.getpwuid(os.getuid())
    expanded = msio._msio.expand_path(f"~{me.pw_name}/nothing.of.that.name")
    assert expanded == f"{me.pw_dir}/nothing.of.that.name"
