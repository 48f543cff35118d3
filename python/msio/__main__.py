"""python -m msio: runs programs with python-casacore's reads served by msio, and looks through sources for slow reads.

    python -m msio script.py ARGUMENTS...    runs a program
    python -m msio -m MODULE ARGUMENTS...    the same of a module
    python -m msio scan SRC...               reports reads that can be faster, without running anything
"""
import sys


def main(arguments):
    if not arguments or arguments[0] in ("-h", "--help"):
        print(__doc__.strip())
        return 0 if arguments else 2
    if arguments[0] == "scan":
        from .scan import main as scan
        return scan(arguments[1:])
    if arguments[0].startswith("-") and arguments[0] != "-m":
        print(f"python -m msio: there is no option {arguments[0]}; python -m msio --help tells what there is",
              file=sys.stderr)
        return 2
    from .patching import run
    run(arguments)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
