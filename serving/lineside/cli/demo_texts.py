"""What the demonstration says on the terminal, in English and Korean."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

TEXTS: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
    {
        "en": {
            "server": "starting the server; data in {data}",
            "enrol": "enrolling station, golden images and recipes (the first start measures the engines)",
            "line": "the line runs: {rate:.0%} of the boards are truly defective (seed {seed})",
            "closing": "closing: reviews first, then the server",
            "page": "page {url}   log in with {key}",
            "deploy": "deploy to {url} with {key}",
            "parts": "parts",
            "verdicts": "verdicts",
            "detector_rate": "detector rate, 95 % interval (Wilson)",
            "true_rate": "true rate, of this run",
            "latency": "latency p50 / p99",
            "last": "last parts",
            "hits": "hits (defective, NG)",
            "escapes": "escapes (defective, OK)",
            "false_calls": "false calls (good, NG)",
            "passes": "correct passes (good, OK)",
            "not_inspected": "not inspected",
            "unanswered": "unanswered",
            "reviews": "reviews",
            "summary": "truth against verdicts",
            "stop": "Ctrl-C ends the line",
            "defective": "defective",
            "good": "good",
            "truth": "truth",
            "set_to": "the line was set to {rate:.1%}",
            "none": "none yet",
            "kept": "ledger and images stay in {data}",
        },
        "ko": {
            "server": "서버를 시작합니다. 데이터 폴더: {data}",
            "enrol": "검사 스테이션, 기준 이미지, 레시피를 등록합니다 (처음 시작할 때 추론 엔진을 측정합니다)",
            "line": "라인 가동: 실제 불량률 {rate:.0%} (시드 {seed})",
            "closing": "마무리: 리뷰를 마친 뒤 서버를 종료합니다",
            "page": "페이지 {url}   로그인 키 {key}",
            "deploy": "배포 서버 {url}   배포 키 {key}",
            "parts": "부품",
            "verdicts": "판정",
            "detector_rate": "검출 불량률, 95 % 신뢰구간 (Wilson)",
            "true_rate": "실제 불량률 (이번 가동)",
            "latency": "지연 시간 p50 / p99",
            "last": "최근 부품",
            "hits": "검출 (불량, NG)",
            "escapes": "미검 (불량, OK)",
            "false_calls": "과검 (양품, NG)",
            "passes": "정상 통과 (양품, OK)",
            "not_inspected": "미검사",
            "unanswered": "응답 없음",
            "reviews": "리뷰",
            "summary": "실제와 판정 비교",
            "stop": "Ctrl-C로 라인을 멈춥니다",
            "defective": "불량",
            "good": "양품",
            "truth": "실제",
            "set_to": "라인 설정값 {rate:.1%}",
            "none": "아직 없음",
            "kept": "원장과 이미지는 {data} 폴더에 남습니다",
        },
    }
)
"""Texts by language and name; both languages have the same names, which a test checks."""
