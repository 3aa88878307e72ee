#!/usr/bin/env bash
# Sets up .venv from the hashed pins, then hands over to `python -m benchmark`.
#   ./run_all.sh                    run the study that fits this machine and make its tables
#   ./run_all.sh --study smoke ...  any option of `python -m benchmark run`
#   ./run_all.sh plan --study paper any other subcommand of `python -m benchmark`
#   ./run_all.sh tests [...]        run the tests
set -euo pipefail
root=$(cd "$(dirname "$0")" && pwd) # paths in the arguments stay relative to where the user is

stamp=$root/.venv/installed.lock
if ! cmp -s "$root/requirements.lock" "$stamp"; then
    python=""
    for candidate in python3 python3.13 python3.12 python3.11; do
        if command -v "$candidate" >/dev/null &&
            "$candidate" -c 'import ensurepip, sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; then
            python=$candidate
            break
        fi
    done
    if [ -z "$python" ]; then
        echo "run_all.sh: needs Python 3.11, 3.12 or 3.13 with its venv module on the PATH" >&2
        exit 2
    fi
    echo "run_all.sh: installing into .venv with $("$python" --version) (once; some minutes, about 6 GB on Linux)"
    "$python" -m venv --clear "$root/.venv"
    # Everything is pinned and hashed; pythae's stated dependency on an old backport is left out on purpose.
    "$root/.venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes \
        -r "$root/requirements.lock"
    cp "$root/requirements.lock" "$stamp"
fi

if [ "${1:-}" = tests ]; then
    shift
    cd "$root"
    exec .venv/bin/python -m pytest "$@"
fi
case "${1:-}" in
run | plan | tables | status | audit | calibrate | fetch | throughput | compare | errata | controls | trace | robust | figures | verdict | report | methods | studies | -h | --help) ;;
*) set -- run "$@" ;;
esac
# -P: the user's own folder is no place to import from.
export PYTHONPATH="$root${PYTHONPATH:+:$PYTHONPATH}"
exec "$root/.venv/bin/python" -P -m benchmark "$@"
