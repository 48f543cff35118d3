"""__init__.py - `python -m msio scan SRC...`: source code read, not run, for slow ways to read Measurement Sets."""

import argparse
import ast
import io
import json
import os
import re
import stat
import sys
import tokenize
import warnings
from dataclasses import replace

from .report import as_json, as_text, rules_text
from .rules import judge

FOUND, FAILED, USAGE = 1, 3, 2
IGNORE = re.compile(r"#\s*msio:\s*ignore(?:\[([\w\s,-]*)\])?")
TIMED = re.compile(r"^(\s*)%(?:time|timeit)(?:\s+-\w+(?:\s+\d+)?)*\s+(?=[^\s-])")  # what IPython runs and times
PASSED_OVER = frozenset({"__pycache__", "node_modules", "site-packages"})
SUFFIXES = (".py", ".ipynb")


class Unreadable(Exception):
    """A source that cannot be scanned, and why."""


# ---------------------------------------------------------------- which files


def sources(paths, errors):
    """The files to scan, each once: those that are named, and those in folders. Folders of packages that were installed
    and hidden ones are passed over."""
    seen = set()
    for path in paths:
        found = [path]
        if os.path.isdir(path):
            found = _in_folder(path, errors)
        for file in found:
            real = os.path.realpath(file)
            if real not in seen:
                seen.add(real)
                yield file


def _in_folder(folder, errors):
    def fail(error):
        errors.append({"file": error.filename or folder, "message": error.strerror or str(error)})

    for here, folders, files in os.walk(folder, onerror=fail):
        folders[:] = sorted(
            name
            for name in folders
            if not name.startswith(".")
            and name not in PASSED_OVER
            and not os.path.exists(os.path.join(here, name, "pyvenv.cfg"))
        )
        yield from (
            os.path.join(here, name)
            for name in sorted(files)
            if name.endswith(SUFFIXES) and os.path.isfile(os.path.join(here, name))
        )


# ---------------------------------------------------------------- one file


def _parse(text, name):
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # invalid escapes are theirs to see
            return ast.parse(text, name)
    except SyntaxError as error:
        raise Unreadable(f"line {error.lineno}: {error.msg}" if error.lineno else str(error.msg)) from None
    except (RecursionError, MemoryError):
        raise Unreadable("nested too deeply") from None
    except ValueError as error:
        raise Unreadable(str(error)) from None


def _ignored(text):
    """{line: rules that are silenced there, or None: all}."""
    silenced = {}
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            found = IGNORE.search(token.string) if token.type == tokenize.COMMENT else None
            if found:
                rules = found.group(1)
                silenced[token.start[0]] = None if rules is None else {one.strip() for one in rules.split(",")}
    except (tokenize.TokenError, SyntaxError):
        pass  # what the parser took, but the tokenizer does not
    return silenced


def scan_text(text, name, place=lambda line: f"line {line}"):
    """The findings of a source text; Unreadable if it is no Python."""
    tree = _parse(text, name)
    silenced = _ignored(text)
    findings = []
    try:
        judged = judge(tree, name, place)
    except RecursionError:
        raise Unreadable("nested too deeply") from None
    for finding, node in judged:
        lines = range(node.lineno, (node.end_lineno or node.lineno) + 1)
        rules = [silenced[line] for line in lines if line in silenced]
        if not any(rule is None or finding.rule in rule for rule in rules):
            findings.append(finding)
    return sorted(findings, key=lambda one: one.order)


def _read(path):
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise Unreadable("is no regular file")
        if path.endswith(".ipynb"):
            with open(path, encoding="utf-8-sig") as file:
                return file.read()
        with tokenize.open(path) as file:  # the encoding that the source declares
            return file.read()
    except OSError as error:
        raise Unreadable(error.strerror or str(error)) from None
    except (UnicodeDecodeError, SyntaxError, LookupError) as error:
        raise Unreadable(f"its text cannot be decoded: {error}") from None


def scan_file(path):
    """(findings, messages of cells that could not be scanned) of a Python file or a notebook; Unreadable if none of it
    could be."""
    text = _read(path)
    return _scan_notebook(text, path) if path.endswith(".ipynb") else (scan_text(text, path), [])


