"""Type stubs: they agree with what runs, and tell types apart."""
import subprocess
import sys

import pytest

pytest.importorskip("mypy", reason="mypy is not installed")

STUBS = ("msio", "msio._msio", "msio.dask", "msio.meta", "msio.patching", "msio.plot", "msio.profiling", "msio.reading",
         "msio.simulating", "msio.subbands", "msio.tables", "msio.uvdata")

CONFIGURATION = f"""[mypy]
ignore_missing_imports = True
ignore_errors = True
[mypy-{",".join(STUBS)},program]
ignore_errors = False
"""

# Modules that have no stubs; what python-casacore, where it is installed, gives msio.tables (its class is the base); and
# a type of the extension that only its calls make.
ALLOWED = r"""msio\.scan.*
msio\._(?!msio).*
msio\.(msio_(casacore|hdf5)|libmsio_profile)
msio\.tables\.(?!(served|shadow)$).*
msio\._msio\.Facts
"""

PROGRAM = """import msio
import msio.dask
from msio.tables import table

for batch in msio.stream("a.ms", ["DATA"]):
    batch["DATA"].shape[0] + batch.row
msio.metadata("a.ms").fields[0].phase_dir.value         # may be None
msio.flags("a.ms", by=["antenna", "channels"])          # no such breakdown
msio.load(msio.groups("/data")[0], layout="row-pol")    # no such layout
msio.load("/data", missing="flag").frequencies.max() / 1e6
with msio.profile() as seen:
    seen.json()["paths"]
table("a.ms", ack=False).getcol("DATA", 0, 10).shape
msio.verify("a.ms", targets={"metadata": "fast"})       # no number
"""


@pytest.fixture
def mypy(tmp_path):
    (tmp_path / "mypy.ini").write_text(CONFIGURATION)
    (tmp_path / "allowed").write_text(ALLOWED)
    (tmp_path / "program.py").write_text(PROGRAM)

    def run(*arguments):
        return subprocess.run([sys.executable, "-m", *arguments], cwd=tmp_path, capture_output=True, text=True)
    return run


def test_stubs_agree_with_the_package(mypy):
    done = mypy("mypy.stubtest", "msio", "--mypy-config-file", "mypy.ini", "--allowlist",
                "allowed", "--ignore-unused-allowlist", "--concise")
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_program_is_checked_against_them(mypy):
    done = mypy("mypy", "--config-file", "mypy.ini", "--strict", "program.py")
    found = [int(line.split(":")[1]) for line in done.stdout.splitlines() if "error:" in line]
    assert found == [7, 8, 9, 14], done.stdout
