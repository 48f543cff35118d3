"""`python -m msio scan`: each rule hit and not hit, in samples and in pieces of source; text, JSON, exit codes.

The modules are loaded from their folder under another package name, so that they need nothing else of msio.
"""

import importlib
import json
import os
import pathlib
import re
import sys
import textwrap
import types

HERE = pathlib.Path(__file__).resolve().parent
SAMPLES = HERE / "scan_samples"


def _load():
    package = types.ModuleType("msio_scanned_alone")
    package.__path__ = [str(HERE.parents[2] / "python" / "msio")]
    sys.modules[package.__name__] = package
    return importlib.import_module(package.__name__ + ".scan"), importlib.import_module(
        package.__name__ + ".scan.report"
    )


scan, report = _load()
TABLE = "from casacore.tables import table\n"
OPENED = TABLE + "import numpy as np\nt = table(ms)\n"


def rules(source, before=""):
    """The rules that a piece of source breaks, in the order of lines."""
    return [finding.rule for finding in scan.scan_text(before + textwrap.dedent(source), "source.py")]


def scanned(capsys, *arguments):
    code = scan.main([str(one) for one in arguments])
    return code, capsys.readouterr()


# ---------------------------------------------------------------- samples


def test_a_sample_gives_exactly_the_findings_it_names():
    path = SAMPLES / "pipeline.py"
    wanted = [
        (number, rule)
        for number, line in enumerate(path.read_text().splitlines(), 1)
        for rule in re.findall(r"# rule: ([\w-]+)", line)
        if not line.startswith('"""')
    ]
    found, messages = scan.scan_file(str(path))
    assert [(one.line, one.rule) for one in found] == wanted
    assert messages == []


def test_the_samples_break_every_rule():
    found, _ = scan.scan_file(str(SAMPLES / "pipeline.py"))
    assert {one.rule for one in found} == {rule.name for rule in report.RULES}


def test_every_example_of_the_rules_breaks_its_rule():
    before = OPENED + "import os\nfrom pyuvdata import UVData\nuv = UVData()\npath, ms = 'a', 'b.ms'\nt = table(path)\n"
    for rule in report.RULES:
        today = rule.today.replace("t = table(path); ...", "u = table(path)")
        assert rule.name in rules(today, before), rule.name


# ---------------------------------------------------------------- cells in loops


def test_what_is_a_table_is_followed_through_aliases():
    loop = "for i in range(t.nrows()):\n    x = t.getcell('DATA', i)\n"
    for opening in (
        "from casacore.tables import table as T\nt = T(p)\n",
        "import casacore.tables as q\nt = q.table(p)\n",
        "import casacore.tables\nt = casacore.tables.table(p)\n",
        "from casacore import tables\nt = tables.table(p)\n",
        "from casacore.tables import *\nt = table(p)\n",
        "import pyrap.tables as pt\nopen_ = pt.table\nt = open_(p)\n",
        "from casatools import table\nt = table()\nt.open(p)\n",
        "import casatools as c\nt = c.table()\nt.open(p)\n",
        "from msio.tables import table\nt = table(p)\n",
        "from casacore.tables import taql\nt = taql('select from $p')\n",
        "from casacore.tables import table\nt = table(p).query('ANTENNA1==0')\n",
        "try:\n    from casacore.tables import table\nexcept ImportError:\n    table = None\nt = table(p)\n",
        "from casacore.tables import table\nt = None\nif p:\n    t = table(p)\n",
    ):
        assert rules(opening + loop) == ["getcell-loop"], opening


def test_tables_that_something_else_opens_or_hands_on():
    for source in (
        "def f(t: Optional[table], n):\n    return [t.getcell(c, i) for i in range(n) for c in names]",
        "def f(t: 'table | None', n):\n    return [t.getcell(c, i) for i in range(n) for c in names]",
        "with ExitStack() as s:\n    t = s.enter_context(table(p))\n    x = [t.getcell('DATA', i) for i in rows]",
        "class R:\n    @property\n    def t(self):\n        return table(self.p)\n"
        "    def f(self):\n        return [self.t.getcell(c, i) for i in rows]",
        "t = table(p)\nx = [pool.submit(t.getcell, 'DATA', i) for i in rows]",
        "t = table(p)\nasync def f():\n    for i in rows:\n        await asyncio.to_thread(t.getcell, 'DATA', i)",
    ):
        assert rules(source, TABLE + "from typing import Optional\n") == ["getcell-loop"], source
    for source in (
        "def f(t: Optional[Sheet], n):\n    return [t.getcell(c, i) for i in range(n) for c in names]",
        "t = table(p)\nx = pool.submit(t.getcell, 'DATA', 0)",
        "t = table(p)\nx = [pool.submit(t.getcell, c, 0) for c in names]",
    ):
        assert rules(source, TABLE + "from typing import Optional\n") == [], source


