"""The badge of the page's head: certified only where all is, and pointed at, it says why not."""

from lineside.serving.certificates import ThresholdStatus
from lineside.serving.certificates.schemas import ClassStanding, LineStanding, StandingList
from lineside.serving.dashboard.markup import threshold_badge
from lineside.serving.dashboard.texts import Language
from lineside.serving.dashboard.wording import Wording


def standing(status: ThresholdStatus, why_not: str | None) -> StandingList:
    rated = ClassStanding(
        class_name="short",
        threshold=0.25,
        certified_threshold=0.4,
        miss_rate=0.02,
        certificate="c-1",
        why_not=None,
    )
    line = LineStanding(
        line="line-1",
        product="BRD",
        release_name="blobs",
        release_digest="ab" * 32,
        engine="onnxruntime-fp32",
        threshold_status=status,
        part=None,
        classes=(rated,),
        why_not=why_not,
    )
    return StandingList(threshold_status=status, items=(line,))


def test_the_badge_says_what_is_guaranteed_or_why_nothing_is() -> None:
    certified = standing(ThresholdStatus.CERTIFIED, None)
    badge = threshold_badge(certified, Wording(Language.EN, []))
    assert ">thresholds certified<" in badge
    assert "2.0 % at most" in badge
    assert ">임계값 인증됨<" in threshold_badge(certified, Wording(Language.KO, []))
    lacking = standing(ThresholdStatus.UNCERTIFIED, 'nothing is guaranteed of "<spur>"')
    badge = threshold_badge(lacking, Wording(Language.EN, []))
    assert ">thresholds uncertified<" in badge
    assert "line-1: nothing is guaranteed of &quot;&lt;spur&gt;&quot;" in badge
    nothing = StandingList(threshold_status=ThresholdStatus.UNCERTIFIED, items=())
    assert ">임계값 미인증<" in threshold_badge(nothing, Wording(Language.KO, []))
