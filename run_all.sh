#!/usr/bin/env bash
# Makes the environment from the hashed pins, then runs `python -m benchmark` in it.
#   ./run_all.sh                    run the study that fits this machine and make its tables
#   ./run_all.sh --study smoke ...  any option of `python -m benchmark run`
#   ./run_all.sh plan --study paper any other subcommand of `python -m benchmark`
#   ./run_all.sh tests [...]        run the quick tests; with --all also the slow ones, with a file only its tests
#   ./run_all.sh pip [...]          pip in the environment, to install the optional extras
#   ./run_all.sh python [...]       Python in the environment, for scripts such as those in examples/
if [ -z "${BASH_VERSION:-}" ]; then exec bash "$0" "$@"; fi # called as `sh run_all.sh`
set -euo pipefail

fail() {
    echo "run_all.sh: $1" >&2
    exit 2
}

# The pinned packages take precedence over those of a cluster's modules, and nothing is imported from the user's own
# folder. CDPATH would make `cd` go elsewhere, and pip's variables would make pip install elsewhere or other packages.
unset CDPATH PYTHONHOME PYTHONPATH PYTHONSTARTUP PYTHONOPTIMIZE PYTHONINSPECT PYTHONPLATLIBDIR __PYVENV_LAUNCHER__
unset PIP_CONSTRAINT PIP_DRY_RUN PIP_PREFIX PIP_ROOT PIP_TARGET PIP_USER
export PYTHONSAFEPATH=1