def test_columns_and_rows_as_objects():
    before = OPENED + "from casacore.tables import tablecolumn, tablerow\n"
    for source in (
        "c = t.col('DATA')\nfor i in rows:\n    c[i]",
        "c = tablecolumn(t, 'DATA')\nx = [c[i] for i in range(t.nrows())]",
        "c = t.col('DATA')\nx = [c.getcell(i) for i in rows]",
        "c = t.col('DATA')\nfor x in c:\n    f(x)",
        "x = [t.DATA[i] for i in rows]",
        "x = [t[i] for i in rows]",
        "for row in t:\n    f(row)",
        "for i, row in enumerate(t):\n    f(row)",
        "r = t.row(['DATA'])\nx = [r.get(i) for i in rows]",
        "r = tablerow(t, ['DATA'])\nx = [r[i] for i in rows]",
        "class R:\n    def __init__(self):\n        self.c = t.col('DATA')\n"
        "    def f(self):\n        return [self.c[i] for i in rows]",
    ):
        assert rules(source, before) == ["getcell-loop"], source
    assert rules("a = t.ANTENNA\nx = [a.getcell(c, i) for i in rows]", before) == ["getcell-loop"]
    for source in (
        "c = t.col('DATA')\nfor i in rows:\n    c.putcell(i, 0)",
        "c = t.col('DATA')\nfor i in rows:\n    c[i] = 0",
        "r = t.row()\nfor i in rows:\n    r.put(i, {})",
    ):
        assert rules(source, before) == ["putcell-loop"], source
    for source in (
        "c = t.col('DATA')\nc[0]",
        "c = t.col('DATA')\nfor s in rows:\n    c[s:s + 1000]",
        "for s in t.iter('ANTENNA1'):\n    s.DATA[0]",
        "for n in names:\n    t.col(n)[0]",
        "d = {'DATA': 3}\nfor i in rows:\n    d[i]",
    ):
        assert rules(source, before) == [], source


def test_what_is_no_table_is_left_alone():
    loop = "for i in range(9999):\n    x = t.getcell('A', i)\n"
    for opening in (
        "from openpyxl import table\nt = table(p)\n",
        "import sheets\nt = sheets.open(p)\n",
        "t = Grid()\n",
        "class T: pass\nt = T()\n",
        "from .tables import table\nt = table(p)\n",
        "",
    ):
        assert rules(opening + loop) == [], opening


def test_parameters_and_attributes_count_when_asked_for_columns():
    assert rules("def f(t, n):\n    return [t.getcell('DATA', i) for i in range(n)]") == ["getcell-loop"]
    assert rules("def f(sheet, n):\n    return [sheet.getcell(3, i) for i in range(n)]") == []
    assert rules("def f(sheet, col, n):\n    return [sheet.getcell(col, i) for i in range(n)]") == []
    assert rules("""
        class Reader:
            def __init__(self, t):
                self.t = t
            def cells(self):
                for i in range(self.t.nrows()):
                    yield self.t.getcell("DATA", i)
        """) == ["getcell-loop"]
    assert rules("""
        class Reader:
            def __init__(self, path):
                self.t = workbook.open(path)
            def cells(self):
                return [self.t.getcell("A", i) for i in range(99999)]
        """) == []


def test_attributes_that_hold_tables_are_followed():
    assert (
        rules(
            """
        class Reader:
            def cells(self):
                return (self.t.getcell(name, i) for i in self.rows)
            def __init__(self, path):
                self.t = table(path)
        """,
            TABLE,
        )
        == ["getcell-loop"]
    )


