"""What makes a result stale, and what does not: digests of code and lock (workflow_scripts/preflight/digest.py)."""

import os
import textwrap
import time
from pathlib import Path

import pytest

from workflow_scripts.preflight.digest import code_parts, lock_parts
from workflow_scripts.ticketlab.core.errors import TicketlabError
from workflow_scripts.ticketlab.models import MODELS
from workflow_scripts.ticketlab.tasks import TASKS

ROOT = Path(__file__).parents[3]
SCRIPT = "workflow_scripts/train.py"
TASK = "workflow_scripts.lib.tasks.text"

PROJECT = {
    SCRIPT: """
        \"\"\"Trains.\"\"\"
        import math

        from workflow_scripts.lib import training
        from workflow_scripts.lib.tasks import load

        print(training.train(load("text")), math.pi)
        """,
    "workflow_scripts/__init__.py": "",
    "workflow_scripts/lib/__init__.py": "LEVEL = 1",
    "workflow_scripts/lib/training.py": """
        from typing import TYPE_CHECKING

        from workflow_scripts.lib.stack import join

        if TYPE_CHECKING:
            from workflow_scripts.lib.plotting import Figure

        def train(data: "Figure"):
            \"\"\"Train on data.\"\"\"
            return join(data, 0.1)
        """,
    "workflow_scripts/lib/stack.py": """
        def join(data, rate):
            from workflow_scripts.lib import training
            import workflow_scripts.lib.late
            return (training, data, rate)
        """,
    "workflow_scripts/lib/late.py": "RATE = 3",
    "workflow_scripts/lib/plotting.py": "class Figure: ...",
    "workflow_scripts/lib/tasks/__init__.py": """
        from importlib import import_module

        TASKS = {"text": "workflow_scripts.lib.tasks.text"}

        def load(kind):
            return import_module(TASKS[kind])
        """,
    "workflow_scripts/lib/tasks/text.py": "LENGTH = 64",
    "workflow_scripts/lib/tasks/digits.py": "LENGTH = 1",
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name, text in PROJECT.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))
    return tmp_path


def digest(project: Path) -> str:
    return code_parts(SCRIPT, TASK, root=project)


def edit(project: Path, name: str, old: str, new: str) -> None:
    path = project / name
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        pytest.param(SCRIPT, '"""Trains."""', '"""Trains networks."""', id="module docstring"),
        pytest.param(SCRIPT, "import math", "# why\nimport math  # pi", id="comment"),
        pytest.param(SCRIPT, '(load("text")), math', "(\n    load('text'),\n), math", id="layout and quotes"),
        pytest.param("workflow_scripts/lib/training.py", "Train on data.", "Train.", id="function docstring"),
        pytest.param("workflow_scripts/lib/training.py", "lib.plotting import Figure", "lib.x import F", id="typing"),
        pytest.param("workflow_scripts/lib/plotting.py", "...", "size = 3", id="module imported for types only"),
        pytest.param("workflow_scripts/lib/tasks/digits.py", "1", "2", id="another task"),
        pytest.param(
            "workflow_scripts/lib/tasks/__init__.py",
            '.text"}',
            '.text", "digits": "workflow_scripts.lib.tasks.digits"}',
            id="another task's registry line",
        ),
    ],
)
def test_what_a_run_cannot_notice_leaves_the_digest_alone(project: Path, name: str, old: str, new: str) -> None:
    before = digest(project)
    edit(project, name, old, new)
    assert digest(project) == before


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        pytest.param(SCRIPT, "math.pi", "math.e", id="script"),
        pytest.param("workflow_scripts/lib/training.py", "0.1", "0.2", id="directly imported module"),
        pytest.param("workflow_scripts/lib/stack.py", "data, rate)", "rate, data)", id="module that it imports"),
        pytest.param("workflow_scripts/lib/late.py", "3", "4", id="module imported inside a function"),
        pytest.param("workflow_scripts/lib/__init__.py", "1", "2", id="package above"),
        pytest.param("workflow_scripts/__init__.py", "", "import sys", id="package above all"),
        pytest.param("workflow_scripts/lib/tasks/__init__.py", "(TASKS[kind])", '(TASKS["text"])', id="registry code"),
        pytest.param("workflow_scripts/lib/tasks/text.py", "64", "128", id="module named to the digest"),
    ],
)
def test_an_edit_of_code_that_the_script_reaches_changes_the_digest(
    project: Path, name: str, old: str, new: str
) -> None:
    before = digest(project)
    edit(project, name, old, new)
    assert digest(project) != before


def test_an_edit_that_keeps_size_and_file_time_is_seen(project: Path) -> None:
    path = project / "workflow_scripts/lib/late.py"
    time_kept = path.stat()
    before = digest(project)
    edit(project, "workflow_scripts/lib/late.py", "3", "5")
    os.utime(path, ns=(time_kept.st_atime_ns, time_kept.st_mtime_ns))
    assert digest(project) != before


