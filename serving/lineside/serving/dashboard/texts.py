"""The page's words, in the languages of the shop floor."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class Language(StrEnum):
    """A language of the page."""

    EN = "en"
    KO = "ko"

    @property
    def other(self) -> "Language":
        """The one to switch to."""
        return Language.KO if self is Language.EN else Language.EN


TEXTS: Final[Mapping[Language, Mapping[str, str]]] = MappingProxyType(
    {
        Language.EN: {
            "title": "Inspection line",
            "other_language": "한국어",
            "log_out": "Log out",
            "simulated": "simulated line",
            "uncertified": "thresholds uncertified",
            "uncertified_hint": "No certificate guarantees a miss rate at these thresholds.",
            "parts": "Parts judged",
            "parts_hint": "{first} first attempts; the page looks back {limit}",
            "ok_hint": "{drawn} drawn for audit",
            "ok": "OK",
            "ng": "NG",
            "ng_hint": "{confirmed} confirmed, {false_calls} false calls, {open} not yet reviewed",
            "not_inspected": "NOT_INSPECTED",
            "not_inspected_hint": "a lane of its own: inspect again",
            "detector_rate": "Detector rate",
            "rate_hint": "NG among OK and NG: {ng}/{inspected}; 95 % interval {lower} to {upper} (Wilson)",
            "rate_empty": "nothing judged yet",
            "latency": "Time to verdict",
            "latency_hint": "p50 / p99 in the server, from the first byte to the durable verdict",
            "rate_chart": "Detector rate over time",
            "rate_chart_hint": "each point: the last {window} judged parts (from 10 on), with the 95 % Wilson interval",
            "interval": "95 % interval",
            "stations": "Stations",
            "station": "Station",
            "product": "Product",
            "lot": "Lot",
            "recipe": "Recipe",
            "engine": "Engine",
            "hold": "held: {reason}",
            "running": "running",
            "last_frames": "Last frames with a kept image",
            "last_frames_hint": "NG, reviewed and audited images are always kept, those of OK parts by share",
            "no_frames": "No image yet.",
            "no_defect": "no defect",
            "audit": "audit draw",
            "lane": "Not inspected: inspect these parts again",
            "lane_empty": "No part waits for another inspection.",
            "part": "Part",
            "reason": "Reason",
            "time": "Time",
            "strip": "Last parts, newest on the left",
            "no_stations": "No station is enrolled.",
            "confirmed": "confirmed",
            "false_call": "false call",
            "escape": "escape",
            "corrected": "boxes corrected",
            "unresolved": "reviews disagree",
            "ng_rate_axis": "NG share",
            "stale": "The ledger cannot be read; the figures stand still.",
        },
        Language.KO: {
            "title": "검사 라인",
            "other_language": "English",
            "log_out": "로그아웃",
            "simulated": "모의 라인",
            "uncertified": "임계값 미인증",
            "uncertified_hint": "이 임계값에서의 미검률을 보증하는 인증서가 없습니다.",
            "parts": "판정한 부품",
            "parts_hint": "1차 검사 {first}개; 최근 {limit}회까지 표시",
            "ok_hint": "감사 추출 {drawn}개",
            "ok": "OK",
            "ng": "NG",
            "ng_hint": "확정 {confirmed}, 과검 {false_calls}, 미확인 {open}",
            "not_inspected": "미검사 (NOT_INSPECTED)",
            "not_inspected_hint": "별도 레인: 재검사 대상",
            "detector_rate": "검출 불량률",
            "rate_hint": "OK와 NG 중 NG 비율: {ng}/{inspected}; 95 % 신뢰구간 {lower} ~ {upper} (Wilson)",
            "rate_empty": "아직 판정이 없습니다",
            "latency": "판정 시간",
            "latency_hint": "서버 내 p50 / p99, 첫 바이트부터 판정 기록까지",
            "rate_chart": "검출 불량률 추이",
            "rate_chart_hint": "각 점은 직전 {window}개 판정 기준(10번째부터), 음영은 95 % Wilson 신뢰구간",
            "interval": "95 % 신뢰구간",
            "stations": "검사 스테이션",
            "station": "스테이션",
            "product": "제품",
            "lot": "로트",
            "recipe": "레시피",
            "engine": "추론 엔진",
            "hold": "보류: {reason}",
            "running": "가동 중",
            "last_frames": "최근 보관 이미지",
            "last_frames_hint": "NG·리뷰·감사 이미지는 항상 보관, OK 이미지는 일부만 보관",
            "no_frames": "아직 이미지가 없습니다.",
            "no_defect": "결함 없음",
            "audit": "감사 추출",
            "lane": "미검사: 재검사가 필요한 부품",
            "lane_empty": "재검사를 기다리는 부품이 없습니다.",
            "part": "부품",
            "reason": "사유",
            "time": "시각",
            "strip": "최근 부품 (왼쪽이 최신)",
            "no_stations": "등록된 스테이션이 없습니다.",
            "confirmed": "확정",
            "false_call": "과검",
            "escape": "미검",
            "corrected": "박스 수정됨",
            "unresolved": "리뷰 불일치",
            "ng_rate_axis": "NG 비율",
            "stale": "원장을 읽을 수 없어 수치가 갱신되지 않습니다.",
        },
    }
)
"""Texts by language and name; both languages have the same names and placeholders, which a test checks."""
