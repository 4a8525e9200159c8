"""Write the JSON Schema of every event type: `python -m lineside.serving.events docs/schemas/events`."""

import json
import sys
from pathlib import Path

from lineside.serving.events.schemas import event_json_schemas


def write_schemas(folder: Path) -> None:
    """Write one `<type>.schema.json` for each event type."""
    folder.mkdir(parents=True, exist_ok=True)
    for event_type, schema in event_json_schemas().items():
        text = json.dumps(schema, indent=2, ensure_ascii=False, sort_keys=True) + "\n"
        (folder / f"{event_type}.schema.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m lineside.serving.events FOLDER")
    write_schemas(Path(sys.argv[1]))
