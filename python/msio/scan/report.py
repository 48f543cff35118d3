"""report.py - the rules by name, and findings as text and as JSON."""

import json
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Rule:
    """What is looked for: a sentence, and today's code with what takes its place."""

    name: str
    what: str
    today: str
    ours: str


RULES = (
    Rule(
        "getcell-loop",
        "a cell is read in a loop over rows",
        'for i in range(t.nrows()): x = t.getcell("DATA", i)',
        'x = msio.read(path, "DATA")',
    ),
    Rule(
        "putcell-loop",
        "a cell is written in a loop over rows",
        'for i in range(n): t.putcell("MODEL_DATA", i, m[i])',
        't.putcol("MODEL_DATA", m)',
    ),
    Rule(
        "open-loop",
        "the same table is opened at every turn of a loop",
        'for i in range(n): t = table(path); ...',
        'with table(path) as t: for i in range(n): ...',
    ),
    Rule(
        "query-loop",
        "a selection for each key of a loop, each of them read",
        'for d in ids: t.query(f"DATA_DESC_ID=={d}").getcol("DATA")',
        'msio.load(path)',
    ),
    Rule(
        "column-for-metadata",
        "a whole column is read to answer what metadata answers",
        'times = t.getcol("TIME"); span = times.max() - times.min()',
        'msio.metadata(path).time_range',
    ),
    Rule(
        "column-for-shape",
        "a whole column is read for its length, shape or type",
        'n = len(t.getcol("TIME"))',
        't.nrows()',
    ),
    Rule(
        "column-for-cell", "a whole column is read for one row", 'first = t.getcol("DATA")[0]', 't.getcell("DATA", 0)'
    ),
    Rule(
        "flag-statistics",
        "all flags are read to be counted",
        'fraction = np.mean(t.getcol("FLAG"))',
        'msio.flags(path)',
    ),
    Rule(
        "mtime-cache",
        "a cache is keyed by the mtime of a table's folder, which puts do not change",
        'cache[(ms, os.path.getmtime(ms))]',
        'msio.metadata(ms)',
    ),
    Rule(
        "subband-loading",
        "subbands are read and combined by pyuvdata one after the other",
        'for f in files: uv += UVData.from_file(f)',
        'msio.read_uvdata(group)',
    ),
)


@dataclass(frozen=True)
class Finding:
    """A place in a source. Lines count from 1, columns too; in a notebook lines count in the cell's own text."""

    file: str
    line: int
    column: int
    rule: str
    why: str
    use: str
    cell: int = 0  # of a notebook, from 1; 0: no notebook

    @property
    def order(self):
        return self.cell, self.line, self.column, self.rule

    def as_json(self):
        fields = asdict(self)
        if not self.cell:
            del fields["cell"]
        return fields


def _count(n, one, many):
    return f"{n} {one if n == 1 else many}"


def as_text(findings, files, errors):
    """Findings by file and line, what could not be read, and a summary."""
    lines = []
    for file in sorted({finding.file for finding in findings}):
        lines.append(file)
        for finding in sorted((one for one in findings if one.file == file), key=lambda one: one.order):
            place = f"cell {finding.cell}, line {finding.line}" if finding.cell else f"line {finding.line}"
            lines += [f"  {place}: {finding.rule}: {finding.why}", f"      use: {finding.use}"]
        lines.append("")
    lines += [f"{error['file']}: not scanned: {error['message']}" for error in errors]
    within = len({finding.file for finding in findings})
    where = f" in {_count(within, 'file', 'files')}" if findings else ""
    failed = f", {_count(len(errors), 'error', 'errors')}" if errors else ""
    lines.append(
        f"{_count(len(findings), 'finding', 'findings')}{where}, {_count(files, 'file', 'files')} scanned{failed}"
    )
    return "\n".join(lines)


def as_json(findings, files, errors):
    """One object: findings, the number of files scanned, and errors (file, message)."""
    ordered = sorted(findings, key=lambda one: (one.file, one.order))
    return json.dumps({"findings": [one.as_json() for one in ordered], "files": files, "errors": errors}, indent=2)


def rules_text():
    """The rules with an example each, for --help."""
    lines = ["rules:"]
    for rule in RULES:
        lines += [f"  {rule.name}: {rule.what}", f"      today: {rule.today}", f"      use:   {rule.ours}"]
    return "\n".join(lines)
