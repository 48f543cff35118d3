"""The reader of TOML against Python's tomllib: what it takes means the same, what tomllib refuses it refuses, and what else it
refuses it names.
usage: test_toml.py TOML_TO_JSON
"""
import json
import random
import subprocess
import sys
import unittest

try:
    import tomllib
except ImportError:
    print("no tomllib to hold it against: Python 3.11 or later")
    sys.exit(77)

PROGRAM = sys.argv.pop(1)

TAKEN = (
    "", "# nothing", "a = 1", "a=1\r\nb = 2\r\n", "\t a\t=\t1 # one\n\n", '"a b" = 1\n\'c"d\' = 2\n"" = 3\n-_1 = 4\n1 = 5', "true = true",
    "a = +1\nb = -17\nc = 0\nd = -0\ne = 1_000\nf = 9223372036854775807\ng = -9223372036854775808",
    "a = 1.5\nb = -0.0\nc = 1e3\nd = 6.6_26e-3_4\ne = 1E+2\nf = 0e5\ng = 3.0",
    'a = "x\\t\\"\\\\\\u00e9\\U0001F600\\b\\f\\n\\r"\nb = \'C:\\x "y"\'\nc = ""\nd = \'\'', 'a = "é€😀" # é€😀', 'a = "\t"',
    "a = []\nb = [1, 2,]\nc = [ # one\n  1, # two\n\n  [2, 'x'], {y = 1} ]\nd = [[[[]]]]",
    "a = {}\nb = { c = 1, d = { e = [1] } }\nf = {\"g h\"=true}",
    "[a]\nx = 1\n[b]\n[a.c]\n[d.e.f]\nx = 1\n[d]\ny = 1\n[ g . \"h.i\" ]\n", "[[a]]\nx = 1\n[[a]]\n[a.b]\ny = 1\n[[a]]\n[[a.c]]\n[[a.c]]\nz = 1",
    "[a.b]\n[a]\nc = 1", "[[a.b]]\n[a]\nc = 1", "[a]\n[a.b]\nx=1\n[c]\n[a.d]\n",
)
WRONG = (  # for tomllib too
    "a", "a =", "= 1", "a = 1 b = 2", "a b = 1", "a = 1\na = 2", "[a", "[a]x", "[[a]", "[[a] ]", "[ [a]]", "[]", "[a.]", "[.a]", "[[[a]]]", "]",
    "[a]\n[a]", "a = 1\n[a]", "a = {}\n[a.b]", "a = [{}]\n[[a]]", "[a]\n[[a]]", "[[a]]\n[a]", "[a.b]\n[a]\nb = 1", "a = [1]\n[a.b]",
    "a = {b = 1}\n[a]", "a = 01", "a = 1__0", "a = _1", "a = 1_", "a = 1.", "a = .5", "a = 1._5", "a = 1e", "a = +-1", "a = 1.e2", "a = -01.5",
    "a = 9223372036854775808x", "a = True", "a = x", 'a = "x', "a = 'x", 'a = "\\x"', 'a = "\\u12"', 'a = "\\ud800"', 'a = "\\U00110000"', "a = \"x\ny\"",
    'a = "\x01"', "a = 1 # \x00", "a = [1 2]", "a = [,]", "a = [1,,2]", "a = [1", "a = {b = 1,}", "a = {b = 1\n}", "a = {b = 1, b = 2}", "a = {,}",
    "a = {b}", "a = 1\rb = 2", "é = 1", "\ufeff\ufeff", 'a = "\x7f"', "a = \\", "a = '\u2028", '"a\n" = 1', "a == 1", "a = 0x", "a = 1-1",
)
REFUSED = (  # (text, line, column, words): TOML, but not what is read here
    ('x = 1\na = """b"""', 2, 5, "several lines"), ("a = '''b'''", 1, 5, "several lines"), ("a . b = 1", 1, 3, "dotted"), ("a = {b.c = 1}", 1, 7, "dotted"),
    ("a = 1979-05-27", 1, 5, "date"), ("a = 07:32:00", 1, 5, "time"), ("a = [1979-05-27T07:32:00Z]", 1, 6, "date"), ("a = inf", 1, 5, "finite"),
    ("a = -nan", 1, 5, "finite"), ("a = 0x1F", 1, 5, "decimal"), ("a = 0b1", 1, 5, "decimal"), ("é = \"é\"", 1, 1, "key"), ('a = "é\\u0000"', 1, 13, "NUL"),
    ("a = " + "[" * 10 + "]" * 10, 1, 14, "deep"), ("a = " + "[" * 5000 + "]" * 5000, 1, 14, "deep"), ("[a.a.a.a.a.a.a.a.a]", 1, 18, "names"),
    ("a = 1e999", 1, 5, "too large"), ("a = 9223372036854775808", 1, 5, "too large"), ("".join(f"k{n} = 1\n" for n in range(1001)), 1001, 1, "1000 keys"),
    ("é", 1, 1, "key"), ("[a]\nb = [\n  1,\n  x]", 4, 3, "no value"), ("a = \"x\n", 1, 7, "no end"), ("a = 1 x", 1, 7, "line's end"),
)
PARTS = ("a", "b", "=", " ", "\n", "[", "]", "[[", "]]", "{", "}", ",", ".", '"', "'", "\\", "#", "1", "0", "-", "+", "_", "e", "true", "1.5", "a = 1\n",
         "[a]\n", "[[a]]\n", "[a.b]\n", "b = {c = 1}\n", 'c = "x"\n', "a = [1, 2]\n", "\t", "\r\n", "\\u0041", "é")


