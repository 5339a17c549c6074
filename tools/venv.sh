#!/bin/sh
# Make or refresh a virtual environment: sh tools/venv.sh FOLDER [EXTRAS | --requirements FILE]
# PYTHON names the interpreter; without it the first Python 3.11 or newer on the PATH is taken.
set -eu
folder=$1
extras=${2:-}

usable() {
    "$1" -c 'import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

find_python() {
    for name in ${PYTHON:-python3 python3.13 python3.12 python3.11 python3.14 python}; do
        if usable "$name"; then
            echo "$name"
            return
        fi
    done
    if [ -n "${PYTHON:-}" ]; then
        echo "PYTHON=$PYTHON is not a Python 3.11 or newer that can make virtual environments." >&2
    else
        echo "No Python 3.11 or newer that can make virtual environments was found." >&2
        echo "  hint: Install one (Debian, Ubuntu: apt install python3-venv), or name one: make PYTHON=/path/to/python3" >&2
    fi
    exit 1
}

# an environment that was moved, or whose Python is gone, cannot be mended
if ! "$folder/bin/python" -c 'import pip' >/dev/null 2>&1; then
    python=$(find_python)
    rm -rf "$folder"
    "$python" -m venv "$folder"
fi

version=$("$folder/bin/python" -c 'import sys; print("%d.%d.%d" % sys.version_info[:3])')
if [ "$extras" = --requirements ]; then
    what=$3
    set -- -r "$3"
else
    what="costrel${extras:+[$extras]}"
    set -- -e ".${extras:+[$extras]}"
fi
printf 'Installing %s into %s (Python %s), once ...\n' "$what" "$folder" "$version" >&2
log=$folder/install.log
if ! "$folder/bin/python" -m pip install --disable-pip-version-check "$@" >"$log" 2>&1; then
    tail -n 15 "$log" >&2
    echo "The installation failed; the whole output is in $log." >&2
    exit 1
fi
