#!/bin/sh
# Installs a wheel into a new virtual environment and uses it in an empty folder: what a user of the package gets.
set -eu
wheel=$(realpath "$1")
constraints=$(realpath constraints.txt)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
"${PYTHON:-python3}" -m venv venv
venv/bin/python -m pip --disable-pip-version-check install --quiet --constraint "$constraints" "$wheel"
venv/bin/lineside version
venv/bin/lineside --help >/dev/null
venv/bin/lineside demo --parts 12 --json --data "$folder/data" --no-page >summary.json
venv/bin/python - <<'PYTHON'
import json, pathlib
import lineside.inspection
assert "site-packages" in lineside.inspection.__file__, lineside.inspection.__file__
summary = json.loads(pathlib.Path("summary.json").read_text())
print("smoke test on the installed wheel:", json.dumps(summary)[:300])
PYTHON
