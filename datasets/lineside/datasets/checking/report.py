"""The check as a page that opens without a server or a network, and as JSON beside it."""

import base64
import json
from collections.abc import Iterator, Mapping
from html import escape
from pathlib import Path

from lineside.datasets.checking.balance import NOT_SPLIT, SplitBalance
from lineside.datasets.checking.drawing import close_up, draw, encode
from lineside.datasets.checking.findings import Case, CheckReport, Finding, Level
from lineside.datasets.errors import RevisionCorrupt, SampleUnreadable
from lineside.datasets.labelled import LabelledBox, LabelledImage
from lineside.datasets.revisions import Revision, RevisionStore

_PICTURES_EACH = 12
_CASES_EACH = 200
_PICTURE_SIDE_PX = 260

_STYLE = """
:root { color-scheme: light; }
body { font: 15px/1.5 system-ui, "Noto Sans", sans-serif; color: #1c2126; background: #f4f5f6; margin: 0; }
main { max-width: 1120px; margin: 0 auto; padding: 28px 24px 60px; }
h1 { font-size: 24px; margin: 0 0 4px; } h2 { font-size: 18px; margin: 34px 0 10px; }
h3 { font-size: 16px; margin: 0 0 4px; }
code { font: 13px ui-monospace, "DejaVu Sans Mono", monospace; overflow-wrap: anywhere; }
.facts { color: #56606a; margin: 0; }
.verdict { display: inline-block; margin: 16px 0 0; padding: 6px 14px; border-radius: 6px; font-weight: 600; }
.bad { background: #fbe3e1; color: #8c1d13; } .fair { background: #fdf1d3; color: #6b4a00; }
.fine { background: #dff2e3; color: #155724; }
table { border-collapse: collapse; background: #fff; border-radius: 8px; overflow: hidden; width: 100%; }
.scroll { overflow-x: auto; }
th, td { padding: 6px 12px; text-align: right; border-bottom: 1px solid #e6e9eb; white-space: nowrap; }
th:first-child, td:first-child { text-align: left; } thead th { color: #56606a; font-weight: 600; }
tbody tr:last-child td { border-bottom: 0; } td.none { color: #b3261e; font-weight: 600; }
.bar { display: inline-block; height: 9px; background: #5b8fc7; border-radius: 2px; margin-right: 8px; }
section.finding { background: #fff; border-radius: 8px; padding: 16px 20px; margin: 12px 0; }
section.finding { border-left: 5px solid #d9a514; }
section.finding.error { border-left-color: #c5372c; }
.level { font-size: 12px; font-weight: 700; letter-spacing: .04em; text-transform: uppercase; color: #8a6a00; }
.error .level { color: #b3261e; }
.pictures { display: grid; grid-template-columns: repeat(auto-fill, minmax(230px, 1fr)); gap: 14px; margin-top: 12px; }
figure { margin: 0; }
figure img { width: 100%; height: 230px; object-fit: contain; background: #eceef0; border-radius: 4px; }
figure .pair { display: grid; grid-template-columns: 1fr 1fr; gap: 4px; }
figure.pair-of { grid-column: span 2; }
.unreadable { height: 230px; display: grid; place-items: center; border-radius: 4px; }
.unreadable { background: #fbe3e1; color: #8c1d13; }
figcaption { font-size: 12px; color: #56606a; line-height: 1.35; overflow-wrap: anywhere; }
figcaption b { color: #1c2126; font-weight: 600; }
details { margin-top: 10px; } summary { cursor: pointer; color: #2a5d93; }
li { overflow-wrap: anywhere; }
"""


def write_report(store: RevisionStore, revision: Revision, report: CheckReport, folder: Path) -> Path:
    """Write `report.html` and `report.json` into a folder, which is made if need be.

    Returns:
        The page.
    """
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(report.to_json(), ensure_ascii=False, indent=2, allow_nan=False)
    (folder / "report.json").write_text(text + "\n", "utf-8")
    page = folder / "report.html"
    page.write_text("".join(_page(store, revision, report)), "utf-8")
    return page


def _page(store: RevisionStore, revision: Revision, report: CheckReport) -> Iterator[str]:
    title = f"Revision {revision.id[:12]}"
    yield f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f"<style>{_STYLE}</style></head><body><main><h1>{title}</h1>"
    yield f'<p class="facts">{escape(revision.source)} &middot; {escape(revision.licence_note)}</p>'
    yield f'<p class="facts"><code>{revision.id}</code></p>'
    if revision.parent is not None:
        yield f'<p class="facts">made from <code>{revision.parent}</code></p>'
    yield _verdict(report)
    yield from _balance(report)
    yield f"<h2>Findings</h2>{'' if report.findings else '<p>Nothing was found.</p>'}"
    images = {image.name: image for image in revision.images}
    for finding in report.findings:
        yield from _finding(finding, images, store, revision.classes)
    yield "</main></body></html>\n"


