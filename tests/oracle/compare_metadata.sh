#!/bin/sh
# compare_metadata.sh - msio's metadata against casacore's: simulated Measurement Sets, and the real ones where they are.
# usage: compare_metadata.sh COMPARE_METADATA FOLDER_OF_REAL_ONES FOLDER
set -eu
compare=$1
real=$2
folder=$3
rm -rf "$folder"
mkdir -p "$folder"
for layout in dsa110 default wide; do
    for order in little big; do
        "$MSIO_COMMAND" simulate ms --out "$folder/$layout-$order.ms" --layout $layout --byte-order $order \
            --antennas 5 --times 4 --subbands 3 --channels 8 --quiet
    done
done
set -- "$folder"/*.ms
for ms in "$real"/*.ms "$real"/*.MS; do
    [ -d "$ms" ] && set -- "$@" "$ms"
done
exec "$compare" "$@"
