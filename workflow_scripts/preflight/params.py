"""The three params of every rule: the part of the config that its jobs read, and digests of code and lock file.

`spec` and `code` are functions of the wildcards alone: Snakemake does not record a param whose function takes `input`
or `output`, and then no change of it would make an output stale.
"""

from collections.abc import Callable
from functools import cache
from hashlib import file_digest
from inspect import signature
from pathlib import Path
from typing import Any

from workflow_scripts.preflight import parts
from workflow_scripts.preflight.digest import code_parts, lock_parts
from workflow_scripts.ticketlab import models, tasks
from workflow_scripts.ticketlab.calibration.registry import CALIBRATIONS
from workflow_scripts.ticketlab.config import rule_params
from workflow_scripts.ticketlab.config.study import Config
from workflow_scripts.ticketlab.core.errors import shown
from workflow_scripts.ticketlab.report.figures.registry import FIGURES


class Params:
    """`params(rule)` returns the rule's `params: **…`. root: the folder of the Snakefile."""

    def __init__(self, config: Config, root: Path) -> None:
        self.config, self.root = config, root
        self.lock = parts.remember(lock_parts(root / "envs/requirements.lock") | {"numerics": config.numerics})

    def __call__(self, rule: str, *figures: str) -> dict[str, Any]:
        """The rule's script is `<rule>.py`, or draw.py if it draws `figures` (names of report/figures/registry.py)."""
        spec = self._data_spec if rule == "prepare_data" else self._spec(rule)
        code = self._code("draw", *(FIGURES[name] for name in figures)) if figures else self._code(rule)
        return {"spec": spec, "code": code, "lock": self.lock}

    def _spec(self, rule: str) -> Callable[[Any], dict[str, Any]]:
        """The return value, for a job, of the function in config/rule_params.py with the rule's name.

        The function's arguments after the config have the names of the wildcards that it reads, and say their types.
        """
        function = getattr(rule_params, rule)
        arguments = list(signature(function).parameters.values())[1:]

        def of_job(wildcards: Any) -> dict[str, Any]:
            return function(self.config, **{each.name: each.annotation(wildcards[each.name]) for each in arguments})

        return of_job

    def _data_spec(self, wildcards: Any) -> dict[str, Any]:
        """prepare_data's spec with the sha256 of the user's own files.

        They are no inputs of the rule: Snakemake takes a brace in a file's name for a wildcard, whatever is done to it,
        and does not see an older file in the place of a newer one.
        """
        files = map(Path, rule_params.external_files(self.config, wildcards["study"]))
        digests = {shown(path): _sha256(path) for path in files if path.is_file()}
        spec = rule_params.prepare_data(self.config, wildcards["study"])
        return spec | ({"sha256": digests} if digests else {})

    def _code(self, script: str, *modules: str) -> Callable[[Any], str]:
        """The digest of a script and all it reaches, of `modules`, and of those that a job loads by name."""

        @cache
        def digest(named: tuple[str, ...], own: Path | None) -> str:
            path = self.root / f"workflow_scripts/{script}.py"
            code = code_parts(path, *modules, *named, root=self.root)
            return parts.remember(code | (code_parts(own, root=self.root) if own else {}))

        def of_job(wildcards: Any) -> str:
            values = dict(wildcards.items())
            own = rule_params.own_model(self.config, values["study"]) if "study" in values else None
            return digest(tuple(self._named(values)), own and own.absolute())

        return of_job

    def _named(self, wildcards: dict[str, str]) -> list[str]:
        """The modules in the registries for a job's study and instrument."""
        named = []
        if "study" in wildcards:
            settings = self.config.studies[wildcards["study"]]
            named += [tasks.TASKS[settings.task.kind], models.MODELS[settings.model.kind]]
        if "instrument" in wildcards:
            named.append(CALIBRATIONS[wildcards["instrument"]])
        return named


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()
