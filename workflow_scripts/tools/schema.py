"""Print the JSON schema of config.yaml: `make schema` keeps config/schema.json current."""

import json

from workflow_scripts.ticketlab.config.study import schema

if __name__ == "__main__":
    print(json.dumps(schema(), indent=1, sort_keys=True, ensure_ascii=False))
