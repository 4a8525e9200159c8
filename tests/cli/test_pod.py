"""`lineside pod` on files and with a server."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from lineside.serving.security import Role
from live_server import LiveServer, live_server
from study_files import pod_text

Lineside = Callable[..., Any]


@pytest.fixture
def study(tmp_path: Path) -> Path:
    path = tmp_path / "study.csv"
    path.write_text(pod_text(), "utf-8")
    return path


@pytest.fixture
def production(tmp_path: Path) -> Path:
    path = tmp_path / "production.csv"
    path.write_text(pod_text(design="production"), "utf-8")
    return path


@pytest.fixture
def server(tmp_path: Path) -> Iterator[LiveServer]:
    with live_server(tmp_path / "site") as server:
        yield server


def test_the_figures_are_printed_and_the_same_in_json(study: Path, lineside: Lineside) -> None:
    facts = dict(line.split("\t") for line in lineside("pod", "analyse", study).out.splitlines())
    figures = json.loads(lineside("pod", "analyse", study, "--json").out)
    estimate = figures["result"]
    assert facts["a90"] == f"{estimate['size_found']:.3g} mm"
    assert facts["a90/95"] == f"{estimate['size_bound']:.3g} mm"
    assert facts["false calls"].startswith("5.00% (2 of 40 parts; exact 95% interval 0.61% to 16.92%)")
    assert (figures["unit"], estimate["targets"]) == ("mm", 80)


def test_the_report_stands_alone_and_names_its_file(study: Path, tmp_path: Path, lineside: Lineside) -> None:
    report, curve = tmp_path / "report.html", tmp_path / "curve.svg"
    assert lineside("pod", "analyse", study, "--html", report, "--figure", curve).code == 0
    page = report.read_text("utf-8")
    assert "data:image/svg+xml" in page
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert "at 95% confidence" in page
    assert "2 of 40 good parts" in page
    assert "study.csv" in page
    assert curve.read_text("utf-8").startswith("<?xml")


def test_production_sizes_are_refused(production: Path, lineside: Lineside) -> None:
    ran = lineside("pod", "analyse", production)
    assert (ran.code, len(ran.err.splitlines()), ran.out) == (1, 1, "")
    assert "expected a designed set" in ran.err


def test_every_output_of_production_sizes_is_marked(production: Path, tmp_path: Path, lineside: Lineside) -> None:
    report, curve = tmp_path / "report.html", tmp_path / "curve.svg"
    ran = lineside("pod", "analyse", production, "--indicative", "--html", report, "--figure", curve)
    assert "a90/95 (indicative)" in ran.out
    assert "INDICATIVE ONLY" in ran.err
    assert "<h1>Probability of detection (indicative)</h1>" in report.read_text("utf-8")
    assert json.loads(lineside("pod", "analyse", production, "--indicative", "--json").out)["result"]["is_indicative"]


def test_a_fault_of_the_file_is_one_line_with_its_place(study: Path, lineside: Lineside) -> None:
    study.write_text(study.read_text("utf-8").replace(",hit", ",found", 1), "utf-8")
    ran = lineside("pod", "analyse", study)
    assert (ran.code, len(ran.err.splitlines())) == (1, 1)
    assert "column result: the cell holds 'found'; expected one of: hit, miss" in ran.err


def test_a_study_is_filed_listed_and_shown(study: Path, server: LiveServer, lineside: Lineside) -> None:
    words = ("--server", server.url, "--api-key", server.keys[Role.QUALITY])
    filed = json.loads(lineside("pod", "put", study, "--id", "board", *words, "--json").out)
    local = json.loads(lineside("pod", "analyse", study, "--json").out)
    assert filed["result"]["estimate"] == local["result"]
    assert lineside("pod", "list", *words).out.split("\t")[:2] == ["board", "pod"]
    assert json.loads(lineside("pod", "show", "board", *words).out) == filed
    study.write_text(pod_text(seed=12), "utf-8")
    refused = lineside("pod", "put", study, "--id", "board", *words)
    assert (refused.code, "never changed" in refused.err) == (1, True)