def test_every_kind_of_loop_counts():
    for loop in (
        "x = [t.getcell('DATA', i) for i in rows]",
        "x = {i: t.getcell('DATA', i) for i in rows}",
        "x = sum(t.getcell('DATA', i) for i in rows)",
        "x = {t.getcell('SCAN_NUMBER', i) for i in rows}",
        "x = list(map(lambda i: t.getcell('DATA', i), rows))",
        "i = 0\nwhile i < n:\n    t.getcell('DATA', i)\n    i += 1",
        "for i in rows:\n    j = i + 1\n    t.getcellslice('DATA', j, [0], [1])",
        "for i in rows:\n    for c in ('DATA', 'FLAG'):\n        t.getcell(c, i)",
        "for i in rows:\n  if i:\n    try:\n      t.getcell('DATA', rownr=i)\n    finally:\n      f()",
        "for i in rows:\n    t.getcol('DATA', i, 1)",
        "for i in rows:\n    t.getvarcol('DATA', i, 1)",
        "for i in rows:\n    t.getcolslice('DATA', [0, 0], [1, 1], [], i, 1)",
        "for i in rows:\n    t.getcolslicenp('DATA', out, [0, 0], [1, 1], startrow=i, nrow=1)",
    ):
        assert rules(loop, OPENED) == ["getcell-loop"], loop


def test_a_cell_that_is_not_the_loops_row_is_left_alone():
    for source in (
        "for c in names:\n    t.getcell(c, 0)",
        "for p in paths:\n    t = table(p)\n    t.getcell('TIME', t.nrows() - 1)",
        "for s in t.iter('ANTENNA1'):\n    s.getcell('TIME', s.nrows() - 1)",
        "t.getcell('DATA', 5)",
        "for i in range(4):\n    t.getcell('DATA', i)",
        "for i in (0, 5, 9):\n    t.getcell('DATA', i)",
        "rows = [0, n // 2, n - 1] if n > 2 else list(range(n))\nfor i in rows:\n    t.getcell('DATA', i)",
        "for s in range(0, n, 1000):\n    t.getcol('DATA', s, 1000)",
        "for s in range(0, n, 1000):\n    t.putcell('TIME', range(s, s + 1000), 0)",
    ):
        assert rules(source, OPENED) == [], source


def test_a_list_that_grows_is_not_few_rows():
    assert rules("rows = [0]\nrows.append(n)\nfor i in rows:\n    t.getcell('DATA', i)", OPENED) == ["getcell-loop"]
    assert rules("rows = [0]\nrows += more\nfor i in rows:\n    t.getcell('DATA', i)", OPENED) == ["getcell-loop"]


def test_functions_called_in_a_loop_are_looked_into():
    cell = "def cell(t, i):\n    row = int(i)\n    return t.getcell('DATA', row)\n"
    assert rules(cell + "x = [cell(t, i) for i in rows]", OPENED) == ["getcell-loop"]
    assert rules(cell + "x = [cell(t, 0) for i in rows]", OPENED) == []
    assert rules(cell + "x = [cell(table(p), 7) for p in paths]", OPENED) == []
    assert rules(cell + "x = cell(t, 3)", OPENED) == []
    assert rules(cell + "x = list(pool.map(cell, tables, rows))", OPENED) == []
    assert rules("def cell(i):\n    return t.getcell('DATA', i)\nx = list(map(cell, rows))", OPENED) == ["getcell-loop"]
    assert rules("""
        class Reader:
            def cell(self, i):
                return self.t.getcell("DATA", i)
            def all(self):
                return [self.cell(i) for i in range(self.n)]
        """) == ["getcell-loop"]


def test_nested_functions_see_the_tables_of_those_round_them():
    assert (
        rules(
            """
        def outer(ms):
            t = table(ms)
            def inner():
                for i in range(t.nrows()):
                    yield t.getcell("DATA", i)
            return inner
        """,
            TABLE,
        )
        == ["getcell-loop"]
    )


def test_functions_that_open_tables_are_followed():
    assert (
        rules(
            """
        def opened(p):
            return table(p, readonly=True)
        def f(p):
            with opened(p) as t:
                return [t.getcell("DATA", i) for i in range(t.nrows())]
        """,
            TABLE,
        )
        == ["getcell-loop"]
    )


