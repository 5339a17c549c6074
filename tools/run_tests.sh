#!/bin/sh
# Run pytest in an environment: sh tools/run_tests.sh FOLDER [OPTIONS OF PYTEST]
# With CI set, up to five tests that fail run once more, one after the other: on a machine that others
# share, a test with a server and a deadline can fail for their sake. Those that pass then are named.
set -u
folder=$1
shift
python=$folder/bin/python
cache=$folder/.pytest_cache

"$python" -m pytest -q -n auto --dist worksteal -o cache_dir="$cache" "$@" && exit 0
status=$?
[ "$status" -eq 1 ] && [ -n "${CI:-}" ] || exit "$status"

failed=$("$python" -c 'import json, sys; print("\n".join(json.load(open(sys.argv[1]))))' "$cache/v/cache/lastfailed")
[ "$(printf '%s\n' "$failed" | wc -l)" -le 5 ] || exit "$status"
printf '\nOnce more, one after the other:\n%s\n\n' "$failed"
"$python" -m pytest -q -o cache_dir="$cache" --last-failed --last-failed-no-failures none "$@" || exit $?
printf '\nUNSTEADY: these failed beside the others and passed alone. Mend them.\n%s\n' "$failed"
