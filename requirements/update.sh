#!/bin/sh
# Write both locks anew from pyproject.toml: `requirements/update.sh` (needs uv: `pip install uv`).
# The trader runs with the very versions it was tested with, so run.lock is bound by dev.lock.
# No address of an index is written; where to fetch from is the machine's own setting.
set -eu
cd "$(dirname "$0")/.."
lock() {
    uv pip compile pyproject.toml --group build "$@" --universal --python-version 3.11 \
        --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --no-annotate --quiet --upgrade
}
lock --group dev --extra research --extra ccxt --output-file requirements/dev.lock
lock --extra research --constraint requirements/dev.lock --output-file requirements/run.lock
