#!/bin/sh
# Make the benchmarks' own environment, once, and run them in it: sh benchmarks/run.sh [asgi|extensions|sessions] [OPTIONS]
set -eu
cd "$(dirname "$0")/.."
folder=.venv-bench
name=
case ${1:-} in
asgi | extensions | sessions)
    name=$1
    shift
    ;;
esac
requirements=benchmarks/requirements${name:+-$name}.txt
script=benchmarks/bench${name:+_$name}.py
stamp=$folder/.installed${name:+-$name}
if [ ! -e "$stamp" ] || [ "$requirements" -nt "$stamp" ]; then
    sh tools/venv.sh "$folder" --requirements "$requirements"
    touch "$stamp"
fi
exec "$folder/bin/python" "$script" "$@"
