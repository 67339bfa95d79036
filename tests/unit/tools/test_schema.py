import json
from pathlib import Path

from workflow_scripts.ticketlab.config.study import schema

ROOT = Path(__file__).parents[3]


def test_the_schema_in_the_tree_is_current():
    assert json.loads((ROOT / "config/schema.json").read_text()) == json.loads(json.dumps(schema())), (
        "run `make schema`"
    )


def test_every_key_of_the_schema_is_known_by_name_to_its_section():
    sections = schema()["$defs"]
    assert {"TrainingSettings", "PruningSettings", "LLCSettings", "JudgingSettings"} <= set(sections)
    assert "learning_rate" in sections["TrainingSettings"]["properties"]
    assert schema()["properties"]["defaults"]["$ref"].endswith("StudySettings")
