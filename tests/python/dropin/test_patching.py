"""Programs that nobody edits: the patch by call, by `python -m msio`, by the environment; and none where it is refused."""
import os
import subprocess
import sys
import textwrap

import pytest

pytest.importorskip("casacore.tables", reason="python-casacore is not installed")

import msio  # noqa: E402

LOOP = """
    import sys
    from casacore.tables import table
    import casacore.tables as ct
    t, u = table(sys.argv[1], ack=False), ct.table(sys.argv[1], ack=False)
    total = 0
    for row in range(20):
        total += t.getcell("SCALAR_I", row) + u.getcell("SCALAR_I", row)
    assert total == 2 * int(t.getcol("SCALAR_I").sum())
    from msio import patching
    if patching.is_patched():
        from msio.tables import served
        print("patched", sum(served()["msio"].values()), sum(served()["casacore"].values()))
    else:
        print("own", table.getcell.__module__)
"""


def run(tmp_path, *arguments, code=LOOP, **environment):
    script = tmp_path / "program.py"
    script.write_text(textwrap.dedent(code))
    run = subprocess.run([sys.executable, *[str(a).replace("SCRIPT", str(script)) for a in arguments]],
                         env={**os.environ, **environment}, capture_output=True, text=True, timeout=120, cwd=tmp_path)
    assert run.returncode == 0, run.stdout + run.stderr
    return run


def test_a_script_as_it_is(tmp_path, own_table):
    assert run(tmp_path, "SCRIPT", own_table).stdout == "own casacore.tables.table\n"


def test_a_script_by_the_module(tmp_path, own_table):
    assert run(tmp_path, "-m", "msio", "SCRIPT", own_table).stdout == "patched 41 0\n"


def test_a_module_by_the_module(tmp_path, own_table):
    assert run(tmp_path, "-m", "msio", "-m", "program", own_table).stdout == "patched 41 0\n"


def test_off_wins(tmp_path, own_table):
    out = run(tmp_path, "-m", "msio", "SCRIPT", own_table, MSIO_PATCH="off").stdout
    assert out == "own casacore.tables.table\n"
    code = "import msio\nassert msio.patch_casacore() is False\n" + textwrap.dedent(LOOP)
    assert run(tmp_path, "SCRIPT", own_table, code=code, MSIO_PATCH="off").stdout == out


def test_off_leaves_the_subclass_to_casacore_too(tmp_path, own_table):
    code = """
        import sys
        import casacore.tables as ct
        own = dict(vars(ct.table))
        from msio.tables import served, table
        t = table(sys.argv[1], ack=False)
        t.getcol("ARRAY_int")
        print(served()["msio"], dict(vars(ct.table)) == own)
    """
    assert run(tmp_path, "SCRIPT", own_table, code=code, MSIO_PATCH="off").stdout == "{} True\n"
    assert run(tmp_path, "SCRIPT", own_table, code=code).stdout == "{'getcol': 1} False\n"


def is_installed():
    folder = os.path.dirname(os.path.dirname(msio.__file__))
    return os.path.exists(os.path.join(folder, "msio_patch.pth")) and folder.endswith("-packages")


@pytest.mark.skipif(not is_installed(), reason="the package is not installed: .pth files count in site-packages only")
def test_on_in_the_environment(tmp_path, own_table):
    assert run(tmp_path, "SCRIPT", own_table, MSIO_PATCH="on").stdout == "patched 41 0\n"
    code = """
        import multiprocessing, sys
        def work(path):
            from casacore.tables import table
            from msio import patching
            t = table(path, ack=False)
            return patching.is_patched(), int(t.getcol("SCALAR_I").sum())
        if __name__ == "__main__":
            for method in ("spawn", "fork"):
                with multiprocessing.get_context(method).Pool(2) as pool:
                    print(method, pool.map(work, [sys.argv[1]] * 2))
    """
    out = run(tmp_path, "SCRIPT", own_table, code=code, MSIO_PATCH="on").stdout
    assert out.count("(True, ") == 4


def test_before_the_import_and_after(tmp_path, own_table):
    for before in (True, False):
        lines = ["import msio", "msio.patch_casacore()"]
        lines = lines + ["from casacore.tables import table"] if before else ["from casacore.tables import table"] + lines
        lines += ["import sys", "from msio import patching", "t = table(sys.argv[1], ack=False)",
                  "assert patching.is_patched()", "t.getcol('ARRAY_int')", "from msio.tables import served",
                  "print(served()['msio'])", "msio.unpatch_casacore()", "assert not patching.is_patched()",
                  "assert table.getcol.__module__ == 'casacore.tables.table'", "t.getcol('ARRAY_int')",
                  "print(served()['msio'])"]
        assert run(tmp_path, "SCRIPT", own_table, code="\n".join(lines)).stdout == "{'getcol': 1}\n" * 2


def test_the_report_names_the_loop(tmp_path, own_table):
    err = run(tmp_path, "-m", "msio", "SCRIPT", own_table, MSIO_REPORT="1").stderr
    assert "41 calls served natively, 0 by casacore" in err
    assert "loop: 40 x getcell of SCALAR_I" in err and "program.py:8" in err


