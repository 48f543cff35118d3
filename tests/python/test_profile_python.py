"""The profiler, the command's verdicts, simulated data sets, and what tells how far a call is."""
import builtins
import json
import os
import pathlib
import signal
import subprocess
import sys
import sysconfig
import threading
import time
import types

import numpy as np
import pytest

import msio
from msio import _msio, profiling
from msio._progress import progress


def calls_of(seen, name):
    (path,) = [path for path in seen.json()["paths"] if path["name"] == name]
    return path["ncalls"]


# ---------------------------------------------------------------- profile

def test_a_block_counts_its_own_calls(simulated_ms):
    msio.read(simulated_ms, "TIME")
    for reads in (1, 3):
        with msio.profile() as seen:
            for _ in range(reads):
                data = msio.read(simulated_ms, "DATA")
        msio.read(simulated_ms, "TIME")
        assert calls_of(seen, "read") == reads
        (path,) = [path for path in seen.json()["paths"] if path["name"] == "read"]
        assert path["bytes"] == reads * data.nbytes and path["rows"] == reads * len(data)
    assert not _msio.profile_running()


def test_forms_of_a_report(simulated_ms, tmp_path):
    with msio.profile() as seen:
        msio.read(simulated_ms, "DATA")
    assert seen.text() == str(seen) and "read" in seen.text().split()
    seen.write(tmp_path / "profile.json")
    with open(tmp_path / "profile.json", encoding="utf-8") as file:
        assert json.load(file) == seen.json()
    text = repr(seen)
    assert text.startswith("<Profile of") and "read: 1 calls" in text and len(text.splitlines()) > 1


def test_a_block_tells_while_it_runs(simulated_ms):
    with msio.profile() as seen:
        msio.read(simulated_ms, "DATA")
        assert calls_of(seen, "read") == 1
        msio.read(simulated_ms, "DATA")
        assert calls_of(seen, "read") == 2
    assert calls_of(seen, "read") == 2


def test_a_block_within_a_block(simulated_ms):
    with msio.profile() as outer:
        msio.read(simulated_ms, "DATA")
        with msio.profile() as inner:
            msio.read(simulated_ms, "DATA")
        msio.read(simulated_ms, "DATA")
    assert calls_of(inner, "read") == 2 and calls_of(outer, "read") == 3


def test_a_block_that_fails(simulated_ms):
    with pytest.raises(KeyError), msio.profile() as seen:
        msio.read(simulated_ms, "NOTHING")
    assert not _msio.profile_running() and seen.json()["paths"]


def test_install_profiling(simulated_ms, tmp_path):
    """A run is kept under its script's name, with what it read; a block within it takes nothing away."""
    script = tmp_path / "tasks.py"
    script.write_text("import sys, msio\nmsio.install_profiling(sys.argv[2], keep=3)\nmsio.read(sys.argv[1], 'TIME')\n"
                      "with msio.profile(): msio.read(sys.argv[1], 'DATA')\n")
    for _ in range(4):
        subprocess.run([sys.executable, script, simulated_ms, tmp_path / "kept"], check=True)
    kept = [path for path in (tmp_path / "kept").iterdir() if path.name.endswith(".run.json")]
    assert len(kept) == 3 and all(path.name.startswith("tasks_py.") for path in kept)
    (read,) = [path for path in json.loads(kept[0].read_text())["paths"] if path["name"] == "read"]
    assert read["ncalls"] == 2
    for wrong in ({"keep": 0}, {"slow": 1}, {"slow": float("nan")}):
        with pytest.raises(ValueError):
            msio.install_profiling(tmp_path, **wrong)


def test_blocks_of_several_threads(simulated_ms):
    begun, ended, seen = threading.Event(), threading.Event(), []

    def work():
        with msio.profile() as profile:
            begun.set()
            ended.wait(60)
            msio.read(simulated_ms, "DATA")
        seen.append(profile)
    thread = threading.Thread(target=work)
    with msio.profile():
        thread.start()
        assert begun.wait(60)
    assert _msio.profile_running()  # the other block is still open
    ended.set()
    thread.join()
    assert calls_of(seen[0], "read") == 1 and not _msio.profile_running()


