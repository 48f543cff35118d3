"""Puts of msio and of casacore in one table, in every order, with a second process: as with casacore alone."""
import json
import os
import subprocess
import sys
import tempfile

import numpy as np
import pytest
from conftest import agrees, outcome
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

pytest.importorskip("casacore.tables", reason="python-casacore is not installed")
import casacore.tables as ct  # noqa: E402

from msio import tables as mt  # noqa: E402
from msio._dropin import _putting  # noqa: E402

ROWS = 12
COLUMNS = {"A": ("i4", ()), "G": ("f8", ()), "L": ("i2", (3,)), "D": ("c8", (4, 2)), "V": ("f4", (2, 3)), "B": ("bool", (5,)),
           "I": ("i4", ()), "U": ("f4", (3,))}
DESCRIPTION = ct.maketabdesc([
    ct.makescacoldesc("A", 0), ct.makescacoldesc("G", 0.0), ct.makescacoldesc("S", ""),
    ct.makearrcoldesc("L", 0, ndim=1, shape=[3], valuetype="short"),
    ct.makearrcoldesc("D", 0j, ndim=2, shape=[4, 2], valuetype="complex", datamanagertype="TiledColumnStMan",
                      datamanagergroup="d"),
    ct.makearrcoldesc("V", 0.0, ndim=2, valuetype="float", datamanagertype="TiledShapeStMan", datamanagergroup="v"),
    ct.makearrcoldesc("B", True, ndim=1, shape=[5], datamanagertype="TiledColumnStMan", datamanagergroup="b"),
    ct.makescacoldesc("I", 0, datamanagertype="IncrementalStMan", datamanagergroup="i"),
    ct.makearrcoldesc("U", 0.0, ndim=1, valuetype="float")])

OTHER = """
import json, sys
import numpy as np
from casacore.tables import table
t = table(sys.argv[1], readonly=False, ack=False, lockoptions="user")
for line in sys.stdin:
    name, row, value = json.loads(line)
    t.lock(value is not None)
    if value is not None:
        old = t.getcell(name, row)
        t.putcell(name, row, np.full_like(old, value) if isinstance(old, np.ndarray) else type(old)(value))
    seen = [t.getcell(name, row) for row in range(t.nrows()) if t.iscelldefined(name, row)]
    t.unlock()
    print(json.dumps(repr([getattr(cell, "tolist", lambda cell=cell: cell)() for cell in seen])), flush=True)
"""


def make(path):
    made = ct.table(path, DESCRIPTION, nrow=ROWS, ack=False)
    rng = np.random.default_rng(1)
    for name, (kind, shape) in COLUMNS.items():
        if name != "U":
            made.putcol(name, (9 * rng.normal(size=(ROWS, *shape))).astype(kind))
    made.close()


names = st.sampled_from(list(COLUMNS))
rows = st.integers(0, ROWS + 1)
numbers = st.integers(0, 250)
who = st.sampled_from(["main", "main", "main", "beside", "chosen"])


def value_of(name, number, kind=None):
    own, shape = COLUMNS[name]
    value = (number + np.arange(int(np.prod(shape)))).reshape(shape).astype(kind or own)
    return value if shape else value.item()


class Side:
    """One table, open three times, and another process."""

    def __init__(self, kind):
        self.kind, self.folder = kind, tempfile.TemporaryDirectory()
        self.path = os.path.join(self.folder.name, "tab")
        make(self.path)
        self.other = subprocess.Popen([sys.executable, "-c", OTHER, self.path], stdin=subprocess.PIPE,
                                      stdout=subprocess.PIPE, text=True)
        self.open()

    def open(self):
        self.main = self.kind(self.path, readonly=False, ack=False)
        self.beside = ct.table(self.path, readonly=False, ack=False)
        self.chosen = self.main.selectrows([7, 3, 3, 0])

    def elsewhere(self, name, row, number):
        self.main.unlock()
        self.other.stdin.write(json.dumps([name, row, number]) + "\n")
        self.other.stdin.flush()
        return self.other.stdout.readline()

    def end(self):
        for t in (self.main, self.beside, self.chosen):
            t.close()
        with ct.table(self.path, ack=False) as t:
            return [t.getvarcol(name) for name in [*COLUMNS, "S"] if name != "U"]

    def remove(self):
        self.other.kill()
        self.other.communicate()
        self.folder.cleanup()


