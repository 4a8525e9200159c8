"""The report opens in a real browser that has no network, and names every escape."""

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium import webdriver

from blob_detector import Blob, TinyRelease
from browsing import browsing
from labelled_blobs import BlobImage, write_blob_revision
from lineside.datasets.revisions import RevisionStore
from lineside.inspection.release import read_release
from lineside.training.evaluation import EvaluationPlan, judge_revision
from lineside.training.evaluation.report import write_report
from recipes import NOW

pytestmark = pytest.mark.system

_SECONDS = 120
_OFFLINE = ("--window-size=1200,900", "--host-resolver-rules=MAP * ~NOTFOUND")


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


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[webdriver.Chrome]:
    with browsing(tmp_path / "profile", *_OFFLINE) as chrome:
        chrome.set_script_timeout(_SECONDS)
        yield chrome


def test_the_page_opens_without_a_network_and_shows_every_escape(report: Path, browser: webdriver.Chrome) -> None:
    """The browser is asked what it made of the page: pictures that decoded, sections, size."""
    browser.get(report.as_uri())
    seen = browser.execute_async_script("""
    const done = arguments[arguments.length - 1];
    const decoded = href => new Promise(resolve => {
        const picture = new Image();
        picture.onload = () => resolve(picture.naturalWidth * picture.naturalHeight > 0);
        picture.onerror = () => resolve(false);
        picture.src = href;
    });
    const pictures = [...document.querySelectorAll("image")].map(picture => decoded(picture.getAttribute("href")));
    Promise.all(pictures).then(shown => done({
        pictures: shown.filter(Boolean).length,
        escapes: [...document.querySelectorAll("section.escape h3 b")].map(name => name.textContent),
        charts: [...document.querySelectorAll("svg.chart")]
            .filter(chart => chart.getBoundingClientRect().height > 100).length,
        too_wide: document.documentElement.scrollWidth > window.innerWidth,
    }));
    """)
    assert seen == {
        "pictures": 4 * 3 + 1,  # of an escape the whole part, the place and its reference; of a false call the place
        "escapes": [f"escaped-{n}" for n in range(4)],
        "charts": 4,
        "too_wide": False,
    }


def test_the_page_prints(report: Path, browser: webdriver.Chrome) -> None:
    browser.get(report.as_uri())
    assert base64.b64decode(browser.print_page()).startswith(b"%PDF")
