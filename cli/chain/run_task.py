"""run_task.py FILE - one task of CASA as FILE (JSON) tells it: what `msio verify --run` runs for a step with a task.

Benchmarks and tests that run CASA take its configuration from here too (`write_site`).
"""
import json
import os
import re
import sys
import time

# The data of the package casadata, where it is there, and no look for newer ones on the network.
CONFIGURATION = """
import importlib.util
if importlib.util.find_spec("casadata"):
    import casadata
    measurespath = casadata.datapath
    datapath = [casadata.datapath]
measures_auto_update = data_auto_update = False
nologger = nogui = True
logfile = %r
"""


def write_site(folder):
    """Writes CASA's configuration into a folder, where its log goes too: what CASASITECONFIG is to name."""
    path = os.path.join(os.path.abspath(folder), "casasite.py")
    with open(path, "w", encoding="utf-8") as file:
        file.write(CONFIGURATION % os.path.join(os.path.dirname(path), "casa.log"))
    return path


def replaced(value, words):
    """The value with {ms} and the like replaced in its texts."""
    if isinstance(value, str):
        return re.sub(r"\{(\w+)\}", lambda found: words.get(found[1], found[0]), value)
    if isinstance(value, list):
        return [replaced(part, words) for part in value]
    if isinstance(value, dict):
        return {name: replaced(part, words) for name, part in value.items()}
    return value


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        request = json.load(file)
    if "CASASITECONFIG" not in os.environ:  # nobody has set CASA up otherwise
        os.environ["CASASITECONFIG"] = write_site(".")
    began = time.perf_counter()
    import casatasks
    with open(request["times"], "w", encoding="utf-8") as file:
        file.write("%.6f\n" % (time.perf_counter() - began))
    task = getattr(casatasks, request["task"], None)
    if task is None:
        sys.exit("casatasks has no task %s" % request["task"])
    task(**replaced(request["arguments"], request["words"]))


if __name__ == "__main__":
    main()