def test_a_touch_or_a_checkout_elsewhere_changes_nothing(
    project: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    before = digest(project)
    for path in project.rglob("*.py"):
        os.utime(path, (1, 1))
    assert digest(project) == before
    moved = tmp_path_factory.mktemp("elsewhere") / "project"
    project.rename(moved)
    assert digest(moved) == before


def test_two_modules_that_swap_their_content_change_the_digest(project: Path) -> None:
    (project / SCRIPT).write_text(
        "from workflow_scripts.lib import late\nfrom workflow_scripts.lib.tasks import text\n"
    )
    before = digest(project)
    (project / "workflow_scripts/lib/late.py").write_text(PROJECT["workflow_scripts/lib/tasks/text.py"])
    (project / "workflow_scripts/lib/tasks/text.py").write_text(PROJECT["workflow_scripts/lib/late.py"])
    assert digest(project) != before


def test_a_registry_may_be_imported_by_name(project: Path) -> None:
    edit(project, SCRIPT, "import load\n", "import TASKS, load\n")
    digest(project)


def test_an_empty_dictionary_is_no_registry(project: Path) -> None:
    late = project / "workflow_scripts/lib/late.py"
    late.write_text("CACHE = {}")
    before = digest(project)
    late.write_text("CACHE = {1: 2}")
    assert digest(project) != before


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            "from workflow_scripts.lib.gone import x",
            r"workflow_scripts\.lib\.gone does not exist: .*train\.py",
        ),
        ("import workflow_scripts.lib.gone", r"workflow_scripts\.lib\.gone does not exist"),
        ("from workflow_scripts.lib import gone", r"workflow_scripts\.lib has no module or name gone: .*train\.py"),
        ("from .lib import training", r"train\.py, line 1: relative import"),
        ("from . import lib", r"train\.py, line 1: relative import"),
        ("print(", r"train\.py, line 1: '\(' was never closed"),
    ],
)
def test_code_that_cannot_be_followed_is_refused_by_name(project: Path, line: str, message: str) -> None:
    (project / SCRIPT).write_text(line)
    with pytest.raises(TicketlabError, match=message):
        digest(project)


def test_a_syntax_error_in_a_module_names_that_module(project: Path) -> None:
    (project / "workflow_scripts/lib/late.py").write_text("RATE = 3\nRATE = = 4\n")
    with pytest.raises(TicketlabError, match=r"late\.py, line 2: "):
        digest(project)


def test_a_missing_script_or_named_module_is_refused_by_name(project: Path) -> None:
    with pytest.raises(TicketlabError, match=r"gone\.py does not exist"):
        code_parts("workflow_scripts/gone.py", root=project)
    with pytest.raises(TicketlabError, match=r"workflow_scripts\.lib\.gone does not exist"):
        code_parts(SCRIPT, "workflow_scripts.lib.gone", root=project)


def test_every_script_of_this_project_has_a_digest_in_no_time() -> None:
    modules = (*TASKS.values(), *MODELS.values())
    scripts = sorted((ROOT / "workflow_scripts").glob("*.py"))
    first = {script.name: code_parts(script, *modules, root=ROOT) for script in scripts}
    start = time.perf_counter()
    assert first == {script.name: code_parts(script, *modules, root=ROOT) for script in scripts}
    assert (time.perf_counter() - start) / len(scripts) < 0.05
    assert len({str(parts) for parts in first.values()}) == len(first)


def test_training_depends_on_no_analysis() -> None:
    """Editing an analysis must not make a trained network stale (floors of the library)."""
    from workflow_scripts.preflight import digest as module

    reached, pending = set(), ["workflow_scripts.ticketlab.training.train"]
    while pending:
        name = pending.pop()
        if name not in reached:
            reached.add(name)
            path = module._find(name, ROOT)
            assert path is not None
            pending += module._imports(path, ROOT)
    assert {name.split(".")[2] for name in reached if name.count(".") > 1} <= {
        *("training", "models", "tasks", "tables", "core", "settings")
    }
    assert "workflow_scripts.ticketlab.core.statistics" not in reached


def test_only_a_pin_changes_the_locks_digest(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    lock.write_text("# made by hand\ntorch==2.13.0\n\nnumpy==2.4.6  # fast\n")
    before = lock_parts(lock)
    lock.write_text("numpy==2.4.6\ntorch==2.13.0\n")
    assert lock_parts(lock) == before
    lock.write_text("numpy==2.4.6 ; sys_platform != 'x' \\\n    --hash=sha256:0a==\ntorch==2.13.0\n")
    assert lock_parts(lock) == before == {"numpy": "2.4.6", "torch": "2.13.0"}
    lock.write_text("numpy==2.4.6\ntorch==2.13.0\n\n# Tests and their tools: not theirs\nruff==0.17\n")
    assert lock_parts(lock) == before
    lock.write_text("numpy==2.4.6\ntorch==2.13.1\n")
    assert lock_parts(lock) != before
    with pytest.raises(TicketlabError, match=r"gone cannot be read \(No such file or directory\)"):
        lock_parts(tmp_path / "gone")
