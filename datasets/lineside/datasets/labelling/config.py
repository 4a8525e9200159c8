"""The labelling configuration: what people see and draw with, one rectangle label for each class of the catalogue.

The reference lies beside the image. It is an `Image` with `valueList`, not `value`: Label Studio takes uploads of files
only into projects with one data key, and counts none for `valueList`. A task without a reference shows none.

The configuration carries a mark, the digest of what it says, so that a later look tells "ours, from an earlier list of
classes" (may be replaced) from "edited by hand" (a person decides).
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from xml.etree.ElementTree import Element, SubElement, tostring

from lineside.datasets.class_names import require_distinct_classes
from lineside.datasets.errors import ClassesRefused, SampleUnreadable
from lineside.datasets.formats.voc.safe_xml import parse_xml

IMAGE, BOX, VERDICT, COMMENT = "image", "box", "verdict", "comment"
"""Names of the picture and of the three controls; predictions and annotations refer to them."""

OK, DEFECT = "ok", "defect"
"""The verdict's choices."""

REFERENCE, FACTS, TASK_UUID = "reference", "facts", "vid"
"""Keys of a task's data beside `image`: the reference's picture, a line about the part, and our own id."""

RESERVED_KEYS = frozenset({IMAGE, REFERENCE, FACTS, TASK_UUID})