def taken(text):
    """(value, None), or (None, what was said)."""
    run = subprocess.run([PROGRAM], input=text.encode(), stdout=subprocess.PIPE, check=False)
    assert run.returncode in (0, 1), (run.returncode, text)
    return (json.loads(run.stdout), None) if run.returncode == 0 else (None, run.stdout.decode())


def same(one, other):
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[k], other[k]) for k in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return isinstance(one, bool) == isinstance(other, bool) and one == other


class TestToml(unittest.TestCase):
    def check(self, text):
        """Whether it is taken, and then as tomllib takes it."""
        value, said = taken(text)
        if said is None:
            self.assertTrue(same(value, tomllib.loads(text)), (text, value))
        return said is None

    def test_taken(self):
        for text in TAKEN:
            with self.subTest(text):
                self.assertTrue(self.check(text), taken(text))

    def test_wrong(self):
        for text in WRONG:
            with self.subTest(text):
                self.assertRaises(ValueError, tomllib.loads, text)
                self.assertRegex(taken(text)[1] or "", r"^[1-9]\d* [1-9]\d* \S")

    def test_refused(self):
        for text, line, column, words in REFUSED:
            with self.subTest(text[:60]):
                said = taken(text)[1] or ""
                self.assertTrue(said.startswith(f"{line} {column} "), said)
                self.assertIn(words, said)

    def test_no_utf8(self):
        run = subprocess.run([PROGRAM], input=b"\xef\xbb\xbfa = 1", stdout=subprocess.PIPE, check=True)  # but a mark that says so
        self.assertEqual(json.loads(run.stdout), {"a": 1})
        for bad in (b"a = \"\xff\"", b"# \xc3", b"a = '\xed\xa0\x80'", b"\xff"):
            run = subprocess.run([PROGRAM], input=bad, stdout=subprocess.PIPE, check=False)
            self.assertEqual(run.returncode, 1)

    def test_long_lines(self):
        value, _ = taken("a = [" + '"x", ' * 100000 + "]")
        self.assertEqual(value, {"a": ["x"] * 100000})

    def test_made_up(self):
        """Pieces of TOML in any order."""
        chance = random.Random(3)
        count = sum(self.check("".join(chance.choices(PARTS, k=chance.randrange(1, 9)))) for _ in range(2000))
        self.assertGreater(count, 50)


if __name__ == "__main__":
    unittest.main()