def test_the_environments_profile_goes_on(simulated_ms, tmp_path):
    code = ("import msio, sys\nmsio.read(sys.argv[1], 'DATA')\n"
            "with msio.profile() as seen:\n    msio.read(sys.argv[1], 'DATA')\n"
            "assert msio._msio.profile_running()\nmsio.read(sys.argv[1], 'DATA')\n")
    subprocess.run([sys.executable, "-c", code, simulated_ms], check=True,
                   env={**os.environ, "MSIO_PROF": f"json:{tmp_path / 'whole.json'}"})
    with open(tmp_path / "whole.json", encoding="utf-8") as file:
        assert [path["ncalls"] for path in json.load(file)["paths"] if path["name"] == "read"] == [3]


# ---------------------------------------------------------------- advice

LOOP = """import sys
from {module} import table
def shape_of(t):
    return t.getcell("DATA", 0).shape
t = {opening}
shape_of(t)
for _ in range(3):
    for row in range(t.nrows()):
        cell = t.getcell("DATA",
                         row)  # the loop
{end}
"""
LINE = next(i for i, line in enumerate(LOOP.splitlines(), 1) if "t.getcell" in line and "shape" not in line)
FORMS = {"casacore": ("msio.tables", "table(sys.argv[1], ack=False)"),
         "reader": ("msio._reader", "table(sys.argv[1], ack=False)"),
         "patched": ("casacore.tables", "table(sys.argv[1], ack=False)")}


def advice_of(run, folder, source, path, **environment):
    """What the profile of a program advises, in a process of its own."""
    script, told = folder / "a script.py", folder / "told.json"
    script.write_text(source)
    subprocess.run([sys.executable, *run, str(script), path], check=True,
                   env={**os.environ, "MSIO_PROF": f"json:{told}", **environment})
    return script, [advice["text"] for advice in json.loads(told.read_text())["advice"]]


@pytest.mark.parametrize("end", ["t.close()", ""])
@pytest.mark.parametrize("form", FORMS)
def test_advice_names_the_line_of_the_program(form, end, simulated_ms, tmp_path):
    if form != "reader":
        pytest.importorskip("casacore.tables", reason="python-casacore is not installed")
    module, opening = FORMS[form]
    script, advice = advice_of(["-m", "msio"] if form == "patched" else [], tmp_path,
                               LOOP.format(module=module, opening=opening, end=end), simulated_ms)
    assert len(advice) == 1 and "getcell loop over" in advice[0] and "of DATA" in advice[0]
    assert advice[0].endswith(f"(the loop is at {script}:{LINE})") and "+0x" not in advice[0]


def test_advice_on_columns_rows_and_readers(simulated_ms, tmp_path):
    """Calls that python-casacore's own classes make for the program are the program's."""
    loops = {'c = t.col("DATA")': "c.getcell(row)", 'c = t.row(["DATA"])': "c.get(row)",
             'c = msio.Table(sys.argv[1]).reader("DATA")': "c(row)"}
    pytest.importorskip("casacore.tables", reason="python-casacore is not installed")
    for opening, call in loops.items():
        source = ("import sys\nimport msio\nfrom msio.tables import table\nt = table(sys.argv[1], ack=False)\n"
                  f"{opening}\nfor row in list(range(t.nrows())) * 2:\n    {call}\nt.close()\n")
        script, advice = advice_of([], tmp_path, source, simulated_ms)
        assert len(advice) == 1 and advice[0].endswith(f"(the loop is at {script}:7)"), (opening, advice)


@pytest.mark.parametrize("form", ["casacore", "reader"])
def test_a_block_advises_on_a_table_that_stays_open(form, simulated_ms, request):
    if form == "casacore":
        request.getfixturevalue("casacore_tables")
        from msio.tables import table
    else:
        from msio._reader import table
    with table(simulated_ms, ack=False) as open_one:
        with msio.profile() as seen:
            for _ in range(2):
                for row in range(open_one.nrows()):
                    cell = open_one.getcell("DATA", row)
        (advice,) = seen.json()["advice"]
        assert f"{__file__}:" in advice["text"] and "advice: getcell loop" in seen.text()
        assert np.array_equal(open_one.getcell("DATA", row), cell)  # it is read on
        with msio.profile() as seen:
            open_one.getcell("DATA", 0)
        assert seen.json()["advice"] == []