def _verdict(report: CheckReport) -> str:
    errors, warnings = len(report.errors), len(report.findings) - len(report.errors)
    word = "bad" if errors else "fair" if warnings else "fine"
    searched = "" if report.is_searched_for_copies else "; the pictures were not searched for copies"
    return f'<p class="verdict {word}">{errors} error(s), {warnings} warning(s){searched}</p>'


def _balance(report: CheckReport) -> Iterator[str]:
    balance = report.balance
    columns = [balance.total, *balance.splits]
    heads = "".join(f"<th>{escape(column.name)}</th>" for column in columns)
    yield f'<h2>What it holds</h2><div class="scroll"><table><thead><tr><th></th>{heads}</tr></thead><tbody>'
    for label, values in (
        ("images", [column.images for column in columns]),
        ("groups (boards, lots)", [column.groups for column in columns]),
        ("good parts", [column.good for column in columns]),
        ("defective parts", [column.defective for column in columns]),
    ):
        cells = "".join(_cell(value, column) for value, column in zip(values, columns, strict=True))
        yield f"<tr><td>{label}</td>{cells}</tr>"
    most = max([1, *balance.total.boxes.values()])
    for name, total in balance.total.boxes.items():
        bar = f'<span class="bar" style="width:{round(120 * total / most)}px"></span>'
        cells = "".join(_cell(column.boxes[name], column) for column in columns[1:])
        yield f"<tr><td>boxes: {escape(name)}</td><td>{bar}{total}</td>{cells}</tr>"
    yield "</tbody></table></div>"
    if balance.box_sides_px:
        yield '<h2>Boxes and groups</h2><div class="scroll"><table><thead><tr><th>class</th>'
        yield "<th>smallest side, px</th><th>median side, px</th>"
        yield "<th>group with most</th><th>its boxes</th></tr></thead><tbody>"
        for name, (smallest, median) in balance.box_sides_px.items():
            group, count = balance.largest_group[name]
            share = f"{count} ({count / balance.total.boxes[name]:.0%})"
            yield f"<tr><td>{escape(name)}</td><td>{smallest:.1f}</td><td>{median:.1f}</td>"
            yield f"<td>{escape(group)}</td><td>{share}</td></tr>"
        yield "</tbody></table></div>"


def _cell(value: int, column: SplitBalance) -> str:
    """A number; nothing at all in a split is worth a look."""
    return f"<td>{value}</td>" if value or column.name == NOT_SPLIT else '<td class="none">0</td>'


def _finding(
    finding: Finding, images: Mapping[str, LabelledImage], store: RevisionStore, classes: tuple[str, ...]
) -> Iterator[str]:
    kind = "error" if finding.level is Level.ERROR else "warning"
    yield f'<section class="finding {kind}"><span class="level">{kind}</span><h3>{escape(finding.kind.value)}</h3>'
    yield f"<div>{escape(finding.summary)}</div>"
    if finding.cases:
        yield '<div class="pictures">'
        for case in finding.cases[:_PICTURES_EACH]:
            yield _figure(case, images, store, classes)
        yield "</div>"
    rest = finding.cases[_PICTURES_EACH:]
    if rest:
        yield f"<details><summary>{len(rest)} more</summary><ul>"
        for case in rest[:_CASES_EACH]:
            yield f"<li><b>{escape(case.image)}</b> {escape(case.detail)}</li>"
        unshown = len(rest) - _CASES_EACH
        yield f"</ul>{f'<p>and {unshown} more: see report.json</p>' if unshown > 0 else ''}</details>"
    yield "</section>"


def _figure(case: Case, images: Mapping[str, LabelledImage], store: RevisionStore, classes: tuple[str, ...]) -> str:
    """The place that a case is about; beside the other image, where it is about two."""
    caption = f"<figcaption><b>{escape(case.image)}</b> {escape(case.detail)}</figcaption>"
    shown = _picture(images[case.image], case.boxes, store, classes)
    if case.other_image is None:
        return f"<figure>{shown}{caption}</figure>"
    other = _picture(images[case.other_image], (), store, classes)
    return f'<figure class="pair-of"><div class="pair">{shown}{other}</div>{caption}</figure>'


def _picture(
    image: LabelledImage, boxes: tuple[LabelledBox, ...], store: RevisionStore, classes: tuple[str, ...]
) -> str:
    try:
        picture = store.pixels(image.image)
    except (RevisionCorrupt, SampleUnreadable):
        return '<div class="unreadable">cannot be read</div>'
    window = close_up(picture, boxes)
    shown = draw(picture, boxes or image.boxes, classes, window_px=window, side_px=_PICTURE_SIDE_PX)
    media_type, data = encode(shown)
    return f'<img src="data:{media_type};base64,{base64.b64encode(data).decode()}" alt="{escape(image.name)}">'
