#!/bin/sh
# Run upstream suites on costrel; a test that passes on Flask and not here fails it: sh tools/conformance.sh SUITE...
set -eu
cd "$(dirname "$0")/.."
# old outcomes go first, so that a run that never started cannot pass by those of an earlier one
cache=${CONFORMANCE_CACHE:-${TMPDIR:-/tmp}/costrel-conformance}
rm -f "$cache"/results/*.costrel.json
.venv/bin/python conformance/run.py "$@" --impl costrel --costrel-path "$PWD"
if ! ls "$cache"/results/*.costrel.json >/dev/null 2>&1; then
    echo "No suite left a result." >&2
    exit 1
fi
.venv/bin/python conformance/run.py "$@" --impl costrel --diff >/dev/null
