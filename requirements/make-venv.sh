#!/bin/sh
# Make a virtual environment: make-venv.sh FOLDER [PYTHON]. Says what is missing when it cannot.
set -eu
folder=$1
shift

recent_enough() {
    command -v "$1" >/dev/null 2>&1 && "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

python=
if [ $# -eq 0 ]; then
    set -- python3 python3.14 python3.13 python3.12 python3.11
fi
for candidate in "$@"; do
    if recent_enough "$candidate"; then
        python=$candidate
        break
    fi
done
if [ -z "$python" ]; then
    echo "GraphWiz Trader needs Python 3.11 or newer; looked for: $*; found: $("$1" --version 2>/dev/null || echo none)" >&2
    echo "Install one, or name it: make run PYTHON=/path/to/python3.11" >&2
    exit 1
fi
if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    echo "$("$python" --version) is here but cannot make a virtual environment: its venv module is missing." >&2
    echo "On Debian and Ubuntu: apt-get install python3-venv" >&2
    exit 1
fi
echo "Making $folder with $("$python" --version) ..."
exec "$python" -m venv "$folder"
