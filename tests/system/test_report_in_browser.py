"""The report opens in a real browser that has no network, and names every escape."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from blob_detector import Blob, TinyRelease
from labelled_blobs import BlobImage, write_blob_revision
from lineside.datasets.revisions import RevisionStore
from lineside.inspection.release import read_release
from lineside.training.evaluation import EvaluationPlan, judge_revision
from lineside.training.evaluation.report import write_report
from proofs import missing
from recipes import NOW

pytestmark = pytest.mark.system

_SECONDS = 120
_OFFLINE = "--headless --no-sandbox --disable-gpu --disable-dev-shm-usage --host-resolver-rules=MAP * ~NOTFOUND"


@pytest.fixture
def report(tmp_path: Path) -> Path:
    store = RevisionStore(str(tmp_path / "store"))
    images = [
        *(BlobImage(f"escaped-{n}", labelled=[Blob(0, 16, 32)], has_reference=True) for n in range(4)),
        BlobImage("over", drawn=[Blob(1, 64, 64)], labelled=[]),
        BlobImage("hit", drawn=[Blob(1, 64, 64)]),
    ]
    release = read_release(TinyRelease().write(tmp_path / "blobs"))
    plan = EvaluationPlan(engine="onnxruntime-fp32", timed_parts=2, resamples=10)
    judged = judge_revision(release, write_blob_revision(store, images), store, plan=plan, now=NOW)
    write_report(judged, store, tmp_path / "report.html", now=NOW)
    return tmp_path / "report.html"


def chromium(*words: str) -> str:
    """Run a browser that can reach nothing; what it prints."""
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        missing("no chromium: sh tests/install-system-tools.sh")
    flags = _OFFLINE.split(" ", 4)
    ran = subprocess.run([program, *flags, *words], capture_output=True, text=True, timeout=_SECONDS, check=True)
    return ran.stdout


def test_the_page_opens_without_a_network_and_shows_every_escape(report: Path, tmp_path: Path) -> None:
    """A script put into a copy asks the browser what it made of the page: pictures that decoded, sections, size."""
    probe = """<script>
    const pictures = [...document.querySelectorAll("image")].map(picture => fetch(picture.getAttribute("href"))
        .then(answer => answer.blob()).then(createImageBitmap).then(bitmap => bitmap.width * bitmap.height));
    Promise.all(pictures).then(sizes => {
        document.documentElement.dataset.seen = JSON.stringify({
            pictures: sizes.filter(size => size > 0).length,
            escapes: [...document.querySelectorAll("section.escape h3 b")].map(name => name.textContent),
            charts: [...document.querySelectorAll("svg.chart")]
                .filter(chart => chart.getBoundingClientRect().height > 100).length,
            too_wide: document.documentElement.scrollWidth > window.innerWidth,
        });
    });
    </script></body>"""
    copy = tmp_path / "probed.html"
    copy.write_text(report.read_text(encoding="utf-8").replace("</body>", probe), encoding="utf-8")
    page = chromium("--window-size=1200,900", "--virtual-time-budget=20000", "--dump-dom", copy.as_uri())
    seen = json.loads(page.split('data-seen="')[1].split('"')[0].replace("&quot;", '"'))
    assert seen == {
        "pictures": 4 * 3 + 1,  # of an escape the whole part, the place and its reference; of a false call the place
        "escapes": [f"escaped-{n}" for n in range(4)],
        "charts": 4,
        "too_wide": False,
    }


def test_the_page_prints(report: Path, tmp_path: Path) -> None:
    target = tmp_path / "report.pdf"
    chromium(f"--print-to-pdf={target}", "--no-pdf-header-footer", report.as_uri())
    assert target.read_bytes().startswith(b"%PDF")