_MARK = "lineside-"
_COLOURS = ("#d55e00", "#0072b2", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#f0e442", "#999999")
"""Okabe and Ito, "Color Universal Design", 2008: told apart by people with any colour vision."""


class ConfigStanding(StrEnum):
    """What a project's configuration is to us."""

    OURS = "ours"
    OUTDATED = "outdated"
    EDITED = "edited"


@dataclass(frozen=True, slots=True)
class ConfigDifference:
    """One thing that a configuration says otherwise.

    Attributes:
        text: what was found and what was expected.
        is_blocking: predictions or labels would be lost with it; other differences only bring new labels in.
    """

    text: str
    is_blocking: bool


@dataclass(frozen=True, slots=True)
class ConfigState:
    """How a project's configuration stands to the one that the classes ask for.

    Attributes:
        standing: the same in all that matters; one of ours from other classes; or edited by hand.
        differences: what it says otherwise; empty for OURS.
    """

    standing: ConfigStanding
    differences: tuple[ConfigDifference, ...] = ()

    @property
    def is_blocking(self) -> bool:
        """Whether predictions or labels would be lost with it."""
        return any(difference.is_blocking for difference in self.differences)


@dataclass(frozen=True, slots=True)
class _Control:
    tag: str
    shows: str
    choices: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Facts:
    """What of a configuration matters to predictions and labels: not colours, order, layout or hints."""

    objects: dict[str, tuple[str, str]]
    controls: dict[str, _Control]
    mark: str | None

    def digest(self) -> str:
        controls = {name: (each.tag, each.shows, sorted(each.choices)) for name, each in self.controls.items()}
        text = json.dumps([self.objects, controls], sort_keys=True, ensure_ascii=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]


def project_config(classes: Sequence[str], *, has_reference: bool) -> str:
    """The XML of a project.

    Args:
        classes: the catalogue's class names, in its order.
        has_reference: a place for the reference beside the image.

    Raises:
        ClassesRefused: no class, two of one name, or a name that Label Studio takes for a variable.
    """
    require_distinct_classes(classes)
    for name in classes:
        if name.startswith("$"):
            raise ClassesRefused(f"class name {name!r}: Label Studio takes a leading '$' for a variable; rename it")
    root = Element("View")
    SubElement(root, "Header", {"value": f"${FACTS}", "size": "5"})
    tools = SubElement(root, "View", {"style": "display: flex; flex-wrap: wrap; align-items: center; gap: 24px"})
    labels = SubElement(tools, "RectangleLabels", {"name": BOX, "toName": IMAGE, "strokeWidth": "2"})
    for index, name in enumerate(classes):
        SubElement(labels, "Label", {"value": name, "background": _COLOURS[index % len(_COLOURS)]})
    verdict = SubElement(
        tools,
        "Choices",
        {"name": VERDICT, "toName": IMAGE, "choice": "single", "required": "true", "showInline": "true"},
    )
    for choice, hotkey in ((OK, "o"), (DEFECT, "d")):
        SubElement(verdict, "Choice", {"value": choice, "hotkey": hotkey})
    pictures = SubElement(root, "View", {"style": "display: flex; gap: 16px; align-items: flex-start"})
    left = SubElement(pictures, "View", {"style": "flex: 3; min-width: 0"})
    SubElement(left, "Image", {"name": IMAGE, "value": f"${IMAGE}", "zoom": "true", "zoomControl": "true"})
    if has_reference:
        right = SubElement(pictures, "View", {"style": "flex: 2; min-width: 0"})
        SubElement(right, "Image", {"name": REFERENCE, "valueList": f"${REFERENCE}", "zoom": "true"})
    SubElement(
        root,
        "TextArea",
        {"name": COMMENT, "toName": IMAGE, "rows": "2", "editable": "true", "placeholder": "Comment / 의견"},
    )
    root.set("className", f"{_MARK}{_facts(root).digest()}")
    return tostring(root, encoding="unicode")


def config_state(found: str, classes: Sequence[str], *, has_reference: bool) -> ConfigState:
    """Compare a project's configuration with the one that the classes ask for.

    Args:
        found: the project's XML.
        classes: as in `project_config`.
        has_reference: as in `project_config`.

    Raises:
        ClassesRefused: as in `project_config`.
    """
    expected = _facts(parse_xml(project_config(classes, has_reference=has_reference).encode(), where="our own"))
    try:
        actual = _facts(parse_xml(found.encode(), where="the project's labelling configuration"))
    except SampleUnreadable as error:
        return ConfigState(ConfigStanding.EDITED, (ConfigDifference(str(error), is_blocking=True),))
    differences = tuple(_differences(actual, expected))
    if not differences:
        return ConfigState(ConfigStanding.OURS)
    is_untouched = actual.mark is not None and actual.mark == actual.digest()
    return ConfigState(ConfigStanding.OUTDATED if is_untouched else ConfigStanding.EDITED, differences)


def _facts(root: Element) -> _Facts:
    objects: dict[str, tuple[str, str]] = {}
    controls: dict[str, _Control] = {}
    for element in root.iter():
        name = element.get("name")
        if name is None:
            continue
        if element.get("toName") is None:
            objects[name] = (element.tag, element.get("value") or element.get("valueList") or "")
            continue
        options = (each for each in element.iter() if each is not element and each.get("value") is not None)
        choices = tuple(each.get("alias") or each.get("value") or "" for each in options)
        controls[name] = _Control(element.tag, element.get("toName") or "", choices)
    marks = [word for word in (root.get("className") or "").split() if word.startswith(_MARK)]
    return _Facts(objects, controls, marks[0].removeprefix(_MARK) if marks else None)


def _differences(actual: _Facts, expected: _Facts) -> list[ConfigDifference]:
    found: list[ConfigDifference] = []

    def differs(text: str, *, is_blocking: bool) -> None:
        found.append(ConfigDifference(text, is_blocking))

    for name, (tag, value) in expected.objects.items():
        if name not in actual.objects:
            differs(f"the picture {name!r} is gone or renamed", is_blocking=name == IMAGE)
        elif actual.objects[name] != (tag, value):
            was = " of ".join(actual.objects[name])
            differs(f"the picture {name!r} shows {was}; expected {tag} of {value}", is_blocking=name == IMAGE)
    for name in actual.objects.keys() - expected.objects.keys():
        differs(f"{actual.objects[name][0]} {name!r} was added", is_blocking=False)
    for name, control in expected.controls.items():
        if name not in actual.controls:
            others = sorted(other for other, each in actual.controls.items() if each.tag == control.tag)
            hint = f"; there is {', '.join(map(repr, others))}" if others else ""
            differs(f"the control {name!r} ({control.tag}) is gone or renamed{hint}", is_blocking=name != COMMENT)
            continue
        now = actual.controls[name]
        if (now.tag, now.shows) != (control.tag, control.shows):
            differs(
                f"the control {name!r} is {now.tag} on {now.shows!r}; expected {control.tag} on {control.shows!r}",
                is_blocking=True,
            )
        for missing in sorted(set(control.choices) - set(now.choices)):
            differs(f"{name!r} has no {missing!r}", is_blocking=True)
        for added in sorted(set(now.choices) - set(control.choices)):
            differs(f"{name!r} has {added!r}, which is not of ours", is_blocking=False)
    for name in actual.controls.keys() - expected.controls.keys():
        differs(f"the control {name!r} ({actual.controls[name].tag}) was added", is_blocking=False)
    return found
