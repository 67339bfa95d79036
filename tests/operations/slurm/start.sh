#!/bin/sh
# Start a Slurm of one node on loopback: no systemd, no accounting database. Usage: start.sh EMPTY_FOLDER
# It ends with a sentence and exit code 3 where it cannot, also if it is only asked (no folder is given); stop.sh undoes
# what it did.
set -eu
dir=${1:-}
here=$(dirname "$(readlink -f "$0")")

cannot() {
    echo "no Slurm for the tests: $1" >&2
    exit 3
}
for program in slurmctld slurmd sbatch munged; do
    command -v "$program" > /dev/null || cannot "$program is missing; as root: apt-get install slurm-wlm munge (Debian, Ubuntu)"
done
[ "$(id -u)" = 0 ] || cannot "it is started as root only"
[ -n "$dir" ] || exit 0
mkdir -p "$dir/state" "$dir/spool" /run/munge /etc/slurm
cpus=$(env -u OMP_NUM_THREADS -u OMP_THREAD_LIMIT nproc) # which obeys OpenMP's variables
memory=$(awk '/^MemTotal/ {print int($2 / 1024 * 0.9)}' /proc/meminfo)
sed -e "s|@DIR@|$dir|g" -e "s|@CPUS@|$cpus|" -e "s|@MEMORY@|$memory|" "$here/slurm.conf.in" > "$dir/slurm.conf"
# A job's srun reads this place, whatever SLURM_CONF says. A Slurm that is already here is left alone, unless the tests
# that started it are no more: they were killed.
link=/etc/slurm/slurm.conf
if [ -L $link ]; then
    left=$(dirname "$(readlink $link)")
    if [ ! -d "$left" ]; then
        rm $link
    elif [ -f "$left/owner" ] && ! kill -0 "$(cat "$left/owner")" 2> /dev/null; then
        "$here/stop.sh" "$left"
    fi
fi
echo $PPID > "$dir/owner"
ln -s "$dir/slurm.conf" $link 2> /dev/null || cannot "there is one already, $link"

if ! munge -n > /dev/null 2>&1; then
    chown munge:munge /run/munge /var/lib/munge /var/log/munge /etc/munge
    runuser -u munge -- /usr/sbin/munged
    touch "$dir/munged-is-ours"
fi
slurmctld
slurmd -N localhost
for _ in $(seq 30); do
    [ "$(sinfo -h -o %T 2> /dev/null)" = idle ] && exit
    sleep 1
done
"$here/stop.sh" "$dir"
tail -n 5 "$dir/slurmctld.log" "$dir/slurmd.log" >&2
cannot "the node did not become idle within 30 s"
