"""The blocks of docs/extending.md that a reader adds to the project, and adding them."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs/extending.md"


def blocks(section: str) -> list[tuple[str, str, str]]:
    """(language, title, text) of the titled code blocks below a heading of the page, in order."""
    (text,) = re.findall(rf"^## {section}\n(.*?)(?=^## |\Z)", _outside_blocks(), flags=re.MULTILINE | re.DOTALL)
    found = re.findall(r'^```(\w+) title="([^"]+)"\n(.*?)^```$', text, flags=re.MULTILINE | re.DOTALL)
    return [(language, title, body.replace("\n\0", "\n")) for language, title, body in found]


def _outside_blocks() -> str:
    """The page with a zero before each line of a code block that would pass for a heading."""
    text, inside = [], False
    for line in PAGE.read_text(encoding="utf-8").splitlines(keepends=True):
        inside ^= line.startswith("```")
        text.append(f"\0{line}" if inside and line.startswith("## ") else line)
    return "".join(text)


def with_lines(text: str, block: str) -> str:
    """`text` with the lines that a block of language `diff` adds.

    Lines with + go where they stand among lines with a space, which `text` must have once; … stands for the rest of a
    line, and @@ between two places.
    """
    for place in block.split("@@\n"):
        lines = place.splitlines(keepends=True)
        pattern = "".join(
            f"^({re.escape(line[1:-2])}.*\n)" if line.endswith("…\n") else f"^({re.escape(line[1:])})"
            for line in lines
            if not line.startswith("+")
        )
        (found,) = re.finditer(pattern, text, flags=re.MULTILINE)
        kept = iter(found.groups())
        changed = "".join(line[1:] if line.startswith("+") else next(kept) for line in lines)
        text = text[: found.start()] + changed + text[found.end() :]
    return text


def add(section: str, folder: Path, without: tuple[str, ...] = ()) -> tuple[list[str], list[str]]:
    """Add the blocks of a section to a copy of the project; the files that are new, and those that have more lines.

    without: folders that the copy has not, with a slash at their end.
    """
    new, changed = [], []
    for language, title, body in blocks(section):
        if title.startswith(without):
            continue
        path = folder / title
        if language == "diff":
            path.write_text(with_lines(path.read_text(encoding="utf-8"), body), encoding="utf-8")
            changed.append(title)
        else:
            assert not path.exists(), f"{title} is there already"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(body, encoding="utf-8")
            new.append(title)
    return new, changed
