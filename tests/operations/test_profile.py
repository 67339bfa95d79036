"""How jobs share GPUs: by the calls of an sbatch that takes no job, and by whose turn it is on a workstation."""

import os
import re
import subprocess
from pathlib import Path

import pytest
import torch

from tests.workflow.projects import Project, environment

TOOLS = {
    "sbatch": 'echo "$@" >> calls; echo "no such partition" >&2; exit 1',
    "squeue": "exit 0",
    **dict.fromkeys(("sacct", "sacctmgr", "scontrol", "sinfo", "sshare"), "exit 1"),
}
# None of them reads what another makes, so all are submitted although none succeeds.
FORCED = ("trace_structure", "trace_mask_overlap", "score_roles", "estimate_llc", "calibrate")


@pytest.mark.parametrize(("device", "gpus"), [("cpu", 0), ("cuda", 1)])
def test_a_job_of_networks_alone_asks_for_a_gpu_of_the_sites_kind_if_the_config_says_so_and_a_group_for_no_more(
    tiny: Project, tmp_path: Path, device: str, gpus: int
) -> None:
    project = tiny.copy(tmp_path / "project")
    for name, body in TOOLS.items():
        tool = tmp_path / "bin" / name
        tool.parent.mkdir(exist_ok=True)
        tool.write_text(f"#!/bin/sh\n{body}\n")
        tool.chmod(0o755)
    # Another device makes networks stale, and what is forced would wait for these in vain: so times alone count here.
    asked = ["--forcerun", *FORCED, "--retries=0", "--rerun-triggers=mtime", "--config", f"device={device}"]
    asked += ["--default-resources", "slurm_partition=main", "gpu_model=a100"]
    command = project.command("--workflow-profile", "profiles/slurm", "--slurm-status-command=squeue", *asked)
    variables = {**environment(), "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}"}
    result = subprocess.run(command, cwd=project.folder, env=variables, capture_output=True, text=True)
    assert result.returncode != 0 and "no such partition" in result.stderr, result.stderr[-6000:]
    calls = (project.folder / "calls").read_text().splitlines()
    of = {what: [call for call in calls if f"rule_{what}" in call] for what in ("calibrate", "instruments", "estimate")}
    assert all(of.values()), calls
    assert not [call for call in of["calibrate"] if "--gpus" in call]
    for call in of["instruments"] + of["estimate"]:
        assert call.count("--gpus=a100:1") == gpus and call.count("--gpus") == gpus
        assert "--mem" in call and "-t " in call and "-p main" in call


@pytest.mark.skipif(torch.cuda.is_available(), reason="jobs that fail for want of a GPU show whose turn it is")
def test_on_a_workstation_jobs_of_networks_take_turns_on_the_gpu_and_say_so_where_there_is_none(
    tiny: Project, tmp_path: Path
) -> None:
    project = tiny.copy(tmp_path / "project")
    # Other resources on the command line, which replace those of a profile, leave the turns alone.
    asked = ["--forcerun", *FORCED, "--rerun-triggers=mtime", "--resources", "mem_mb=99999", "--config", "device=cuda"]
    result = project.snakemake(*asked)
    assert result.returncode != 0 and "device: cuda asks for a GPU, and torch" in result.stderr, result.stderr[-6000:]
    running: dict[str, str] = {}
    together = set()
    start = r"localrule (\w+):\n(?:    .*\n)*?    jobid: (\d+)"
    end, failure = r"Finished jobid: (\d+)", r"Error in rule \w+:\n(?:    .*\n)*?    jobid: (\d+)"
    for rule, started, done, failed in re.findall(f"{start}|{end}|{failure}", result.stderr):
        if started:
            running[started] = "other" if rule == "calibrate" else "networks"
        running.pop(done or failed, None)
        together.add(tuple(sorted(running.values())))
    assert ("networks", "other") in together and ("networks", "networks") not in together, result.stderr
