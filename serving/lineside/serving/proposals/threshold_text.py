"""A recipe's text with other confidence thresholds; all else stays as people wrote it, comments too."""

import json
from collections.abc import Mapping
from typing import Any

import yaml

from lineside.inspection.strict_yaml import KeyPath, NotStrictYaml, read_yaml, replace_scalars
from lineside.serving.errors import ProposalUnfit


def with_thresholds(text: str, thresholds: Mapping[str, float], *, version: int) -> str:
    """The text of the recipe's next version.

    Args:
        text: the version before, as it is stored.
        thresholds: the confidence from which a detection counts, by class; classes not named keep theirs.
        version: the new version's number.

    Raises:
        ProposalUnfit: the text is laid out so that the thresholds cannot be written into it.
    """
    wanted: Any = read_yaml(text).value
    wanted["version"] = version
    try:
        changed = replace_scalars(text, {("version",): str(version)})
        for name, threshold in thresholds.items():
            changed = _with_threshold(changed, wanted.get("limits"), name, repr(float(threshold)))
            wanted.setdefault("limits", {}).setdefault(name, {})["confidence"] = threshold
        found = read_yaml(changed).value
    except NotStrictYaml:
        found = None
    if found != wanted:
        raise ProposalUnfit(
            "the recipe's text is laid out so that its thresholds cannot be changed by a program: write the next "
            "version by hand, upload it with `lineside recipe put`, and dismiss this proposal"
        )
    return changed


def _with_threshold(text: str, limits: Mapping[str, Any] | None, name: str, written: str) -> str:
    """The text with one class's threshold.

    Args:
        text: YAML.
        limits: what it says of the classes; None where it says nothing.
        name: of the class.
        written: the threshold.
    """
    if limits is None:
        return _insert(text, (), f"limits: {{{json.dumps(name)}: {{confidence: {written}}}}}")
    if name not in limits:
        return _insert(text, ("limits",), f"{json.dumps(name)}: {{confidence: {written}}}")
    if "confidence" not in limits[name]:
        return _insert(text, ("limits", name), f"confidence: {written}")
    return replace_scalars(text, {("limits", name, "confidence"): written})


def _insert(text: str, path: KeyPath, entry: str) -> str:
    """Write an entry before the first one of a mapping; an empty mapping gets its only one."""
    node: Any = yaml.compose(text, Loader=yaml.SafeLoader)
    for step in path:
        node = next(value for key, value in node.value if key.value == step)
    if node.flow_style:
        at = node.start_mark.index + 1
        return f"{text[:at]}{entry}{', ' if node.value else ''}{text[at:]}"
    first = node.value[0][0].start_mark
    return f"{text[: first.index]}{entry}\n{' ' * first.column}{text[first.index :]}"