def test_tables_that_come_another_way_are_followed():
    reading = "[t.getcell('DATA', i) for i in range(t.nrows())]"
    for source in (
        f"with ExitStack() as stack:\n    t = stack.enter_context(table(ms))\n    x = {reading}",
        f"for t in [table(ms) for ms in many]:\n    x = {reading}",
        f"tables = [table(ms) for ms in many]\nt = tables[0]\nx = {reading}",
        "class Opened:\n    def __enter__(self):\n        self.table = table(ms)\n        return self.table\n"
        f"def f():\n    with Opened() as t:\n        return {reading}",
    ):
        assert rules(source, TABLE) == ["getcell-loop"], source
    for source in (
        f"tables = [Row(ms) for ms in many]\nt = tables[0]\nx = {reading}",
        "class Opened:\n    def __enter__(self):\n        self.table = table(ms)\n        return Cells(self)\n"
        f"def f():\n    with Opened() as t:\n        return {reading}",
    ):
        assert rules(source, TABLE) == [], source


# ---------------------------------------------------------------- opening and selecting in loops


def test_opening_the_same_table_again_is_found():
    for source in (
        "for i in rows:\n    t = table(ms)",
        "for s in range(16):\n    t = table(ms + '::FIELD')",
        "for s in spws:\n    t = table(os.path.join(ms, 'FIELD'))",
        "x = [table(ms).nrows() for i in rows]",
        "tb = casatools.table()\nfor s in spws:\n    tb.open(ms)",
        "def one(s):\n    return table(ms).nrows()\nfor s in spws:\n    one(s)",
        "for p in paths:\n    for s in spws:\n        table(p + '::FIELD')",
    ):
        assert rules(source, TABLE + "import casatools, os\n") == ["open-loop"], source


def test_opening_other_tables_or_once_is_left_alone():
    for source in (
        "for p in paths:\n    t = table(p)",
        "for p in paths:\n    q = p.rstrip('/')\n    t = table(f'{q}::FIELD')",
        "for i in range(3):\n    try:\n        t = table(ms)\n        break\n    except RuntimeError:\n        pass",
        "def f():\n    for i in range(3):\n        with table(ms) as t:\n            return t.nrows()",
        "t = None\nfor i in rows:\n    if t is None:\n        t = table(ms)",
        "while True:\n    n = table(ms).nrows()\n    time.sleep(5)",
        "for i in rows:\n    t = table(next_path())",
        "class R:\n    def __init__(self, p):\n        self.p = p\n"
        "    def n(self):\n        return table(self.p).nrows()\n"
        "x = [R(p).n() for p in paths]",
    ):
        assert rules(source, TABLE + "import time\n") == [], source


def test_queries_for_each_window():
    assert rules("for d in ids:\n    q = 'DATA_DESC_ID==%d' % d\n    t.query(q).getcol('DATA')", OPENED) == [
        "query-loop"
    ]
    assert rules(
        "for d in ids:\n    s = taql(f'select from $t where FIELD_ID={d}')\n    s.getcol('DATA')",
        OPENED + "from casacore.tables import taql\n",
    ) == ["query-loop"]
    assert rules("for s in t.iter('DATA_DESC_ID'):\n    s.getcol('DATA')", OPENED) == ["query-loop"]
    assert rules("for d in ids:\n    t.query(f'DATA_DESC_ID=={d}').copy(f'{d}.ms')", OPENED) == []
    assert rules("for p in paths:\n    table(p).query('DATA_DESC_ID==0').getcol('DATA')", OPENED) == []
    assert rules("s = t.query('DATA_DESC_ID==0')\ns.getcol('DATA')", OPENED) == []


# ---------------------------------------------------------------- whole columns


def test_columns_that_metadata_answers():
    for source in (
        "np.unique(t.getcol('ANTENNA1'))",
        "set(t.getcol('FIELD_ID').tolist())",
        "t.getcol('ANTENNA2').max() + 1",
        "x = t.getcol('TIME')\nspan = (x.max() - x.min()) / 3600",
        "x = np.array(t.getcol('TIME')) / 86400.\nmin(x)",
        "x = t.getcol('OBSERVATION_ID')\nif len(x):\n    ids = np.unique(x)",
        "np.ptp(t.getcol('TIME'))",
    ):
        assert rules(source, OPENED) == ["column-for-metadata"], source


def test_the_metadata_that_is_named_is_there():
    known = (HERE.parents[2] / "python" / "msio" / "meta.py").read_text()
    rules_ = importlib.import_module("msio_scanned_alone.scan.rules")
    for column, use in rules_.ANSWERS.items():
        names = re.findall(r"(?:\bm|metadata\({path}\))\.(\w+)", use)
        assert names, column
        for name in names:
            assert re.search(rf"^    (?:def {name}\(|{name} : )", known, re.MULTILINE), (column, name)


