"""The arrows between the package's modules, read from their sources: who may import whom, and no circles."""
import ast
import graphlib
import pathlib
import sys

import pytest

SOURCES = pathlib.Path(__file__).resolve().parents[2] / "python" / "msio"
SMALL = {"msio._errors", "msio._box", "msio._selecting", "msio._record", "msio._progress"}
WAYS_IN = {"msio._dropin": {"msio.tables", "msio.patching"}, "msio._reader": {"msio.tables"},
           "msio.scan": {"msio.__main__"}}
MAY = {"msio._dropin": {"msio._msio", *SMALL}, "msio._reader": {"msio._msio", *SMALL}, "msio.scan": set()}


def module_of(path, top):
    parts = ("msio", *path.relative_to(top).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def arrows(top):
    """{module: what it imports}: modules of the package that are found, and all others by their full names."""
    files = {module_of(path, top): path for path in sorted(top.rglob("*.py"))}
    known = {*files, "msio._msio"}
    found = {}
    for module, path in files.items():
        package = module if path.name == "__init__.py" else module.rpartition(".")[0]
        seen = found[module] = set()
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                seen.update(one.name for one in node.names)
            elif isinstance(node, ast.ImportFrom):
                base = node.module or ""
                if node.level:
                    above = package.split(".")[:len(package.split(".")) - node.level + 1]
                    base = ".".join([*above, *([base] if base else [])])
                for one in node.names:
                    seen.add(f"{base}.{one.name}" if f"{base}.{one.name}" in known else base)
        seen.discard(module)
    return found


def package_of(module):
    return next((package for package in MAY if module == package or module.startswith(package + ".")), None)


def wrong_arrows(found):
    """Imports that go into a package by no way in, or out of one to where it may not."""
    wrong = []
    for module, imported in found.items():
        here = package_of(module)
        for other in sorted(imported):
            there = package_of(other)
            if there and there != here and module not in WAYS_IN[there]:
                wrong.append((module, other))
            elif here and there != here and other.split(".")[0] == "msio" and other not in MAY[here]:
                wrong.append((module, other))
    return wrong


def circle(found):
    """Modules that import each other, or None; the package's first file is loaded before all and is not counted."""
    ours = {module: {other for other in imported if other in found and other != "msio"}
            for module, imported in found.items() if module != "msio"}
    try:
        graphlib.TopologicalSorter(ours).prepare()
    except graphlib.CycleError as error:
        return error.args[1]
    return None


def test_the_packages_keep_to_their_arrows():
    found = arrows(SOURCES)
    assert len(found) > 30 and "msio._dropin._serving" in found["msio._dropin._casacore"]  # the tree is seen
    assert {package_of(other) for other in found["msio.tables"]} >= {"msio._dropin", "msio._reader"}
    assert wrong_arrows(found) == []


def test_no_module_imports_in_a_circle():
    assert circle(arrows(SOURCES)) is None


def test_the_scanner_needs_the_standard_library_only():
    for module, imported in arrows(SOURCES).items():
        if package_of(module) == "msio.scan":
            others = {other.split(".")[0] for other in imported if package_of(other) != "msio.scan"}
            assert others <= set(sys.stdlib_module_names), module


def test_python_casacore_is_imported_where_it_is_wrapped():
    found = arrows(SOURCES)
    users = {module for module, imported in found.items() if "casacore" in {other.split(".")[0] for other in imported}}
    assert {package_of(module) or module for module in users} == {"msio._dropin", "msio.tables"}


@pytest.mark.parametrize("source, wrong", [
    ("from .._dropin import _files", "msio._dropin._files"), ("from .. import reading", "msio.reading"),
    ("from .._reader._table import table", "msio._reader._table"), ("import msio.meta", "msio.meta")])
def test_a_wrong_arrow_is_seen(tmp_path, source, wrong):
    for name in ("_dropin/_files.py", "reading.py", "meta.py", "_reader/_table.py", "scan/rules.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(source if name == "scan/rules.py" else "")
    assert wrong_arrows(arrows(tmp_path)) == [("msio.scan.rules", wrong)]


def test_a_circle_is_seen(tmp_path):
    (tmp_path / "__init__.py").write_text("from . import a")
    (tmp_path / "a.py").write_text("def late():\n    from .b import c")
    (tmp_path / "b.py").write_text("from . import a\nc = 1")
    assert set(circle(arrows(tmp_path))) == {"msio.a", "msio.b"}
