"""The rules: what each is called with agrees with its name and its wildcards, and every stage is asked for."""

import re
from pathlib import Path

import pytest
import yaml
from docutils.core import publish_parts

from workflow_scripts.ticketlab.report.figures.registry import FIGURES

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "rules").glob("*.smk"))
RULE = re.compile(r"^(?:use rule \w+ as (\w+) with|rule (\w+)):\n((?:(?:    .*)?\n)+)", flags=re.MULTILINE)
BODIES = {
    copied or plain: body for file in FILES for copied, plain, body in RULE.findall(file.read_text(encoding="utf-8"))
}
JOBS = {name: body for name, body in BODIES.items() if "    output:\n" in body}
# Calibrations are in a folder of their own, which config/calibrations.py knows.
OWN_FOLDER = ["calibrate"]


def called(function: str, body: str) -> list[str]:
    """The quoted arguments that a rule calls a function of rules/common.smk with."""
    found = re.search(rf"^        (?:\*\*)?{function}\((.*)\),?$", body, flags=re.MULTILINE)
    assert found, f"no {function}(…)"
    return re.findall(r'"(\w+)"', found[1])


@pytest.mark.parametrize("rule", [rule for rule in JOBS if rule not in OWN_FOLDER])
def test_params_log_and_benchmark_have_the_rules_name_and_the_wildcards_of_its_outputs(rule):
    outputs = re.search(r"^    output:\n((?:        .*\n)+)", JOBS[rule], flags=re.MULTILINE)
    expanded = {"format", *re.findall(r"(\w+)=(?:INSTRUMENTS|STUDIES|rule_params\.FIGURES)", outputs[1])}
    wildcards = [name for name in dict.fromkeys(re.findall(r"{(\w+)}", outputs[1])) if name not in expanded]
    assert called("job", JOBS[rule])[0] == rule
    assert called("logs", JOBS[rule]) == called("benchmarks", JOBS[rule]) == [rule, *wildcards]


def test_every_output_is_asked_for_by_the_target_of_a_stage():
    targets = "".join(body for name, body in BODIES.items() if name not in JOBS)
    text = targets + "".join(line for file in FILES for line in file.read_text().splitlines() if "STAGES" in line)
    assert [rule for rule in JOBS if f"rules.{rule}.output" not in text] == []


def test_every_stage_is_included_and_registers_itself():
    included = re.findall(r'^include: "rules/(\w+)\.smk"$', (ROOT / "Snakefile").read_text(), flags=re.MULTILINE)
    assert sorted(included) == [file.stem for file in FILES]
    assert included[-1] == "report", "it asks for the stages before it"
    stages = [file for file in FILES if file.stem not in ("common", "inputs")]
    assert [
        file.stem for file in stages if not re.search(r"^STAGES(\.append| \+=)", file.read_text(), re.MULTILINE)
    ] == []


def test_the_groups_of_the_slurm_profile_are_of_rules_and_a_group_does_not_take_a_gpu_for_jobs_without_networks():
    groups = yaml.safe_load((ROOT / "profiles/slurm/config.yaml").read_text(encoding="utf-8"))["groups"]
    runs_networks = {rule: "**networks(" in BODIES[rule] for rule in groups}
    mixed = {group: {runs_networks[rule] for rule in groups if groups[rule] == group} for group in groups.values()}
    assert mixed == {"rounds": {True}, "instruments": {True}, "end": {False}}


def test_every_output_in_snakemakes_report_has_a_caption_that_it_can_typeset():
    captions = ROOT / "workflow_scripts/ticketlab/report/captions"
    shown = {Path(name).stem for body in JOBS.values() for name in re.findall(r'shown\(at\("(.+?)"\)', body)}
    assert {file.stem for file in captions.iterdir()} == {"workflow", *shown, *FIGURES}
    for file in captions.iterdir():
        publish_parts(file.read_text(encoding="utf-8"), settings_overrides={"halt_level": 2})