def test_columns_that_are_needed_are_left_alone():
    for source in (
        "x = t.getcol('TIME')\nu = np.unique(x)\nm = x == u[0]",
        "np.unique(t.getcol('ANTENNA1'), return_inverse=True)",
        "x = t.getcol('TIME')\nsave(x, x.min())",
        "np.unique(t.getcol('DATA'))",
        "np.unique(t.getcol('TIME', 0, 100))",
        "def f():\n    return t.getcol('TIME')",
        "x = t.getcol('TIME')\ndef g():\n    return x * 2\ny = x.min()",
        "f = table(ms + '::FIELD')\nnp.unique(f.getcol('TIME'))",
        "g = table(caltable)\nnp.unique(g.getcol('ANTENNA1'))",
        "g = table(p)\ny = g.getcol('CPARAM')\nnp.unique(g.getcol('FIELD_ID'))",
        "x = t.getcol('TIME')",
        "max(t.getcol('TIME'), other)",
        "f = table(t.getkeyword('FEED'))\nset(f.getcol('TIME'))",
        "x = t.getcol('TIME')\nif c:\n    x = load()\ny = x.min()",
        "def f():\n    global x\n    x = t.getcol('TIME')\n    y = x.min()",
    ):
        assert rules(source, OPENED) == [], source


def test_columns_for_their_shape_or_one_row():
    assert rules("t.getcol('TIME').size", OPENED) == ["column-for-shape"]
    assert rules("n = t.getcol('DATA').shape[0]", OPENED) == ["column-for-shape"]
    assert rules("t.getcol('TIME')[-1]", OPENED) == ["column-for-cell"]
    assert rules("t.getcol('TIME')[rows]", OPENED) == []
    assert rules("f = table(ms + '/SPECTRAL_WINDOW')\nf.getcol('CHAN_FREQ')[0]", OPENED) == []


def test_flag_statistics():
    for source in (
        "np.mean(t.getcol('FLAG'))",
        "f = t.getcol('FLAG')\nx = f.sum() / f.size",
        "(~t.getcol('FLAG')).sum()",
        "f = t.getcol('FLAG')\nx = [f[:, c, :].mean() for c in range(f.shape[1])]",
        "t.getcol('FLAG').any(axis=(1, 2))",
        "f = t.getcol('FLAG')\nd = t.getcol('DATA_DESC_ID')\nfor i in range(16):\n    sel = d == i\n    f[sel].mean()",
    ):
        assert rules(source, OPENED) == ["flag-statistics"], source
    for source in (
        "f = t.getcol('FLAG')\nd[f] = 0\nn = f.sum()",
        "f = t.getcol('FLAG')\nf[far].mean()",
        "t.getcol('DATA').mean()",
        "f = t.getcol('FLAG')\nt.putcol('FLAG', f)",
        "np.mean(t.getcol('FLAG', 0, 1000))",
    ):
        assert rules(source, OPENED) == [], source


def test_selections_are_judged_by_what_is_known_of_their_rows():
    for source in (
        "s = t.query('ANTENNA1!=ANTENNA2')\nnp.mean(s.getcol('FLAG'))",
        "s = t.query('FIELD_ID==0 AND SCAN_NUMBER==3')\nnp.mean(s.getcol('FLAG'))",
        "s = t.query(words)\nnp.unique(s.getcol('FIELD_ID'))",
        "s = t.query('FIELD_ID==0')\nnp.unique(s.getcol('ANTENNA1'))",
        "for s in t.iter(['ANTENNA1', 'ANTENNA2']):\n    s.getcol('FLAG').mean()",
    ):
        assert rules(source, OPENED) == [], source
    assert rules("s = t.query('FIELD_ID==0')\nnp.mean(s.getcol('FLAG'))", OPENED) == ["flag-statistics"]
    assert rules("s = t.query('ANTENNA1==0')\nlen(s.getcol('TIME'))", OPENED) == ["column-for-shape"]
    (one,) = scan.scan_text(OPENED + "s = t.query('FIELD_ID==0')\ns.getcol('TIME').min()", "source.py")
    assert one.rule == "column-for-metadata" and "row_index()" in one.use


