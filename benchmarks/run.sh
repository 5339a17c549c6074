#!/bin/sh
# Make the benchmarks' own environment, once, and run them in it: sh benchmarks/run.sh [OPTIONS OF bench.py]
set -eu
cd "$(dirname "$0")/.."
folder=.venv-bench
stamp=$folder/.installed
if [ ! -e "$stamp" ] || [ benchmarks/requirements.txt -nt "$stamp" ]; then
    sh tools/venv.sh "$folder" --requirements benchmarks/requirements.txt
    touch "$stamp"
fi
exec "$folder/bin/python" benchmarks/bench.py "$@"
