#!/bin/sh
# Run the tests, but the slow ones, on another Python version if this machine has it: sh tools/test_on.sh 3.13
set -eu
version=$1

find_version() {
    for candidate in "python$version" "$HOME/.pyenv/versions/$version".*/bin/python; do
        if "$candidate" -c 'import ensurepip' >/dev/null 2>&1; then
            echo "$candidate"
            return
        fi
    done
}

python=$(find_version)
if [ -z "$python" ]; then
    echo "Python $version is not on this machine: left out."
    exit 0
fi
folder=.venv-$version
stamp=$folder/.installed-test
if [ ! -e "$stamp" ] || [ pyproject.toml -nt "$stamp" ]; then
    PYTHON=$python sh tools/venv.sh "$folder" test
    touch "$stamp"
fi
exec sh tools/run_tests.sh "$folder" -m "not slow"
