"""The config files of a run as one mapping: each is read, and laid over those before it."""

import json
from collections.abc import Iterable, Sequence
from functools import reduce
from pathlib import Path
from typing import Any

import yaml

from workflow_scripts.ticketlab.core.errors import TicketlabError


def read_all(paths: Sequence[Path], overrides: dict[str, Any]) -> dict[str, Any]:
    """These files, each over those before it, and `overrides` over them all. Raises TicketlabError as `read` does."""
    return reduce(overlay, [*map(read, paths), overrides], {})


def read(path: Path) -> dict[str, Any]:
    """The mapping in a YAML file, or in a JSON file called *.json; in UTF-8, with or without a byte order mark.

    Raises TicketlabError with one sentence that names the file if it cannot be read, is in another encoding, is not
    YAML or JSON, has a key twice, would construct objects, or is not a mapping.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        content = _parse(text, path.suffix == ".json")
    except OSError as error:
        raise TicketlabError(f"{path}: cannot be read ({error.strerror}); correct the name or the file") from error
    except UnicodeDecodeError as error:
        raise TicketlabError(f"{path}: byte {error.start} is not UTF-8; save the file in UTF-8") from error
    except Exception as error:  # beside its own errors PyYAML lets those of Python pass, as of int and datetime
        kind, reason = "JSON" if path.suffix == ".json" else "YAML", " ".join(str(error).split())
        raise TicketlabError(f"{path}: not a readable {kind} file: {reason[:500]}") from error
    if not isinstance(content, dict):
        raise TicketlabError(f"{path}: must be a mapping of keys to values, not {type(content).__name__}")
    return content


def _parse(text: str, is_json: bool) -> Any:
    return json.loads(text, object_pairs_hook=_once) if is_json else yaml.load(text, Loader=_Loader)


def _once(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """A mapping of these pairs. Raises ValueError if a key is there twice: JSON and YAML would take the later value."""
    mapping: dict[str, Any] = {}
    for key, value in pairs:
        if key in mapping:
            raise ValueError(f"{key!r} twice")
        mapping[key] = value
    return mapping


class _Loader(yaml.SafeLoader):
    """Refuses a key that a mapping has twice, and what is part of itself."""

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self.deep_construct = True  # an anchor's value is whole before it can be referred to

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict:
        seen = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value in seen:
                raise yaml.constructor.ConstructorError(problem=f"{key.value!r} twice", problem_mark=key.start_mark)
            seen.add(str(key.value))
        return super().construct_mapping(node, deep)


def overlay(base: dict, top: dict) -> dict:
    """`base` overlaid with `top`: mappings merge key by key, anything else is replaced.

    A mapping of another `kind` (of corpus, for instance) replaces the one below it, whose keys the new kind lacks.
    """
    merged = dict(base)
    for key, value in top.items():
        below: Any = merged.get(key)
        merge = isinstance(value, dict) and isinstance(below, dict) and _same_kind(below, value)
        merged[key] = overlay(below, value) if merge else value
    return merged


def without_nulls(block: dict) -> dict:
    """`block` without the keys whose value is null, by which an overlay removes what lies below it."""
    return {
        key: without_nulls(value) if isinstance(value, dict) else value
        for key, value in block.items()
        if value is not None
    }


def _same_kind(below: dict, top: dict) -> bool:
    return top.get("kind", below.get("kind")) == below.get("kind")
