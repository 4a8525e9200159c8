"""Write the JSON Schemas of our files: for editors that complete and check them, and for whoever writes such files.

Run it from the repository's root after changing a file format: `python docs/schemas/generate.py`. A test compares.
"""

import json
from pathlib import Path

from lineside.inspection.catalogue import catalogue_json_schema
from lineside.inspection.recipe import recipe_json_schema
from lineside.inspection.release import manifest_json_schema
from lineside.serving.delivery.configuration import delivery_json_schema
from lineside.serving.reported import ReportIn
from lineside.serving.twin.aas.twin_file import twin_json_schema
from lineside.serving.twin.scenarios.alarm_file import what_if_json_schema
from lineside.station.agent import station_json_schema
from lineside.station.web import web_json_schema
from lineside.training.evaluation import evaluation_json_schema
from lineside.training.gate import gate_json_schema, policy_json_schema


def schema_texts() -> dict[str, str]:
    """The text of every generated schema, by file name."""
    schemas = {
        "recipe.schema.json": recipe_json_schema(),
        "catalogue.schema.json": catalogue_json_schema(),
        "release-manifest.schema.json": manifest_json_schema(),
        "evaluation.schema.json": evaluation_json_schema(),
        "station.schema.json": station_json_schema(),
        "station-record.schema.json": ReportIn.model_json_schema(),
        "gate-report.schema.json": gate_json_schema(),
        "delivery.schema.json": delivery_json_schema(),
        "gate-policy.schema.json": policy_json_schema(),
        "twin.schema.json": twin_json_schema(),
        "web-station.schema.json": web_json_schema(),
        "what-if.schema.json": what_if_json_schema(),
    }
    return {name: json.dumps(schema, indent=2, ensure_ascii=False) + "\n" for name, schema in schemas.items()}


if __name__ == "__main__":
    for name, text in schema_texts().items():
        (Path(__file__).parent / name).write_text(text, encoding="utf-8")