# ---------------------------------------------------------------- verify

def use_command(monkeypatch, folder, text):
    """A command of that text in place of msio's."""
    path = folder / "msio"
    path.write_text(f"#!{sys.executable}\nimport json, sys\n{text}")
    path.chmod(0o755)
    monkeypatch.setattr(profiling, "_command", lambda: str(path))


def test_verdicts_are_objects(tmp_path, monkeypatch):
    report = {"paths": [{"name": "metadata", "path": "a.ms", "target_seconds": 0.001, "measured_seconds": 0.0002,
                         "uncached_seconds": 0.02, "bytes": None, "roofline_seconds": None, "verdict": "PASS",
                         "reason": "well"},
                        {"name": "read-DATA", "path": "a.ms", "target_seconds": 0.5, "measured_seconds": 0.7,
                         "bytes": 12, "roofline_seconds": 0.4, "verdict": "FAIL", "reason": "slow", "new": 1,
                         "tries": 5, "met": 2, "load": {"average": 1.5, "others": 0.25}}],
              "threads": 2, "judgement": "1 of 2 targets met", "met": False}
    use_command(monkeypatch, tmp_path, f"json.dump(sys.argv[1:], open({str(tmp_path / 'given')!r}, 'w'))\n"
                                       f"print({json.dumps(report)!r})\nsys.exit(1)\n")
    verdicts = msio.verify(tmp_path / "a.ms", ["b.ms", b"-c.ms"], require=["metadata", "read-DATA"],
                           targets={"metadata": 1e-3, "read-DATA": np.float32(0.5)})
    assert not verdicts.met and verdicts.judgement == "1 of 2 targets met" and verdicts.json() == report
    assert [verdict.name for verdict in verdicts] == ["metadata", "read-DATA"] and len(verdicts) == 2
    assert verdicts[0].uncached_seconds == 0.02 and verdicts[1].uncached_seconds is None
    assert (verdicts[1].tries, verdicts[1].met, verdicts[1].load["others"]) == (5, 2, 0.25)
    assert verdicts[0].tries is None and verdicts[0].load is None
    assert verdicts[1].verdict == "FAIL" and verdicts[1].bytes == 12 and "slow" in repr(verdicts)
    with open(tmp_path / "given", encoding="utf-8") as file:
        given = json.load(file)
    assert given[:2] == ["verify", "--json"] and given[-3:] == [str(tmp_path / "a.ms"), os.path.abspath("b.ms"),
                                                                os.path.abspath("-c.ms")]
    assert given[2:-3] == ["--target", "metadata=0.001", "--target", "read-DATA=0.5", "--require", "metadata,read-DATA"]


@pytest.mark.parametrize("told, code, kind", [
    ({"error": {"code": "E_NOT_FOUND", "message": "gone", "path": "a.ms"}}, 3, "NotFoundError"),
    ({"error": {"code": "E_ARGUMENT", "message": "gone", "path": ""}}, 2, "ArgumentError"), ([], 3, "Error")])
def test_the_commands_errors(tmp_path, monkeypatch, told, code, kind):
    use_command(monkeypatch, tmp_path,
                f"print(json.dumps({told!r}))\nprint('gone', file=sys.stderr)\nsys.exit({code})\n")
    with pytest.raises(msio.Error, match="gone") as caught:
        msio.verify("a.ms")
    assert type(caught.value).__name__ == kind


def test_a_command_that_only_complains(tmp_path, monkeypatch):
    use_command(monkeypatch, tmp_path, "sys.exit('gone')\n")
    with pytest.raises(msio.Error, match="gone"):
        msio.verify("a.ms")


