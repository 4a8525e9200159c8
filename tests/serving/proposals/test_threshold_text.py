"""A recipe's text with other thresholds: whatever its layout, only the thresholds and the version change."""

import pytest

from lineside.inspection.strict_yaml import read_yaml
from lineside.serving.errors import ProposalUnfit
from lineside.serving.proposals.threshold_text import with_thresholds

HEAD = "# of people\nschema: lineside.recipe/1\nid: board\nversion: 1  # counts up\n"

LAYOUTS = {
    "no limits": HEAD,
    "no limits and no line break at the end": HEAD.rstrip("\n"),
    "empty limits": HEAD + "limits: {}\n",
    "a block": HEAD + "limits:\n  # strict\n  open:\n    confidence: 0.4  # measured\n    max_count: 2\n",
    "a block without a threshold": HEAD + "limits:\n  open:\n    max_count: 2\nviews: {}\n",
    "one line": HEAD + "limits: {open: {max_count: 2, confidence: 0.4}, short: {}}\n",
    "one line with a last comma": HEAD + "limits: {open: {max_count: 2,},}\n",
    "another class": HEAD + 'limits:\n    "mouse bite": {max_count: 1}\n',
    "quoted keys": HEAD + 'limits: {"open": {"confidence": 0.4}}\n',
    "a JSON file": '{"version": 1, "limits": {"open": {"confidence": 0.4}}}',
    "a JSON file without limits": '{"version": 1, "id": "board"}',
    "Windows": HEAD.replace("\n", "\r\n") + "limits:\r\n  open:\r\n    max_count: 2\r\n",
}


@pytest.mark.parametrize("text", LAYOUTS.values(), ids=LAYOUTS.keys())
@pytest.mark.parametrize("thresholds", [{"open": 0.25}, {"open": 0.25, "mouse bite": 1e-05, "단락": 1.0}])
def test_only_the_thresholds_and_the_version_change(text: str, thresholds: dict[str, float]) -> None:
    wanted = read_yaml(text).value
    assert isinstance(wanted, dict)
    limits = wanted.setdefault("limits", {})
    assert isinstance(limits, dict)
    for name, threshold in thresholds.items():
        of_class = limits.setdefault(name, {})
        assert isinstance(of_class, dict)
        of_class["confidence"] = threshold
    wanted["version"] = 2
    changed = with_thresholds(text, thresholds, version=2)
    assert read_yaml(changed).value == wanted
    for comment in ("# of people", "# counts up", "# strict", "# measured"):
        assert (comment in changed) == (comment in text)


def test_a_threshold_that_people_left_empty_is_theirs_to_write() -> None:
    with pytest.raises(ProposalUnfit, match="by hand"):
        with_thresholds(HEAD + "limits:\n  open:\n    confidence:\n", {"open": 0.25}, version=2)