def test_columns_bound_together_are_followed():
    assert rules("f, a = t.getcol('FLAG'), t.getcol('ANTENNA1')\nx = [f[a == i].mean() for i in range(9)]", OPENED) == [
        "flag-statistics"
    ]
    assert rules("f, self.a = t.getcol('FLAG'), t.getcol('TIME')\nx = f.mean()", OPENED) == []


# ---------------------------------------------------------------- caches and subbands


def test_caches_by_a_folders_mtime():
    before = "import hashlib, os\nfrom pathlib import Path\nfrom functools import lru_cache\nkept = {}\n"
    for source in (
        "def f(ms):\n    return kept[ms, os.path.getmtime(ms)]",
        "def f(vis):\n    return kept.get((vis, os.stat(vis).st_mtime))",
        "def f(ms_path):\n    m = Path(ms_path).stat().st_mtime_ns\n    k = f'{ms_path}:{m}'\n    return kept[k]",
        "def f(ms, old):\n    return os.path.getmtime(ms) == old",
        "def f(ms):\n    s = os.stat(ms)\n    return kept[ms, s.st_mtime]",
        "def f(ms_path):\n    s = ms_path.stat()\n    return kept[ms_path, s.st_size, s.st_mtime_ns]",
        "def f(ms):\n    return kept[hashlib.md5(f'{ms}:{os.stat(ms).st_mtime}'.encode()).hexdigest()]",
        "@lru_cache\ndef g(p, m):\n    return 1\ndef f(msname):\n    return g(msname, os.path.getmtime(msname))",
        "def key(ms):\n    return (ms, int(os.path.getmtime(ms)))\ndef f(ms):\n    return kept[key(ms)]",
        TABLE + "def f(p):\n    t = table(p)\n    kept[(p, os.path.getmtime(p))] = t.nrows()",
        TABLE + "def f(p):\n    kept[p, os.path.getmtime(p)] = table(p + '::FIELD').getcol('NAME')",
        TABLE + "def f(p):\n    kept[p, os.path.getmtime(str(p))] = table(f'{p}/FIELD').getcol('NAME')",
        TABLE + "def f(p):\n    kept[p, os.path.getmtime(p)] = table(os.path.join(p, 'FIELD')).getcol('NAME')",
        TABLE + "def f(p):\n    kept[p, Path(p).stat().st_mtime] = table(str(p)).getcol('NAME')",
    ):
        assert rules(source, before) == ["mtime-cache"], source
    for source in (
        "def f(csv):\n    return kept[csv, os.path.getmtime(csv)]",
        "def f(ms):\n    print(os.path.getmtime(ms))",
        "def f(ms):\n    s = os.stat(ms)\n    return kept[ms, s.st_size]",
        "def f(ms):\n    return now - os.path.getmtime(ms) > 3600",
        "max(mss, key=os.path.getmtime)",
        "def f(items):\n    return kept[items, os.path.getmtime(items)]",
        "def f(ms, cutoff):\n    return os.path.getmtime(ms) < cutoff",
        "def f(ms, cutoff):\n    mtime = os.path.getmtime(ms)\n    return mtime < cutoff",
        "def f(ms, cutoff):\n    s = os.stat(ms)\n    return s.st_mtime < cutoff",
        TABLE + "def f(p, q):\n    kept[q, os.path.getmtime(q)] = table(p + '::FIELD').getcol('NAME')",
    ):
        assert rules(source, before) == [], source


def test_subbands_by_pyuvdata():
    before = "from pyuvdata import UVData\nimport pyuvdata as pu\n"
    for source in (
        "uv = UVData()\nfor f in files:\n    o = UVData()\n    o.read(f)\n    uv += o",
        "uv = pu.UVData.from_file(a)\nfor f in files:\n    uv = uv + pu.UVData.from_file(f)",
        "parts = [UVData.from_file(f) for f in files]\nparts[0].fast_concat(parts[1:], 'freq', inplace=True)",
        "uv = None\nfor f in files:\n    o = UVData.from_file(f)\n    uv = o if uv is None else uv + o",
        "uv = UVData()\nuv.read(files, axis='freq')",
        "uv = UVData.from_file(files, axis='freq')",
        "def one(f):\n    uv = UVData()\n    uv.read(f)\n    return uv\n"
        "whole = one(a)\nfor f in files:\n    whole += one(f)",
    ):
        assert rules(source, before) == ["subband-loading"], source
    for source in (
        "uv = UVData()\nuv.read(one)",
        "parts[0].fast_concat(parts[1:], axis='blt')",
        "uv = UVData.from_file(a)\nuv += other",
        "n = 0\nfor f in files:\n    uv = UVData.from_file(f)\n    n += uv.Nblts",
        "for f in files:\n    total += read(f)",
        "uv = UVData()\nuv.read(files, axis='blt')",
    ):
        assert rules(source, before) == [], source


