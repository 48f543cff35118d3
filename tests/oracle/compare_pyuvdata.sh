#!/bin/sh
# compare_pyuvdata.sh - makes a small group, gets pyuvdata from the Python index, and compares what both load.
# usage: compare_pyuvdata.sh DUMP_LOAD FOLDER
set -eu
folder=$2
python=$folder/venv/bin/python
mkdir -p "$folder"
if ! "$python" -c 'import pyuvdata' 2>/dev/null; then
    { "$MSIO_PYTHON" -m venv "$folder/venv" && "$python" -m pip install -q pyuvdata; } >"$folder/pip.log" 2>&1 || {
        echo "skipped: pyuvdata cannot be installed here ($folder/pip.log says why)"
        exit 77
    }
fi
rm -rf "$folder/group"
"$MSIO_COMMAND" simulate uvh5 --out "$folder/group" --antennas 7 --times 5 --subbands 4 --channels 12 --pols 4 \
    --compression lzf --jitter 0 --quiet
exec "$python" "$(dirname "$0")/compare_pyuvdata.py" "$1" "$folder/group"