script=${BASH_SOURCE[0]:-}
[ -n "$script" ] || fail "is no filter; call it by its name"
while [ -L "$script" ]; do # step by step, because the readlink of macOS does not follow a chain of links
    target=$(readlink "$script")
    case $target in
    /*) script=$target ;;
    *) script=$(dirname -- "$script")/$target ;;
    esac
done
root=$(cd -- "$(dirname -- "$script")" && pwd) # paths in the arguments stay relative to where the user is

# Environments are .venv, .venv-2, ... One is complete once it contains the lock that it was made from. A complete one
# is never changed or removed, because a study or a job may be running in it; when the lock changes, another is made.
stamp=installed.lock
marker=.made-by-run_all # "HOST PROCESS" of the installing call; only the call that has written it may install
host=$(uname -n)
[ -r "$root/requirements.lock" ] || fail "$root/requirements.lock is not here; is the checkout whole?"
lock=$(<"$root/requirements.lock")

# Python code that names the first requirement of a lock that its environment does not satisfy, if any.
lacking='
import sys
from importlib.metadata import PackageNotFoundError, version
from pip._vendor.packaging.requirements import Requirement
for line in open(sys.argv[1], encoding="utf-8"):
    if line[:1].isalnum():
        wanted = Requirement(line.rstrip().rstrip("\\"))
        if wanted.marker is None or wanted.marker.evaluate():
            try:
                found = version(wanted.name)
            except PackageNotFoundError:
                found = "missing"
            if found not in wanted.specifier:
                sys.exit(f"{wanted.name}: {found}")
'

is_complete() {
    [ -r "$1/$stamp" ] && [ "$(<"$1/$stamp")" = "$lock" ] && "$1/bin/python" -c '' 2>/dev/null
}

is_alive() { # also if it belongs to another user and may not be signalled
    kill -0 "$1" 2>/dev/null || [ -e "/proc/$1" ] || ps -p "$1" >/dev/null 2>&1
}

# Claim a folder for an environment: a new one, an empty one, or one that an installation of ours has left unfinished.
# Fails for anything else; ends the script if another installation is running in the folder.
claim() {
    local folder=$1 where="" process=""
    if [ -d "$folder" ]; then
        if [ -e "$folder/$stamp" ]; then return 1; fi
        if [ -e "$folder/$marker" ]; then
            read -r where process <"$folder/$marker" || true
            if [ "$where" != "$host" ] || is_alive "$process"; then busy "$folder" "$where" "$process"; fi
            # Of several calls, the one that renames the marker first continues.
            mv -- "$folder/$marker" "$folder/$marker.$$" 2>/dev/null || busy "$folder"
            rm -rf -- "$folder"/{bin,include,lib,lib64,pyvenv.cfg,"$stamp.part","$marker.$$"}
        else
            case $(ls -A "$folder") in
            "") ;;
            *"$marker"*) busy "$folder" ;; # another call has just begun
            *) return 1 ;;
            esac
        fi
    elif [ -e "$folder" ] || [ -L "$folder" ]; then
        return 1
    else
        mkdir -- "$folder" 2>/dev/null || [ -d "$folder" ] || fail "$folder cannot be made"
    fi
    if ! (set -o noclobber && echo "$host $$" >"$folder/$marker") 2>/dev/null; then
        [ -e "$folder/$marker" ] && busy "$folder"
        fail "$folder cannot be written"
    fi
}

busy() {
    fail "$1 is being installed by process ${3:-?} on ${2:-?}; wait for it (if it has ended, remove $1)"
}

python_found() {
    local candidate
    for candidate in python3 python3.13 python3.12 python3.11; do
        if command -v "$candidate" >/dev/null &&
            "$candidate" -c 'import ensurepip, sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
    local newer=""
    if python3 -c 'import sys; sys.exit(sys.version_info < (3, 14))' 2>/dev/null; then
        newer="; for the python3 there, $(python3 --version), requirements.lock has no pins yet"
    fi
    fail "needs Python 3.11, 3.12 or 3.13 with its venv module on the PATH$newer"
}

# Make the environment in a claimed folder, from the lock as it was read at the start.
install_into() {
    local folder=$1 python=$2
    echo "run_all.sh: installing into ${folder##*/} with $("$python" --version) (once; some minutes, about 6 GB on Linux)" >&2
    echo "$lock" >"$folder/$stamp.part" || fail "$folder cannot be written"
    "$python" -m venv "$folder" || fail "$python -m venv could not make $folder (see above)"
    # Everything is pinned and hashed; pythae's declared dependency on an old backport is omitted on purpose.
    "$folder/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes \
        -r "$folder/$stamp.part" || fail "pip could not install requirements.lock into $folder; mend what it says above, then run again"
    # pip's own configuration may have made it install elsewhere (target, prefix) or not at all (dry-run).
    "$folder/bin/python" -c "$lacking" "$folder/$stamp.part" >&2 ||
        fail "pip has put packages elsewhere than into $folder; see \`pip config list\` for target, prefix, user or dry-run"
    mv -- "$folder/$stamp.part" "$folder/$stamp" || fail "$folder cannot be written"
}

environment="" others=()
for folder in "$root"/.venv "$root"/.venv-*; do
    if is_complete "$folder"; then
        environment=$folder
        break
    fi
    if [ -e "$folder/$stamp" ]; then others+=("${folder##*/}"); fi
done
if [ -z "$environment" ]; then
    python=$(python_found)
    environment=$root/.venv
    for ((number = 2; ; number++)); do
        if claim "$environment"; then break; fi
        environment=$root/.venv-$number
    done
    if [ ${#others[@]} -gt 0 ]; then
        echo "run_all.sh: of another requirements.lock and left alone: ${others[*]} (remove what nothing runs in)" >&2
    fi
    install_into "$environment" "$python"
fi

export PYTHONPATH=$root
case "${1:-}" in
tests)
    shift
    cd -- "$root"
    exec "$environment/bin/python" -m pytest "$@"
    ;;
pip) exec "$environment/bin/python" -m "$@" ;;
python)
    shift
    exec "$environment/bin/python" "$@"
    ;;
-h | --help | --version) ;;
"" | -*) set -- run "$@" ;;
esac
exec "$environment/bin/python" -m benchmark "$@"