# ---------------------------------------------------------------- silencing, errors, notebooks, the command


def test_a_comment_silences_its_line():
    source = "for i in rows:\n    t.getcell('DATA', i)  # %s\n"
    assert rules(source % "msio: ignore", OPENED) == []
    assert rules(source % "msio:ignore[getcell-loop]", OPENED) == []
    assert rules(source % "msio: ignore[open-loop]", OPENED) == ["getcell-loop"]
    assert rules("for i in rows:\n    t.getcell(\n        'DATA',  # msio: ignore\n        i)", OPENED) == []
    assert rules("for i in rows:\n    t.getcell('# msio: ignore', i)", OPENED) == ["getcell-loop"]


def test_exit_codes(tmp_path, capsys):
    clean, slow, broken = tmp_path / "clean.py", tmp_path / "slow.py", tmp_path / "broken.py"
    clean.write_text("x = 1\n")
    slow.write_text(OPENED + "len(t.getcol('TIME'))\n")
    broken.write_text("def f(:\n")
    assert scanned(capsys, clean)[0] == 0
    assert scanned(capsys, slow)[0] == 1
    assert scanned(capsys)[0] == 2
    assert scanned(capsys, "--nonsense", clean)[0] == 2
    code, output = scanned(capsys, tmp_path)
    assert code == 3 and "broken.py: not scanned: line 1" in output.out and "column-for-shape" in output.out
    code, output = scanned(capsys, tmp_path / "absent.py")
    assert code == 3 and "No such file" in output.out and "0 files scanned, 1 error" in output.out


def test_an_output_that_takes_no_more(tmp_path, capsys, monkeypatch):
    slow = tmp_path / "slow.py"
    slow.write_text(OPENED + "len(t.getcol('TIME'))\n")
    unread, pipe = os.pipe()
    os.close(unread)
    for number, said in ((pipe, "whoever reads it stopped"), (os.open("/dev/full", os.O_WRONLY), "No space left")):
        with monkeypatch.context() as patched, open(number, "w") as output:
            patched.setattr(sys, "stdout", output)
            code = scan.main([str(slow)])
        assert code == 3 and said in capsys.readouterr().err


def test_help_names_every_rule(capsys):
    code, output = scanned(capsys, "--help")
    assert code == 0
    for rule in report.RULES:
        assert f"{rule.name}: {rule.what}" in output.out and rule.today in output.out and rule.ours in output.out


def test_files_that_are_no_python_text(tmp_path, capsys):
    for number, content in enumerate(
        (b"\xff\xfe\x00", b"x = '\xe9'\n", b"# coding: nonsense\n", b"x = 1\x00\n", b"x = " + b"(" * 5000)
    ):
        path = tmp_path / f"{number}.py"
        path.write_bytes(content)
        code, output = scanned(capsys, "--json", path)
        assert code == 3 and json.loads(output.out)["errors"][0]["file"] == str(path), content
    latin = tmp_path / "latin.py"
    latin.write_bytes(b"# coding: latin-1\nx = '\xe9'\n")
    assert scanned(capsys, latin)[0] == 0


def test_names_of_files_that_are_no_text(tmp_path, capsys, monkeypatch):
    name = os.path.join(os.fsencode(tmp_path), b"n\xff.py")
    with open(name, "wb") as file:
        file.write(OPENED.encode() + b"len(t.getcol('TIME'))\n")
    with monkeypatch.context() as patched, open(tmp_path / "out", "w", encoding="utf-8") as output:
        patched.setattr(sys, "stdout", output)
        assert scan.main([str(tmp_path)]) == 1
    assert "n\\udcff.py" in (tmp_path / "out").read_text()
    code, output = scanned(capsys, "--json", tmp_path)
    assert code == 1 and os.fsencode(json.loads(output.out)["findings"][0]["file"]) == name


def test_long_expressions_take_no_long_time():
    assert rules("x = a" + ".b(1)" * 80 + " + c" * 80, OPENED) == []
    assert rules("x = t.getcol('TIME')" + ".copy()" * 60 + ".min()", OPENED) == ["column-for-metadata"]