# ---------------------------------------------------------------- notebooks


def _cells(text):
    """(number from 1, source) of a notebook's code cells."""
    try:
        notebook = json.loads(text)
        language = notebook.get("metadata", {}).get("language_info", {}).get("name", "python")
        cells = notebook["cells"] if "cells" in notebook else notebook["worksheets"][0]["cells"]
        if language.lower() not in ("python", "ipython"):
            return []
        return [
            (number, "".join(cell.get("source", cell.get("input", ""))))
            for number, cell in enumerate(cells, 1)
            if cell.get("cell_type") == "code"
        ]
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError):
        raise Unreadable("is no notebook") from None


def _plain(source):
    """A cell as Python: IPython's own lines become `pass`, so that lines keep their numbers."""
    lines = source.replace("\r\n", "\n").split("\n")  # as Python does: splitlines takes form feeds too
    first = next((line.strip() for line in lines if line.strip()), "")
    if first.startswith("%%") and first.split()[0] not in ("%%time", "%%timeit", "%%capture", "%%prun"):
        return ""
    return "\n".join(
        re.sub(r"^(\s*)(?:[%!?].*|[\w.]+\?{1,2}\s*|\w[\w, ]*=\s*[%!].*)$", r"\1pass", TIMED.sub(r"\1", line))
        for line in lines
    )


def _scan_notebook(text, path):
    """All cells as one source, since names go from one to the next; a cell that is no Python is left out and named."""
    whole, starts, messages = [], [], []
    for number, source in _cells(text):
        cell = _plain(source)
        try:
            _parse(cell, path)
        except Unreadable as error:
            messages.append(f"cell {number}, {error}")
            continue
        lines = cell.split("\n")
        starts += [(number, line) for line in range(1, len(lines) + 1)]
        whole += lines

    def place(line):
        number, within = starts[line - 1]
        return f"cell {number}, line {within}"

    found = scan_text("\n".join(whole), path, place)
    return [replace(one, cell=starts[one.line - 1][0], line=starts[one.line - 1][1]) for one in found], messages


# ---------------------------------------------------------------- the command


def _parser():
    parser = argparse.ArgumentParser(
        prog="python -m msio scan",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Reads Python sources and notebooks without running them, and reports slow ways to read\n"
        "Measurement "
        "Sets and UVH5 files: file, line, why, and the call to use instead.",
        epilog=rules_text()
        + "\n\n`# msio: ignore` on a line silences it; `# msio: ignore[RULE, ...]` only those rules.\n\n"
        "exit codes: 0 nothing found, 1 findings, 2 usage, 3 something could not be read or parsed (the rest was\n"
        "scanned)",
    )
    parser.add_argument("sources", metavar="SRC", nargs="+", help="a file, or a folder: its .py and .ipynb, also below")
    parser.add_argument("--json", action="store_true", help="one JSON object: findings, files, errors")
    return parser


def _show(text):
    """Prints, and tells whether all was taken; as the command msio, it complains also of a reader that stopped."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    text = text.encode(encoding, "backslashreplace").decode(encoding)  # names of files may be of any bytes
    try:
        print(text, flush=True)
        return True
    except OSError as error:
        stopped = "whoever reads it stopped before all was written"
        why = stopped if isinstance(error, BrokenPipeError) else error.strerror
        print(f"python -m msio scan: standard output: {why}", file=sys.stderr)
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is left would be tried again at exit
        return False


def main(argv=None):
    """Runs the command with the arguments after `scan`; returns its exit code."""
    try:
        options = _parser().parse_args(argv)
    except SystemExit as leaving:
        return leaving.code or 0
    findings, errors, files = [], [], 0
    for path in sources(options.sources, errors):
        try:
            found, messages = scan_file(path)
            files += 1
        except Unreadable as error:
            found, messages = [], [str(error)]
        findings += found
        errors += [{"file": path, "message": message} for message in messages]
    shown = _show((as_json if options.json else as_text)(findings, files, errors))
    return FAILED if errors or not shown else FOUND if findings else 0
