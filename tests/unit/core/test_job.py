"""The messages of a script that fails: one sentence for a user's mistake, a traceback in the log for ours."""

import gc
import os
import platform
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from workflow_scripts import STOPPED, USUAL
from workflow_scripts.ticketlab.core.job import RECORDED_PACKAGES, provenance

ROOT = Path(__file__).parents[3]

SCRIPT = """
import os, sys
from types import SimpleNamespace
from workflow_scripts.ticketlab.core.errors import TicketlabError
from workflow_scripts.ticketlab.core.job import logged

params = SimpleNamespace(spec={{"a": 1}}, code="c", lock="l")
job = SimpleNamespace(log=[{log!r}], rule="imp_round", params=params, input=[], output=[])
with logged(job) as provenance:
    print("step 1")
    os.write(1, b"from a library\\n")
    print("a warning", file=sys.stderr)
    {body}
"""


def run(tmp_path, body):
    log = tmp_path / "logs/job.log"
    log.parent.mkdir()
    script = SCRIPT.format(log=str(log), body=body)
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    return done, log.read_text(), log


def test_a_good_end_is_silent_and_all_output_is_in_the_log(tmp_path):
    done, log, _ = run(tmp_path, "print(provenance['code'])")
    assert done.returncode == 0 and done.stdout == done.stderr == ""
    assert sorted(log.split("\n")) == ["", "a warning", "c", "from a library", "step 1"]


def test_a_body_has_its_garbage_collected_as_usual_and_what_was_imported_is_left_alone(tmp_path):
    body = "import gc; print(gc.get_threshold(), gc.isenabled(), gc.get_freeze_count() > len(gc.get_objects()))"
    _, log, _ = run(tmp_path, body)
    assert f"{USUAL} True True" in log and gc.get_threshold() > USUAL


def test_a_users_mistake_is_one_sentence_on_the_terminal_and_in_the_log(tmp_path):
    done, log, _ = run(tmp_path, "raise TicketlabError('x.parquet is empty; delete it')")
    sentence = "error: imp_round: x.parquet is empty; delete it\n"
    assert done.returncode == 1 and done.stderr == sentence and done.stdout == ""
    assert sentence in log and "Traceback" not in log and "step 1\n" in log


def test_our_mistake_keeps_its_traceback_in_the_log_and_says_where_that_is(tmp_path):
    done, log, path = run(tmp_path, "{}['key']")
    assert done.returncode == 1
    assert done.stderr == f"error: imp_round: KeyError: 'key' (traceback in {path})\n"
    assert "Traceback (most recent call last)" in log and "KeyError: 'key'" in log and "step 1\n" in log


def test_ctrl_c_is_no_error_and_a_warning_is_called_one(tmp_path):
    body = "import logging; logging.getLogger('workflow_scripts').warning('diverged'); raise KeyboardInterrupt"
    done, log, _ = run(tmp_path, body)
    assert done.returncode != 0 and done.stderr == "warning: imp_round job: diverged\n"
    assert log.splitlines()[-1] == STOPPED and "Traceback" not in log


def test_a_job_whose_spec_is_no_json_fails_with_a_traceback_too(tmp_path):
    log = tmp_path / "logs/job.log"
    log.parent.mkdir()
    script = SCRIPT.format(log=str(log), body="pass").replace('{"a": 1}', '{"a": {1, 2}}')
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "TypeError" in done.stderr and "Traceback" in log.read_text()


# Page faults of the last of some rounds in which large arrays live side by side, as in a step of training.
ROUNDS = """
    import numpy as np
    from resource import RUSAGE_SELF, getrusage
    for _ in range(4):
        before = getrusage(RUSAGE_SELF).ru_minflt
        arrays = [np.ones(2**21) for _ in range(8)]
        del arrays
    print("faults", getrusage(RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="asks glibc")
def test_a_job_uses_freed_memory_again_without_asking_the_kernel_for_its_pages(tmp_path):
    _, log, _ = run(tmp_path, ROUNDS.strip())
    faults = int(re.search(r"^faults (\d+)$", log, re.MULTILINE)[1])
    pages = 8 * 2**21 * 8 // os.sysconf("SC_PAGE_SIZE")
    assert faults < pages / 100


def params(**changes):
    return SimpleNamespace(**({"spec": {"a": 1, "b": [1, 2]}, "code": "c", "lock": "l"} | changes))


def test_provenance_names_config_code_lock_and_packages():
    origin = provenance(params())
    assert origin["code"] == "c" and origin["lock"] == "l" and set(origin["packages"]) == set(RECORDED_PACKAGES)
    assert provenance(params(spec={"b": [1, 2], "a": 1})) == origin


@pytest.mark.parametrize("spec", [{"a": 2, "b": [1, 2]}, {"a": 1, "b": [2, 1]}, {"a": 1}])
def test_another_spec_has_another_digest(spec):
    assert provenance(params(spec=spec))["spec"] != provenance(params())["spec"]


def test_what_the_library_logs_is_in_the_log_and_on_the_terminal_under_the_jobs_name(tmp_path):
    body = "import logging; logging.getLogger('workflow_scripts.ticketlab.training.train').info('step %d', 7)"
    done, log, _ = run(tmp_path, body)
    assert done.stderr == "imp_round job: step 7\n" and "step 7\n" in log