def test_where_the_command_is_found(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(profiling._msio, "__file__", str(tmp_path / "package" / "_msio.so"))
    with pytest.raises(msio.UnsupportedError, match="PATH"):
        msio.verify("a.ms")
    for folder in (tmp_path, tmp_path / "package"):  # the second goes before the first
        folder.mkdir(exist_ok=True)
        (folder / "msio").write_text("#!/bin/sh\n")
        (folder / "msio").chmod(0o755)
        assert profiling._command() == str(folder / "msio")


def test_verifying_with_the_packages_command(simulated_ms, monkeypatch):
    monkeypatch.setenv("PATH", "")
    verdicts = msio.verify(simulated_ms, targets={"metadata": 60, "read-UVW": 60}, require="metadata")
    found = {verdict.name: verdict for verdict in verdicts}
    assert found["metadata"].verdict == found["read-UVW"].verdict == "PASS" and found["metadata"].measured_seconds > 0
    assert verdicts.met is True and verdicts.threads > 0
    with pytest.raises(FileNotFoundError):
        msio.verify(simulated_ms + ".none")
    with pytest.raises(ValueError):
        msio.verify(simulated_ms, targets={"nothing": 1})


def test_the_command_among_the_scripts(tmp_path):
    """What pip installs finds the program, which finds the modules: one is needed to write UVH5."""
    command = os.path.join(sysconfig.get_path("scripts"), "msio")
    run = [command, "simulate", "uvh5", "--out", "group", "--antennas", "3", "--times", "2", "--subbands", "1", "--quiet"]
    subprocess.run(run, cwd=tmp_path, check=True)
    assert [path.suffix for path in (tmp_path / "group").iterdir()] == [".hdf5"]
    told = subprocess.run([command, "--version"], capture_output=True, text=True, check=True).stdout
    assert told.split()[:2] == ["msio", msio.__version__]
    assert subprocess.run([command, "nonsense"], capture_output=True, check=False).returncode == 2


# ---------------------------------------------------------------- simulation

def test_options_of_a_measurement_set(tmp_path, casacore_tables):
    path = tmp_path / "obs.ms"
    msio.simulate_ms(path, antennas=5, times=3, subbands=2, channels=7, corrs=4, imaging_columns=True)
    with casacore_tables.table(str(path), ack=False) as table:
        assert table.nrows() == 15 * 3 * 2 and table.getcell("DATA", 0).shape == (7, 4)
        assert "MODEL_DATA" in table.colnames() and table.endianformat() == sys.byteorder
    with pytest.raises(ValueError):
        msio.simulate_ms(path)
    msio.simulate_ms(path, antennas=3, times=2, subbands=2, channels=4, layout="wide", byte_order="big", overwrite=True)
    with casacore_tables.table(str(path), ack=False) as table:
        assert table.nrows() == 6 * 2 and table.getcell("DATA", 0).shape == (8, 2) and table.endianformat() == "big"
        assert "MODEL_DATA" not in table.colnames()


def test_options_of_a_group(tmp_path):
    h5py = pytest.importorskip("h5py")
    options = {"antennas": 4, "times": 3, "subbands": 5, "channels": 6}
    folder = tmp_path / "group"
    msio.simulate_uvh5(folder, **options, polarizations=4, missing=np.array([1, 3]), jitter=0,
                       time="2024-02-29T23:59:59", compression="gzip", flags="none")
    files = sorted(folder.iterdir())
    assert [file.name for file in files] == [f"2024-02-29T23:59:59_sb{subband:02}.hdf5" for subband in (0, 2, 4)]
    with h5py.File(files[0], "r") as file:
        visdata = file["Data/visdata"]
        assert visdata.compression == "gzip" and visdata.shape[0] == 10 * 3 and visdata.shape[-2:] == (6, 4)
        assert not file["Data/flags"][()].any()
    values = []
    for seed in (1, 1, 2):
        msio.simulate_uvh5(tmp_path / "noisy", **options, noise=0.5, seed=seed, jitter=0, overwrite=True)
        with h5py.File(sorted((tmp_path / "noisy").iterdir())[0], "r") as file:
            values.append(file["Data/visdata"][()])
    assert np.array_equal(values[0], values[1]) and not np.array_equal(values[0], values[2])


def test_options_that_cannot_be(tmp_path):
    for wrong, kind in (({"antennas": 0}, ValueError), ({"antennas": 2.5}, TypeError), ({"antenas": 3}, TypeError),
                        ({"layout": "other"}, ValueError), ({"corrs": 3}, ValueError),
                        ({"times": 2**40}, OverflowError)):
        with pytest.raises(kind):
            msio.simulate_ms(tmp_path / "x.ms", **wrong)
    for wrong, kind in (({"missing": [99]}, ValueError), ({"missing": [2**40]}, ValueError),
                        ({"missing": [1.5]}, TypeError), ({"missing": ["a"]}, TypeError), ({"missing": 3}, TypeError),
                        ({"missing": range(20000)}, ValueError), ({"seed": -1}, OverflowError),
                        ({"seed": 0.5}, TypeError), ({"noise": -1}, ValueError), ({"compression": "zip"}, ValueError),
                        ({"time": "yesterday"}, ValueError)):
        with pytest.raises(kind):
            msio.simulate_uvh5(tmp_path / "g", **wrong)
    assert not list(tmp_path.iterdir())


def test_ctrl_c_ends_a_simulation(tmp_path):
    code = ("import msio, sys\nmsio._msio\nprint('begun', flush=True)\n"
            "try:\n    msio.simulate_ms(sys.argv[1], progress=True)\n"
            "except KeyboardInterrupt:\n    print('stopped', flush=True)\n"
            "except msio.CasacoreError:\n    print('no casacore', flush=True)\n")
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "x.ms")], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True) as run:
        assert run.stdout.readline() == "begun\n"
        time.sleep(0.5)
        run.send_signal(signal.SIGINT)
        assert run.stdout.readline() in ("stopped\n", "no casacore\n")
        run.communicate(timeout=60)
    assert not list(tmp_path.iterdir())