def test_shadow_by_the_environment(tmp_path, own_table):
    assert run(tmp_path, "-m", "msio", "SCRIPT", own_table, MSIO_SHADOW="1").stdout == "patched 41 0\n"
    assert "MSIO_SHADOW" in run(tmp_path, "-m", "msio", "SCRIPT", own_table, MSIO_SHADOW="often").stderr


def test_a_fork_after_a_parallel_read(tmp_path, own_table):
    code = """
        import os, sys
        from casacore.tables import table
        t = table(sys.argv[1], ack=False)
        first = t.getcol("ARRAY_complex")
        t.getcell("SCALAR_I", 1)
        for _ in range(3):
            child = os.fork()
            if not child:
                same = (t.getcol("ARRAY_complex") == first).all() and t.getcell("SCALAR_I", 2) is not None
                os._exit(0 if same else 1)
            assert os.waitpid(child, 0)[1] == 0
        print("done")
    """
    assert run(tmp_path, "-m", "msio", "SCRIPT", own_table, code=code).stdout == "done\n"


STARTED = """
    import atexit, os, sys
    def work(n):
        from casacore.tables import table
        return n + 1, table.getcell.__module__.split(".")[0]
    if __name__ == "__main__":
        import __main__
        print(sys.argv, __file__, sys.path[0], __spec__ and __spec__.name, __main__ is sys.modules["__main__"],
              __main__.work is work, os.getcwd() in sys.path[1:])
        import multiprocessing
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            print(pool.map(work, [1, 2]))
        atexit.register(lambda: print(sys.modules["__main__"].work is work))
"""


def as_started(arguments, folder, **environment):
    done = subprocess.run([sys.executable, *arguments], cwd=folder, env={**os.environ, **environment}, text=True,
                          capture_output=True, timeout=120)
    return done.returncode, done.stdout, done.stderr.splitlines()[-1:]


@pytest.mark.skipif(not is_installed(), reason="the package is not installed: .pth files count in site-packages only")
def test_programs_find_what_python_gives_them(tmp_path):
    code = textwrap.dedent(STARTED)
    (tmp_path / "scripts" / "whole").mkdir(parents=True)
    (tmp_path / "scripts" / "program.py").write_text(code)
    (tmp_path / "link.py").symlink_to(tmp_path / "scripts" / "program.py")
    (tmp_path / "scripts" / "whole" / "__main__.py").write_text("import sys; print(sys.argv, __file__, sys.path[0])")
    for arguments in (["scripts/program.py", "-m", "a b"], ["link.py"], [str(tmp_path / "scripts/program.py")],
                      ["-m", "scripts.program", "x"]):
        code, out, _ = as_started(arguments, tmp_path)
        assert code == 0 and "(2, 'casacore'), (3, 'casacore')" in out
        assert as_started(["-m", "msio", *arguments], tmp_path)[:2] == (0, out.replace("'casacore'", "'msio'"))
        assert as_started(["-m", "msio", *arguments], tmp_path, MSIO_PATCH="off")[:2] == (0, out)
    assert as_started(["-m", "msio", "scripts/whole"], tmp_path) == as_started(["scripts/whole"], tmp_path)


def test_programs_end_as_by_python(tmp_path):
    ends = {"gone.py": None, "exit.py": "import sys; sys.exit(7)", "text.py": "raise SystemExit('why')",
            "error.py": "1 / 0", "syntax.py": "a b", "signal.py": "import os, signal; os.kill(os.getpid(), signal.SIGTERM)"}
    for name, code in ends.items():
        if code is not None:
            (tmp_path / name).write_text(code)
        ours, theirs = (as_started([*how, name], tmp_path) for how in (["-m", "msio"], []))
        assert ours[0] == theirs[0], (name, ours, theirs)
        assert name == "gone.py" or ours == theirs
    assert as_started(["-m", "msio", "-m", "gone"], tmp_path)[0] == as_started(["-m", "gone"], tmp_path)[0]
    assert "gone.py" in as_started(["-m", "msio", "gone.py"], tmp_path)[2][0]


def test_the_report_names_the_programs_line_not_casacores(tmp_path, own_table):
    code = """
        import sys
        from casacore.tables import table
        t = table(sys.argv[1], ack=False)
        t.getcell("SCALAR_I", 0)
        column = t.col("SCALAR_I")
        for row in range(20):
            column[row]
        cells = column[0:10]
        rows = t.row(["SCALAR_D"])[0:7]
    """
    err = run(tmp_path, "-m", "msio", "SCRIPT", own_table, code=code, MSIO_REPORT="1").stderr
    loops = [line.split(": ", 1)[1] for line in err.splitlines() if "loop: " in line]
    assert [(line.split()[0], line.split(" at ")[1].split(":")[1]) for line in loops] == [
        ("20", "8"), ("10", "9"), ("7", "10")]
    assert all("program.py:" in line for line in loops)


def test_usage():
    for arguments, code in (([], 2), (["--help"], 0), (["--frob"], 2), (["-m"], 1)):
        done = subprocess.run([sys.executable, "-m", "msio", *arguments], capture_output=True, text=True, timeout=60)
        assert done.returncode == code, done.stderr
        assert done.stdout or done.stderr


def test_importing_the_package_is_light():
    code = "import sys, msio; print(sorted(m for m in sys.modules if m.split('.')[0] in ('casacore', 'numpy', 'dask')))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert "casacore" not in done.stdout and "dask" not in done.stdout
