"""The parts of the page that are plain HTML; everything from outside is escaped here."""

from collections.abc import Sequence
from html import escape
from urllib.parse import quote

from lineside.inspection.verdict import Verdict
from lineside.serving.certificates import ThresholdStatus
from lineside.serving.certificates.schemas import StandingList
from lineside.serving.dashboard.line_state import REMEMBERED, LineState, ShownPart
from lineside.serving.dashboard.wording import Wording, clock_time, percent
from lineside.serving.reviews import ReviewStanding
from lineside.serving.stations import Station

_VERDICT_CLASS = {Verdict.OK: "ok", Verdict.NG: "ng", Verdict.NOT_INSPECTED: "ni"}
_STRIP = 120
_NOTHING = "-"
_LETTER_SHARE = 0.05  # of the frame's longer side
_LANE = 6


def figure_tiles(state: LineState, wording: Wording) -> str:
    """The row of figures: attempts by verdict, the time to verdict."""
    counts, standings = state.verdicts(), state.standings_of_ng()
    latencies_ms = state.latencies_ms()
    ng_hint = wording(
        "ng_hint",
        confirmed=standings[ReviewStanding.CONFIRMED] + standings[ReviewStanding.CORRECTED],
        false_calls=standings[ReviewStanding.FALSE_CALL],
        open=standings[ReviewStanding.UNREVIEWED] + standings[ReviewStanding.UNRESOLVED],
    )
    latency_text = _NOTHING
    if latencies_ms:
        p50, p99 = (latencies_ms[int(share * (len(latencies_ms) - 1))] for share in (0.5, 0.99))
        latency_text = f"{p50:.0f} / {p99:.0f} ms"
    tiles = (
        (
            "",
            wording("parts"),
            str(counts.total()),
            wording("parts_hint", first=state.first_attempts(), limit=REMEMBERED),
        ),
        ("ok", wording("ok"), str(counts[Verdict.OK]), wording("ok_hint", drawn=state.audit_draws())),
        ("ng", wording("ng"), str(counts[Verdict.NG]), ng_hint),
        ("ni", wording("not_inspected"), str(counts[Verdict.NOT_INSPECTED]), wording("not_inspected_hint")),
        ("", wording("latency"), latency_text, wording("latency_hint")),
    )
    return "".join(
        f'<div class="ls-tile {kind}"><div class="ls-name">{escape(name)}</div>'
        f'<div class="ls-figure">{escape(figure)}</div><div class="ls-hint">{escape(hint)}</div></div>'
        for kind, name, figure, hint in tiles
    )


def verdict_strip(state: LineState, wording: Wording) -> str:
    """One mark for each of the last attempts, newest first."""
    marks = "".join(
        f'<span class="ls-mark {_VERDICT_CLASS[part.verdict]}" title="{escape(part.part_id)} '
        f'{part.verdict.value}"></span>'
        for part in state.latest(_STRIP)
    )
    return f'<span class="ls-name">{escape(wording("strip"))}</span><div class="ls-strip">{marks}</div>'


def frame_card(part: ShownPart, size_wh_px: tuple[int, int] | None, wording: Wording) -> str:
    """A kept image with its defects drawn; the browser fetches it with the reader's own login.

    Args:
        part: one with a kept image.
        size_wh_px: of its frame; None if the recipe does not say, then the server draws the defects.
        wording: of the page.
    """
    address = f"/v1/inspections/{quote(part.id)}"
    view = f"?view={quote(part.shown_view or '')}"
    picture = f'<img class="ls-frame" src="{address}/overlay{view}" alt="{escape(part.part_id)}" loading="lazy">'
    if size_wh_px is not None:
        picture = _drawn_frame(part, f"{address}/image{view}", size_wh_px, wording)
    kind = _VERDICT_CLASS[part.verdict]
    audit = f'<span class="ls-chip audit">{escape(wording("audit"))}</span>' if part.audit else ""
    return (
        f"{picture}"
        f'<div class="ls-caption"><span class="ls-chip {kind}">{part.verdict.value}</span>{audit}'
        f'<span class="ls-time">{clock_time(part.judged_at)}</span></div>'
        f'<div class="ls-part">{escape(part.part_id)}</div>'
        f'<div class="ls-hint">{escape(wording.defects(part.defect_counts))}</div>'
    )


