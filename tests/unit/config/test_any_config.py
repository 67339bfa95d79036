"""Any config is valid or refused in one message: no other exception, neither then nor when jobs' specs are made."""

from pathlib import Path

import pytest

from tests.unit.config.any_config import CHANGES, tried


def test_any_config_is_valid_or_refused_in_one_message(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # the sizes of networks are stored there
    found = tried(200, seed=0)
    assert len({kind for kind, _ in found} & set(CHANGES)) > 6  # which of them, the config decides
    assert sum(count for (_, result), count in found.items() if result == "valid") > 10
