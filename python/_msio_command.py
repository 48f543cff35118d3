"""The command msio of an environment that has the package: hands over to the program in the package's folder.

A module of its own, as to import msio would be to import numpy before the command can begin.
"""
import os
import sys


def main():
    os.environ.setdefault("MSIO_PYTHON", sys.executable)  # which `msio plot` draws with
    program = os.path.join(os.path.dirname(os.path.abspath(__file__)), "msio", "msio")
    os.execv(program, ["msio", *sys.argv[1:]])