def _drawn_frame(part: ShownPart, address: str, size_wh_px: tuple[int, int], wording: Wording) -> str:
    """The image with boxes on it: lines and letters stay readable however small the picture is shown."""
    width, height = size_wh_px
    letters = max(width, height) * _LETTER_SHARE
    marks = []
    for defect in part.defects:
        if defect.view != part.shown_view:
            continue
        left, top, right, bottom = defect.box_xyxy_px
        label_y = top - 0.3 * letters if top > 1.3 * letters else bottom + letters
        anchor, label_x = ("end", right) if left > width / 2 else ("start", left)
        marks.append(
            f'<rect x="{left}" y="{top}" width="{right - left}" height="{bottom - top}"/>'
            f'<text x="{label_x}" y="{label_y}" font-size="{letters:.1f}" text-anchor="{anchor}">'
            f"{escape(wording.defect_class(defect.class_name))}</text>"
        )
    return (
        f'<svg class="ls-frame" viewBox="0 0 {width} {height}" role="img" aria-label="{escape(part.part_id)}">'
        f'<image href="{escape(address)}" width="{width}" height="{height}"/>{"".join(marks)}</svg>'
    )


def threshold_badge(standing: StandingList, wording: Wording) -> str:
    """Whether the thresholds that judge now are certified; pointed at, it says what is guaranteed or why nothing is."""
    if standing.threshold_status is ThresholdStatus.CERTIFIED:
        rates = [each.miss_rate for item in standing.items for each in item.classes if each.miss_rate is not None]
        hint = wording("certified_hint", rate=percent(max(rates)))
    else:
        why = [f"{item.line}: {item.why_not}" for item in standing.items if item.why_not is not None]
        hint = " ".join([wording("uncertified_hint"), *why])
    text = wording(standing.threshold_status.value)
    return f'<span class="ls-badge" title="{escape(hint, quote=True)}">{escape(text)}</span>'


def standing_chip(standing: ReviewStanding, wording: Wording) -> str:
    """What people have said of a part; nothing where nobody has."""
    if standing is ReviewStanding.UNREVIEWED:
        return ""
    return f'<span class="ls-chip {standing.value}">{escape(wording(standing.value))}</span>'


def lane_table(state: LineState, wording: Wording) -> str:
    """The NOT_INSPECTED lane: parts to inspect again, with the reason."""
    parts = state.waiting_for_reinspection(_LANE)
    if not parts:
        return f'<div class="ls-hint">{escape(wording("lane_empty"))}</div>'
    rows = "".join(
        f"<tr><td>{escape(part.part_id)}</td><td>{escape(part.station)}</td>"
        f"<td>{escape('; '.join(part.reasons))}</td><td>{clock_time(part.judged_at)}</td></tr>"
        for part in parts
    )
    return _table((wording("part"), wording("station"), wording("reason"), wording("time")), rows)


def station_table(stations: Sequence[Station], state: LineState, wording: Wording) -> str:
    """Every station with what is in force there and the engine that judged last."""
    if not stations:
        return f'<div class="ls-hint">{escape(wording("no_stations"))}</div>'
    latest = state.latest(REMEMBERED)
    rows = []
    for station in stations:
        last = next((part for part in latest if part.station == station.id), None)
        context = station.context
        recipe = _NOTHING if context.recipe_id is None else f"{context.recipe_id} v{context.recipe_version}"
        status = wording("running") if station.hold is None else wording("hold", reason=station.hold.reason)
        cells = (
            f"{station.name} ({station.id})",
            context.product or _NOTHING,
            context.lot or _NOTHING,
            recipe,
            _NOTHING if last is None or last.engine is None else last.engine,
        )
        chip = f'<span class="ls-chip {"ok" if station.hold is None else "ni ls-said"}">{escape(status)}</span>'
        rows.append(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in cells)}<td>{chip}</td></tr>")
    names = (wording("station"), wording("product"), wording("lot"), wording("recipe"), wording("engine"), "")
    return _table(names, "".join(rows))


def _table(names: Sequence[str], rows: str) -> str:
    head = "".join(f"<th>{escape(name)}</th>" for name in names)
    return f'<table class="ls-table"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>'
