"""A task of CASA under `msio profile`: what it makes is bit for bit the same, its line and columns are named, and the bytes of
each of the Measurement Set's files are those that strace sees."""
import json
import os
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest
from test_casa import environment

MSIO = os.environ.get("MSIO_COMMAND", os.path.join(os.path.dirname(sys.executable), "msio"))
READ = re.compile(r"\d+ +(?:read|pread64|readv)\(\d+<([^>]*)>.*\) += +(\d+)")

SCRIPT = """import casatasks


def solve(table):
    casatasks.gaincal(vis="obs.ms", caltable=table, refant="1", solint="inf", combine="scan,field", calmode="ap", minsnr=0)


solve("cal.G")
"""
LINE = 5
CROSS = 15 * 3 * 2  # rows of cross-correlations: baselines, times, subbands


@pytest.fixture
def folder(tmp_path):
    """Where the script runs, with a Measurement Set that is the same each time."""
    (tmp_path / "solve.py").write_text(SCRIPT)
    subprocess.run([MSIO, "simulate", "ms", "--quiet", "--out", "made.ms", "--antennas", "6", "--times", "3", "--subbands", "2",
                    "--imaging"], cwd=tmp_path, check=True)
    return tmp_path


def run(folder, *before):
    """The script in front of a fresh copy; the parameters that it solved for, and their flags."""
    shutil.rmtree(folder / "obs.ms", ignore_errors=True)
    shutil.rmtree(folder / "cal.G", ignore_errors=True)
    shutil.copytree(folder / "made.ms", folder / "obs.ms")
    done = subprocess.run([*before, sys.executable, "solve.py"], cwd=folder, capture_output=True, text=True, timeout=300,
                          env=environment(folder))
    assert done.returncode == 0, done.stdout + done.stderr
    from casacore.tables import table
    with table(str(folder / "cal.G"), ack=False) as made:
        return [made.getcol(name) for name in ("CPARAM", "PARAMERR", "FLAG", "SNR", "TIME", "ANTENNA1")]


def test_gaincal(folder):
    plain = run(folder)
    profiled = run(folder, MSIO, "profile", "--quiet", "--no-estimate", "--out", str(folder / "report"), "--")
    assert len(plain[0]) and np.isfinite(plain[0]).all()
    for one, other in zip(plain, profiled):
        assert one.tobytes() == other.tobytes()

    report = json.loads((folder / "report/report.json").read_text())
    (data,) = [column for column in report["columns"] if column["column"] == "DATA" and column["table"].endswith("obs.ms")]
    assert [(os.path.basename(place["file"]), place["line"]) for place in data["by"]] == [("solve.py", LINE)]
    assert data["cells"] == CROSS and data["bytes_wanted"] == CROSS * 48 * 2 * 8  # each once: 48 channels, 2 correlations
    loops = {loop["column"]: loop for loop in report["loops"] if loop["table"].endswith("obs.ms")}
    assert {(os.path.basename(loop["file"]), loop["line"]) for loop in loops.values()} == {("solve.py", LINE)}
    assert {"ANTENNA1", "ANTENNA2"} <= set(loops)
    assert [task["task"] for task in report["python"]["tasks"]] == ["gaincal"]


def calls_of(report):
    """How often each column was read and written, by table."""
    told = {}
    for column in report["columns"]:
        for by in column["by"]:
            key = (os.path.basename(column["table"]), column["column"], by["operation"])
            told[key] = told.get(key, 0) + by["calls"]
    return told


def test_text_trace(folder, monkeypatch):
    """By casacore's own text trace the same accesses are told, of each table and column."""
    reports = {}
    for way in ("functions", "text"):
        if way == "text":
            monkeypatch.setenv("MSIO_PROFILE_TEXT", "1")
        run(folder, MSIO, "profile", "--quiet", "--no-estimate", "--out", str(folder / way), "--")
        reports[way] = json.loads((folder / way / "report.json").read_text())
    assert {p["seen_by"] for p in reports["text"]["processes"]} == {"casacore's text trace"}
    assert reports["text"]["own_cost"]["garbled_lines"] == 0
    functions, text = (calls_of(reports[way]) for way in ("functions", "text"))
    assert functions["obs.ms", "DATA", "read"] == CROSS
    assert text == functions


@pytest.mark.skipif(not shutil.which("strace"), reason="strace is not installed")
def test_bytes_are_those_of_strace(folder):
    run(folder, MSIO, "profile", "--quiet", "--no-estimate", "--out", str(folder / "report"), "--")
    run(folder, "strace", "-f", "-y", "-e", "trace=read,pread64,readv", "-o", str(folder / "log"))
    seen, ms = {}, str(folder / "obs.ms") + "/"
    with open(folder / "log", encoding="utf-8", errors="replace") as log:
        for found in filter(None, map(READ.match, log)):
            if found[1].startswith(ms) and not found[1].endswith("table.lock"):
                seen[found[1]] = seen.get(found[1], 0) + int(found[2])
    report = json.loads((folder / "report/report.json").read_text())
    counted = {file["path"]: file["bytes_read"] for file in report["files"]
               if file["path"].startswith(ms) and not file["path"].endswith("table.lock") and file["bytes_read"]}
    assert seen and counted == {path: n for path, n in seen.items() if n}