class Puts(RuleBasedStateMachine):
    """What is done to one table by msio is done to another by casacore alone, afterwards, so that nothing comes between."""

    def __init__(self):
        super().__init__()
        self.ours, self.theirs = Side(mt.table), None
        self.done = []

    def do(self, call):
        self.done.append((call, outcome(call, self.ours)))

    def on(self, which, call):
        self.do(lambda side: call(getattr(side, which)))

    @rule(which=who, name=names, row=rows, number=numbers, many=st.integers(1, 4))
    def putcell(self, which, name, row, number, many):
        for i in range(many):
            self.on(which, lambda t, i=i: t.putcell(name, row + i, value_of(name, number + i)))

    @rule(name=names, row=rows, number=numbers, kind=st.sampled_from(["c16", "f8", "f4", "i8", "u1", "bool"]))
    def putcell_of_another_type(self, name, row, number, kind):
        value = value_of(name, number, kind)
        self.on("main", lambda t: t.putcell(name, row, value))

    @rule(name=st.sampled_from(["D", "V", "L", "B"]), row=rows, shape=st.sampled_from([(2, 4), (3, 2), (8,), (2, 3, 1), ()]))
    def putcell_of_another_shape(self, name, row, shape):
        value = np.ones(shape, COLUMNS[name][0])
        if name != "V" or shape != (3, 2):  # else whole columns of it could not be read any more
            self.on("main", lambda t: t.putcell(name, row, value))

    @rule(which=who, row=rows, number=numbers)
    def putcell_of_text(self, which, row, number):
        self.on(which, lambda t: t.putcell("S", row, f"text {number}"))

    @rule(name=names, chosen=st.lists(rows, max_size=3), number=numbers)
    def putcell_into_several(self, name, chosen, number):
        self.on("main", lambda t: t.putcell(name, chosen, value_of(name, number)))

    @rule(which=who, name=names, start=rows, number=numbers, step=st.integers(1, 3))
    def putcol(self, which, name, start, number, step):
        kind, shape = COLUMNS[name]

        def put(t):
            count = max(0, (len(t) - start + step - 1) // step)
            values = (number + np.arange(count * int(np.prod(shape)))).reshape(count, *shape).astype(kind)
            t.putcol(name, values, start, -1, step)
        self.on(which, put)

    @rule(name=st.sampled_from(["D", "V"]), row=rows, number=numbers)
    def parts(self, name, row, number):
        value = np.full((2, 1), number, COLUMNS[name][0])
        self.on("main", lambda t: t.putcellslice(name, row, value, [0, 1], [1, 1]))

    @rule(name=names, row=rows, number=numbers, several=st.booleans())
    def through_a_column(self, name, row, number, several):
        def put(t):
            t.col(name)[slice(row, row + 3) if several else row] = value_of(name, number)
        self.on("main", put)

    @rule(first=names, second=names, row=rows, number=numbers, text=st.booleans(), own=st.booleans())
    def through_a_row(self, first, second, row, number, text, own):
        fields = {first: value_of(first, number), second: value_of(second, number), "NONE": 3}
        if text:
            fields["S"] = f"row {number}"

        def put(t):
            if own:
                t[row] = fields
            else:
                t.row([name for name in fields if name != "NONE"])[row] = fields
        self.on("main", put)

    @rule(which=who, name=names, row=rows)
    def getcell(self, which, name, row):
        self.on(which, lambda t: t.getcell(name, row))

    @rule(which=who, name=names, other=names, row=rows, number=numbers, many=st.integers(1, 6), back=st.booleans())
    def cells_read_and_put(self, which, name, other, row, number, many, back):
        """A loop that reads a cell, and one of another column, and puts it."""
        for i in range(many):
            at = row + (-i if back else i)
            self.on(which, lambda t, at=at: [t.getcell(name, at), t.getcell(other, at)])
            self.on(which, lambda t, at=at, i=i: t.putcell(name, at, value_of(name, number + i)))
            self.on(which, lambda t, at=at: [t.getcell(other, at), t.getcell(name, at)])

    @rule(which=who, name=st.sampled_from([name for name in COLUMNS if name != "U"]))
    def getcol(self, which, name):
        self.on(which, lambda t: t.getcol(name, 0, ROWS))

    @rule(which=who, name=names, row=rows)
    def look(self, which, name, row):
        self.on(which, lambda t: [t.iscelldefined(name, row % len(t)), len(t), t.getcolshapestring(name)])

    @rule(which=who, how=st.sampled_from(["flush", "unlock", "resync"]))
    def end(self, which, how):
        if how == "resync":  # casacore forgets what it has not flushed
            self.on(which, lambda t: t.flush())
        self.on(which, lambda t: getattr(t, how)())

    @rule(small=st.sampled_from([0, 64 << 10]))
    def what_is_small(self, small):
        self.do(lambda side: setattr(_putting, "SMALL", small))

    @rule()
    def lock(self):
        self.on("main", lambda t: [t.lock(), t.haslock()])

    @rule()
    def addrows(self):
        """A new row, whose cells casacore leaves as they happen to be."""
        self.on("main", lambda t: t.addrows(1))
        for name in COLUMNS:
            if name != "U":
                self.on("main", lambda t, name=name: t.putcell(name, len(t) - 1, value_of(name, 7)))

    @rule(number=numbers)
    def taql(self, number):
        def change(t):
            ct.taql(f"update $t set A=A+1, G={number} where A<100")
            found = t.query("A>10")
            return found.getcol("A") if len(found) else None
        self.on("main", change)

    @rule(number=numbers)
    def iterators(self, number):
        def walk(t):
            found = []
            for part in t.iter("A"):
                found.append(part.getcell("G", 0))
                part.putcell("G", 0, float(number))
            return found
        self.on("main", walk)

    @rule(how=st.sampled_from(["close", "del"]))
    def reopen(self, how):
        def again(side):
            for t in (side.main, side.beside, side.chosen) if how == "close" else ():
                t.close()
            side.main = side.beside = side.chosen = None
            side.open()
        self.do(again)

    # Not L and U: casacore counts no change of arrays of one shape that lie in StandardStMan's second file, so that its own
    # processes do not see, and undo, each other's.
    @rule(name=st.sampled_from([name for name in COLUMNS if name not in "LU"]), row=st.integers(0, ROWS - 1),
          number=st.none() | numbers)
    def elsewhere(self, name, row, number):
        """Another process reads, or puts a cell, in between."""
        self.do(lambda side: side.elsewhere(name, row, number))

    def teardown(self):
        try:
            last = self.ours.end()
            self.theirs = Side(ct.table)
            for call, ours in self.done:
                theirs = outcome(call, self.theirs)
                assert agrees(ours, theirs), (ours, theirs)
            assert agrees(last, self.theirs.end())
        finally:
            for side in (self.ours, self.theirs):
                if side is not None:
                    side.remove()


Puts.TestCase.settings = settings(max_examples=400 if os.environ.get("MSIO_TEST_LONG") else 20, deadline=None,
                                  stateful_step_count=25, suppress_health_check=list(HealthCheck))
TestPuts = Puts.TestCase
