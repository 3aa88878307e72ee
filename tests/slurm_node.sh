#!/usr/bin/env bash
# A Slurm of one node on loopback, for tests: no systemd, no accounting, nothing written outside FOLDER.
#   slurm_node.sh check          is this machine able to? status 2 with the reason if not
#   slurm_node.sh start FOLDER   prints the SLURM_CONF to export once a job has run; status 1 with the logs if none does
#   slurm_node.sh stop FOLDER    ends what `start FOLDER` started and every job on it; FOLDER stays
set -euo pipefail
export LC_ALL=C PATH=$PATH:/usr/sbin:/sbin
name=$(hostname -s)

refuse() {
    echo "slurm_node.sh: $*" >&2
    exit 2
}

address_of_host() { getent ahostsv4 "$name" | awk '{ print $1; exit }'; }

check() {
    [ "$(id -u)" = 0 ] || refuse "needs root, which starts Slurm's daemons"
    local program
    for program in munged slurmctld slurmd srun; do
        command -v "$program" >/dev/null || refuse "no $program; install the packages slurm-wlm and munge"
    done
    id -u munge >/dev/null 2>&1 || refuse "no user munge; install the package munge"
    # The daemons listen where the host's name resolves to (CommunicationParameters below).
    case $(address_of_host) in
    127.*) ;;
    *) refuse "the host's name, $name, is no loopback address; add '127.0.0.1 $name' to /etc/hosts" ;;
    esac
}

first_of_two_free_ports() {
    local port
    while :; do
        port=$((20000 + RANDOM % 10000)) # below the range that outgoing connections use
        (exec 3<>"/dev/tcp/$address/$port") 2>/dev/null && continue
        (exec 3<>"/dev/tcp/$address/$((port + 1))") 2>/dev/null || break
    done
    echo "$port"
}

write_conf() {
    local address port
    address=$(address_of_host)
    port=$(first_of_two_free_ports)
    cat >"$folder/slurm.conf" <<CONF
ClusterName=test
SlurmctldHost=$name($address)
SlurmctldPort=$port
SlurmdPort=$((port + 1))
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
SlurmUser=root
# A requeued job may start again only when its old credential has expired, after 120 s by default.
AuthInfo=socket=$folder/munge/socket,cred_expire=5
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.pid
SlurmctldLogFile=$folder/slurmctld.log
SlurmdLogFile=$folder/slurmd.log
SchedulerParameters=batch_sched_delay=0,sched_interval=1,bf_interval=1
MailProg=/bin/true
# By parents, not by process group: a zombie that init is slow to reap would hold its job back for seconds.
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SlurmdParameters=config_overrides
ReturnToService=2
JobRequeue=1
KillWait=2
MinJobAge=120
NodeName=$name NodeAddr=$address CPUs=2 RealMemory=8000
PartitionName=test Nodes=$name Default=YES MaxTime=INFINITE State=UP
CONF
}

as_munge() { setpriv --reuid munge --regid munge --clear-groups "$@"; }

start_daemons() {
    (umask 077 && head -c 128 /dev/urandom >"$folder/munge/key" && chown munge:munge "$folder/munge/key")
    as_munge munged --key-file "$folder/munge/key" --socket "$folder/munge/socket" --seed-file "$folder/munge/seed" \
        --pid-file "$folder/munge/munged.pid" --log-file "$folder/munge/munged.log" &&
        slurmctld -f "$folder/slurm.conf" && slurmd -f "$folder/slurm.conf"
}

answers() {
    local until=$((SECONDS + 60))
    while [ $SECONDS -lt $until ]; do
        SLURM_CONF=$folder/slurm.conf timeout 15 srun --quiet hostname >/dev/null 2>&1 && return
        sleep 0.2
    done
    return 1
}

start() {
    check
    [ ! -e "$folder/slurm.conf" ] || refuse "$folder has been started before; stop it and take another folder"
    mkdir -p "$folder/state" "$folder/spool"
    install -d -m 0755 -o munge -g munge "$folder/munge"
    as_munge test -x "$folder/munge" || refuse "user munge cannot enter $folder; take a folder that every user can"
    write_conf
    if ! start_daemons >&2 || ! answers; then
        tail -n 15 "$folder"/munge/munged.log "$folder"/slurmctld.log "$folder"/slurmd.log >&2 || true
        stop
        echo "slurm_node.sh: the node in $folder does not answer; the ends of its logs are above" >&2
        exit 1
    fi
    echo "$folder/slurm.conf"
}

runs() { # is PID (still) this folder's process? A zombie's command line is empty, another's holds no $folder.
    tr '\0' ' ' 2>/dev/null <"/proc/$1/cmdline" | grep -qF -- "$folder"
}

daemons() { # PIDs of program $1 of this folder. Not by its file: a daemon writes that after its start has returned.
    local pid
    for pid in $(pgrep -x "$1"); do
        if runs "$pid"; then echo "$pid"; fi
    done
}

end_daemon() {
    local pids signal=TERM until=$((SECONDS + 10))
    while pids=$(daemons "$1") && [ -n "$pids" ]; do
        [ $SECONDS -lt $until ] || signal=KILL
        # shellcheck disable=SC2086 # one word a process
        kill -"$signal" $pids 2>/dev/null || true
        sleep 0.1
    done
}

end_jobs() { # A step outlives its slurmd, whose working directory it keeps; each of its tasks leads a process group.
    local step group
    for step in $(pgrep -x slurmstepd); do
        [ "/proc/$step/cwd" -ef "$folder" ] || continue
        for group in $(ps -o pgid= --ppid "$step"); do kill -KILL -- "-$group" 2>/dev/null || true; done
        kill -KILL "$step" 2>/dev/null || true
    done
}

stop() {
    [ -e "$folder/slurm.conf" ] || refuse "nothing was started in $folder"
    end_daemon slurmctld
    end_daemon slurmd
    end_jobs
    end_daemon munged
}

case "$#:${1:-}" in
1:check) check ;;
2:start | 2:stop)
    folder=$(realpath -m -- "$2")
    "$1"
    ;;
*) refuse "use: slurm_node.sh check | start FOLDER | stop FOLDER" ;;
esac