# ---------------------------------------------------------------- progress

def without_tqdm(monkeypatch):
    there = builtins.__import__

    def found(name, *others, **more):
        if name.startswith("tqdm"):
            raise ImportError(name)
        return there(name, *others, **more)
    monkeypatch.setattr(builtins, "__import__", found)


def test_a_line_without_tqdm(monkeypatch, capsys):
    without_tqdm(monkeypatch)
    with progress(True, "counting") as told:
        for done in (0, 1, 1, 50, 1000):
            told(done, 1000)
    shown = capsys.readouterr().err
    assert shown == "\rcounting:   0 %\rcounting:   5 %\rcounting: 100 %\n"
    with pytest.raises(KeyError), progress(True, "counting") as told:
        told(3, 4)
        raise KeyError
    assert capsys.readouterr().err == "\rcounting:  75 %\n"
    with progress(True, "nothing to do") as told:
        told(0, 0)
    assert capsys.readouterr().err == "\rnothing to do: 100 %\n"


def test_nothing_is_shown_unasked(capsys, tmp_path):
    with progress(False, "counting") as told:
        assert told is None
    msio.simulate_uvh5(tmp_path / "g", antennas=3, times=2, subbands=2, channels=4)
    assert capsys.readouterr() == ("", "")


def test_a_bar_of_tqdm(monkeypatch):
    bars = []

    class Bar:
        def __init__(self, desc, unit, unit_scale):
            self.desc, self.total, self.n, self.open = desc, None, 0, True
            bars.append(self)

        def __enter__(self):
            return self

        def __exit__(self, *_):
            self.open = False

        def update(self, more):
            self.n += more
    monkeypatch.setitem(sys.modules, "tqdm", types.SimpleNamespace())
    monkeypatch.setitem(sys.modules, "tqdm.auto", types.SimpleNamespace(tqdm=Bar))
    with progress(True, "counting") as told:
        for done in (10, 30, 20):
            told(done, 40)
            assert bars[0].n == done
    assert (bars[0].desc, bars[0].n, bars[0].total, bars[0].open) == ("counting", 40, 40, False)


def test_a_simulation_tells_how_far_it_is(monkeypatch, capsys, tmp_path):
    without_tqdm(monkeypatch)
    msio.simulate_uvh5(pathlib.Path(tmp_path) / "g", antennas=3, times=2, subbands=2, channels=4, progress=True)
    assert capsys.readouterr().err.endswith("simulating: 100 %\n")