def test_folders_are_walked_once_and_installed_packages_passed_over(tmp_path, capsys):
    for name in ("a.py", "sub/b.py", "sub/notes.txt", ".hidden/c.py", "env/pyvenv.cfg", "env/d.py", "__pycache__/e.py"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("x = 1\n")
    os.symlink(tmp_path, tmp_path / "sub" / "again")
    _, output = scanned(capsys, "--json", tmp_path, tmp_path / "a.py")
    assert json.loads(output.out)["files"] == 2


def test_json_is_one_object(tmp_path, capsys):
    path = tmp_path / "slow.py"
    path.write_text(OPENED + "for i in range(t.nrows()):\n    t.getcell('DATA', i)\n")
    code, output = scanned(capsys, "--json", path)
    found = json.loads(output.out)
    assert code == 1 and found["files"] == 1 and found["errors"] == []
    (one,) = found["findings"]
    assert sorted(one) == ["column", "file", "line", "rule", "use", "why"]
    assert (one["file"], one["line"], one["column"], one["rule"]) == (str(path), 5, 5, "getcell-loop")
    assert "line 4" in one["why"] and 'msio.read(ms, "DATA")' in one["use"]


def test_text_is_grouped_by_file_and_sorted_by_line(tmp_path, capsys):
    for name in ("b.py", "a.py"):
        (tmp_path / name).write_text(OPENED + "len(t.getcol('TIME'))\nx = np.mean(t.getcol('FLAG'))\n")
    _, output = scanned(capsys, tmp_path / "b.py", tmp_path / "a.py")
    heads = [line.strip().split(": ")[0] for line in output.out.splitlines() if line and "use: " not in line]
    assert heads == [
        str(tmp_path / "a.py"),
        "line 4",
        "line 5",
        str(tmp_path / "b.py"),
        "line 4",
        "line 5",
        "4 findings in 2 files, 2 files scanned",
    ]


def _notebook(path, *cells):
    path.write_text(
        json.dumps(
            {
                "nbformat": 4,
                "metadata": {},
                "cells": [
                    (
                        {"cell_type": "code", "source": [line + "\n" for line in cell.split("\n")]}
                        if not cell.startswith("# ")
                        else {"cell_type": "markdown", "source": cell}
                    )
                    for cell in cells
                ],
            }
        )
    )
    return path


def test_notebooks(tmp_path, capsys):
    path = _notebook(
        tmp_path / "n.ipynb",
        "# words",
        "%matplotlib inline\nfrom casacore.tables import table\nt = table('a.ms')\n!ls",
        "%%bash\nls -l",
        "%%time\nfor i in range(t.nrows()):\n    t.getcell('DATA', i)",
        "t?",
    )
    code, output = scanned(capsys, "--json", path)
    (one,) = json.loads(output.out)["findings"]
    assert code == 1 and (one["cell"], one["line"]) == (4, 3) and "cell 4, line 2" in one["why"]
    _, output = scanned(capsys, path)
    assert "cell 4, line 3: getcell-loop" in output.out


def test_what_a_notebook_times_is_read(tmp_path, capsys):
    cell = "s = 'a\u2028b'\n%time n = len(t.getcol('TIME'))\n%timeit -n 3 -r1 np.mean(t.getcol('FLAG'))\n%timeit"
    path = _notebook(tmp_path / "n.ipynb", OPENED.rstrip(), cell)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    code, output = scanned(capsys, "--json", path)
    found = json.loads(output.out)
    assert code == 1 and found["errors"] == []
    where = [(one["line"], one["rule"]) for one in found["findings"]]
    assert where == [(2, "column-for-shape"), (3, "flag-statistics")]


def test_a_notebooks_broken_cell_is_named_and_the_others_scanned(tmp_path, capsys):
    path = _notebook(tmp_path / "n.ipynb", OPENED.rstrip(), "print 'old'", "len(t.getcol('TIME'))")
    code, output = scanned(capsys, "--json", path)
    found = json.loads(output.out)
    assert code == 3 and found["errors"][0]["message"].startswith("cell 2, line 1")
    assert [one["rule"] for one in found["findings"]] == ["column-for-shape"]
    (tmp_path / "m.ipynb").write_text("[]")
    assert scanned(capsys, tmp_path / "m.ipynb")[0] == 3
