#!/bin/sh
# Stop what start.sh started, its jobs too. Usage: stop.sh FOLDER
dir=$1
# Never the jobs of another Slurm: only of the one whose configuration is in FOLDER.
[ "$(readlink /etc/slurm/slurm.conf)" = "$dir/slurm.conf" ] && timeout 10 scancel --user=root > /dev/null 2>&1
for _ in $(seq 10); do
    [ -z "$(timeout 10 squeue -h 2> /dev/null)" ] && break
    sleep 1
done
for pid in "$dir/slurmd.pid" "$dir/slurmctld.pid"; do
    [ -f "$pid" ] && number=$(cat "$pid") && kill "$number" || continue
    for _ in $(seq 50); do  # its port is free only then
        kill -0 "$number" 2> /dev/null || break
        sleep 0.2
    done
done
[ -f "$dir/munged-is-ours" ] && kill "$(cat /run/munge/munged.pid)"
[ "$(readlink /etc/slurm/slurm.conf)" = "$dir/slurm.conf" ] && rm /etc/slurm/slurm.conf
exit 0
