#!/usr/bin/env bash
# Makes the environment from the hashed pins, then hands over to `python -m benchmark` in it.
#   ./run_all.sh                    run the study that fits this machine and make its tables
#   ./run_all.sh --study smoke ...  any option of `python -m benchmark run`
#   ./run_all.sh plan --study paper any other subcommand of `python -m benchmark`
#   ./run_all.sh tests [...]        run the tests
#   ./run_all.sh pip [...]          pip in the environment, to add what is optional
set -euo pipefail

fail() {
    echo "run_all.sh: $1" >&2
    exit 2
}

# The pins win over the packages of a cluster's modules, and nothing is imported from the user's own folder; CDPATH
# would send `cd` elsewhere, pip's variables the packages.
unset CDPATH PYTHONHOME PYTHONPATH PYTHONSTARTUP PYTHONOPTIMIZE PYTHONINSPECT PYTHONPLATLIBDIR __PYVENV_LAUNCHER__
unset PIP_DRY_RUN PIP_PREFIX PIP_ROOT PIP_TARGET PIP_USER
export PYTHONSAFEPATH=1

script=${BASH_SOURCE[0]}
while [ -L "$script" ]; do # step by step, for macOS' readlink does not follow to the end
    target=$(readlink "$script")
    case $target in
    /*) script=$target ;;
    *) script=$(dirname -- "$script")/$target ;;
    esac
done
root=$(cd -- "$(dirname -- "$script")" && pwd) # paths in the arguments stay relative to where the user is

# Environments are .venv, .venv-2, ... One is complete once it holds the lock that it was made from. A complete one is
# never changed or removed, for a study or a job may be running in it; after a change of the lock another is made.
stamp=installed.lock
marker=.made-by-run_all # "HOST PROCESS" of who installs, written before anything else
host=$(uname -n)
lock=$(<"$root/requirements.lock")

is_complete() {
    [ -r "$1/$stamp" ] && [ "$(<"$1/$stamp")" = "$lock" ] && "$1/bin/python" -c '' 2>/dev/null
}

# Whether an environment may be made here: nothing is, or an empty folder, or what an installation of ours that
# has ended has left.
is_free() {
    if [ ! -e "$1" ] && [ ! -L "$1" ]; then return 0; fi
    if [ ! -d "$1" ] || [ -e "$1/$stamp" ]; then return 1; fi
    if [ ! -e "$1/$marker" ]; then [ -z "$(ls -A "$1")" ]; return; fi
    local where process
    read -r where process <"$1/$marker" || true
    if [ "$where" != "$host" ] || kill -0 "$process" 2>/dev/null; then
        fail "$1 is being installed by process ${process:-?} on ${where:-?}; wait for it (if it has ended, remove $1)"
    fi
}

install_into() {
    local folder=$1 python="" candidate others=("${@:2}")
    for candidate in python3 python3.13 python3.12 python3.11; do
        if command -v "$candidate" >/dev/null &&
            "$candidate" -c 'import ensurepip, sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; then
            python=$candidate
            break
        fi
    done
    [ -n "$python" ] || fail "needs Python 3.11, 3.12 or 3.13 with its venv module on the PATH"
    echo "run_all.sh: installing into ${folder##*/} with $("$python" --version) (once; some minutes, about 6 GB on Linux)" >&2
    if [ ${#others[@]} -gt 0 ]; then
        echo "run_all.sh: of another requirements.lock, or not made here, and left alone: ${others[*]}" >&2
    fi
    mkdir -p -- "$folder" && rm -rf -- "$folder"/{bin,include,lib,lib64,pyvenv.cfg,"$marker"} &&
        (set -o noclobber && echo "$host $$" >"$folder/$marker") || fail "$folder cannot be written"
    "$python" -m venv "$folder" || fail "$python -m venv could not make $folder (see above)"
    # Everything is pinned and hashed; pythae's stated dependency on an old backport is left out on purpose.
    "$folder/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes \
        -r "$root/requirements.lock" || fail "pip could not install requirements.lock into $folder (see above); run again"
    cp -- "$root/requirements.lock" "$folder/$stamp.part" && mv -- "$folder/$stamp.part" "$folder/$stamp" ||
        fail "$folder cannot be written"
}

environment=$root/.venv place="" others=()
for ((number = 2; ; number++)); do
    if is_complete "$environment"; then break; fi
    if [ -z "$place" ] && is_free "$environment"; then place=$environment; fi
    if [ ! -e "$environment" ] && [ ! -L "$environment" ]; then
        environment=$place
        install_into "$environment" ${others[@]+"${others[@]}"}
        break
    fi
    if [ "$environment" != "$place" ]; then others+=("${environment##*/}"); fi
    environment=$root/.venv-$number
done

export PYTHONPATH=$root
case "${1:-}" in
tests)
    shift
    cd -- "$root"
    exec "$environment/bin/python" -m pytest "$@"
    ;;
pip) exec "$environment/bin/python" -m "$@" ;;
-h | --help | --version) ;;
"" | -*) set -- run "$@" ;;
esac
exec "$environment/bin/python" -m benchmark "$@"
