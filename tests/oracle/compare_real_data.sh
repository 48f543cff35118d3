#!/bin/sh
# compare_real_data.sh - unpacks the Measurement Sets of $MSIO_TEST_DATA and compares them with casacore, subtables too.
# usage: compare_real_data.sh COMPARE_TABLE FOLDER
set -eu
compare=$1
folder=$2
found=no
for archive in "${MSIO_TEST_DATA:-/nowhere}"/*.ms.tgz; do
    [ -e "$archive" ] && found=yes
done
if [ $found = no ]; then
    echo "skipped: no *.ms.tgz in MSIO_TEST_DATA (${MSIO_TEST_DATA:-not set})"
    exit 77
fi
rm -rf "$folder"
mkdir -p "$folder"
for archive in "$MSIO_TEST_DATA"/*.ms.tgz; do
    tar -xzf "$archive" -C "$folder"
done
exec "$compare" --recursive "$folder"
