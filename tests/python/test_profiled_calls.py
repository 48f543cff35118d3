"""A program that calls the package, under `msio profile`: each call of the library that the package makes for it stands at the
program's own line, with the bytes and rows of what came back."""
import json
import os
import pstats
import subprocess
import sys

import pytest

MSIO = os.environ.get("MSIO_COMMAND", os.path.join(os.path.dirname(sys.executable), "msio"))

SCRIPT = """import os
import signal
import sys
import threading

import msio

path = sys.argv[1]
table = msio.Table(path)
data = table.read("DATA")
for _ in range(7):
    times = msio.read(path, "TIME")


def work():
    for _ in range(4):
        table.read("UVW")


threads = [threading.Thread(target=work) for _ in range(3)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
batches = 0
for batch in msio.stream(path, ["DATA"], rows_per_batch=50):
    batches += 1
for _ in range(2):
    msio.metadata(path)
msio.flags(path)
reader = table.reader("DATA")
for row in range(60):
    reader(row)
child = os.fork()
if child == 0:
    table.read("FLAG")
    os._exit(0)
os.waitpid(child, 0)
print(data.nbytes, len(data), batches)
sys.stdout.flush()
if "killed" in sys.argv:
    os.kill(os.getpid(), signal.SIGKILL)
"""


def line_of(text):
    """The number of the one line of the script that has this text."""
    found = [n for n, line in enumerate(SCRIPT.splitlines(), 1) if text in line]
    assert len(found) == 1
    return found[0]


class Run:
    def __init__(self, folder, *arguments, code=0):
        self.folder, self.script, self.table = folder, str(folder / "calls.py"), str(folder / "obs.ms")
        (folder / "calls.py").write_text(SCRIPT)
        subprocess.run([MSIO, "simulate", "ms", "--quiet", "--out", self.table, "--antennas", "6", "--times", "4", "--subbands",
                        "2"], check=True)
        done = subprocess.run([MSIO, "profile", "--out", str(folder / "report"), *arguments[:1], "--", sys.executable, self.script,
                               self.table, *arguments[1:]], capture_output=True, text=True, timeout=120)
        assert done.returncode == code, done.stdout + done.stderr
        self.bytes, self.rows, self.batches = map(int, done.stdout.splitlines()[0].split())
        self.report = json.loads((folder / "report" / "report.json").read_text())

    def calls(self, function, text):
        """Of the function by the line with this text: calls, bytes, rows, columns."""
        line = line_of(text)
        found = [c for c in self.report["msio_calls"]
                 if c["function"] == function and (c["file"], c["line"]) == (self.script, line)]
        assert {c["site"] for c in found} == {"exact"}
        assert {c["table"] for c in found} == {self.table}
        return (sum(c["ncalls"] for c in found), sum(c["bytes"] for c in found), sum(c["rows"] for c in found),
                {c["column"] for c in found})


@pytest.mark.parametrize("killed", [False, True])
def test_lines(tmp_path, killed):
    run = Run(tmp_path, "--no-stacks", *["killed"] * killed, code=137 if killed else 0)
    rows = run.rows
    assert run.calls("msio_table_open", "table = msio.Table") == (1, 0, 0, {""})
    assert run.calls("msio_read_new", 'table.read("DATA")') == (1, run.bytes, rows, {"DATA"})
    assert run.calls("msio_read_new", 'msio.read(path, "TIME")') == (7, 7 * 8 * rows, 7 * rows, {"TIME"})
    assert run.calls("msio_table_open", 'msio.read(path, "TIME")')[0] == 7
    assert run.calls("msio_read_new", 'table.read("UVW")') == (12, 12 * 24 * rows, 12 * rows, {"UVW"})
    assert run.calls("msio_stream_next", "in msio.stream(") == (run.batches + 1, run.bytes, rows, {"DATA"})
    assert run.calls("msio_metadata_get", "msio.metadata(path)")[0] == 2
    assert run.calls("msio_flags_count", "msio.flags(path)")[0] == 1
    cells = run.calls("msio_cursor_peek", "reader(row)")
    assert cells[0] >= 60 and cells[1:3] == (cells[0] * (run.bytes // rows), cells[0])
    assert run.calls("msio_read_new", 'table.read("FLAG")') == (1, run.bytes // 8, rows, {"FLAG"})
    known = {c["file"] for c in run.report["msio_calls"]}
    assert known <= {run.script, None}, "calls of the package are told of the program's lines alone"
    assert run.report["own_cost"]["lost"] == 0


def test_pstats(tmp_path):
    """Without --calls the calls of msio's are in profile.prof, called by the lines; with it all functions of Python are."""
    run = Run(tmp_path, "--no-stacks")
    stats = pstats.Stats(str(tmp_path / "report" / "profile.prof")).stats
    line = line_of('table.read("UVW")')
    entry = stats[run.table, 0, "msio_read_new UVW"]
    assert entry[:2] == (12, 12) and entry[2] == entry[3] > 0
    assert entry[4][run.script, line, "work"] == (12, 12, entry[2], entry[3])
    (tmp_path / "every").mkdir()
    every = Run(tmp_path / "every", "--calls")
    stats = pstats.Stats(str(tmp_path / "every" / "report" / "profile.prof")).stats
    assert (every.script, line_of("def work"), "work") in stats


def test_held(tmp_path):
    """What the package's caches hold when the program is killed: by the path, and the sum of it."""
    run = Run(tmp_path, "--no-stacks", "killed", code=137)
    holds = run.report["msio_holds"]
    held = {(h["table"], h["what"]): h for h in holds["by"]}
    assert held[run.table, "answers"]["bytes"] > 0
    assert held[run.table, "open tables"]["bytes"] > 0
    assert held[run.table, "batches"] == {"table": run.table, "what": "batches", "bytes": 0,
                                          "most_bytes": 2 * 50 * run.bytes // run.rows}
    assert holds["most_bytes"] >= holds["bytes"] > 0
