"""The report: self-contained, safe to open, accessible."""

from __future__ import annotations

import re
import stat
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from faces.errors import FacesError, UsageError
from faces.evaluation.figures.curves import curve
from faces.evaluation.figures.results import Identification, Mistake, Verification
from faces.evaluation.groups import labelled, robustness
from faces.evaluation.groups.degradations import KINDS, Degradation
from faces.evaluation.groups.degraded_photographs import ALL_DEGRADATIONS
from faces.evaluation.groups.labelled import Groups
from faces.evaluation.photographs import Photographs
from faces.evaluation.report import canvas, montage, page, plots, projection
from faces.evaluation.report.page import Additions
from faces.evaluation.searches.identification import identify
from faces.evaluation.searches.pairs import Pairs
from faces.evaluation.searches.trials import Trial
from faces.evaluation.searches.verification import verify
from tests.browser import CHROMIUM, OPTIONS
from tests.fakes import noise
from tests.recognition.test_recognizers import DLIB

EVIL = "<script>alert(1)</script>"


def crowd(folder: Path, people: int = 12, each: int = 4) -> tuple[Photographs, list[str]]:
    """Return photographs of noise with clustered embeddings; one name needs escaping, one photograph has no face."""
    rng = np.random.default_rng(0)
    names = [EVIL, *(f"Person {k} $x_{k}$ & co" for k in range(1, people))]
    paths = []
    for k in range(people):
        for j in range(each):
            path = folder / f"p{k}" / f"{j}.jpg"
            path.parent.mkdir(exist_ok=True)
            cv2.imwrite(str(path), noise(30, 40, seed=k))
            paths.append(path)
    middles = np.repeat(rng.normal(size=(people, 8)), each, axis=0)
    vectors = middles + rng.normal(scale=0.45, size=middles.shape)
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    vectors[5] = np.nan
    boxes = np.zeros((len(paths), 4), np.float32)
    seen = Photographs(
        paths=tuple(paths),
        embeddings=vectors,
        boxes=boxes,
        reasons=("",) * len(paths),
        hashes=("",) * len(paths),
        fingerprint=DLIB,
    )
    return seen, names


def identification(seen: Photographs, names: list[str], name: str = "fake") -> Identification:
    owned = [(names[k // 4], path) for k, path in enumerate(seen.paths[:40])]
    trial = Trial(
        tuple(one for k, one in enumerate(owned) if k % 4 < 2),
        tuple(one for k, one in enumerate(owned) if k % 4 >= 2),
        seen.paths[40:],
    )
    return identify(name, [trial, trial], seen, threshold=0.5)


def verification(seen: Photographs, name: str = "fake") -> tuple[Verification, Pairs]:
    first = seen.paths * 2
    second = (*(seen.paths[k ^ 1] for k in range(48)), *(seen.paths[(k + 4) % 48] for k in range(48)))
    pairs = Pairs(first, second, np.arange(96) < 48)
    return verify(name, pairs, seen, seconds=0.0123), pairs


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> tuple[Photographs, list[str]]:
    return crowd(tmp_path_factory.mktemp("crowd"))


@pytest.fixture(scope="module")
def pages(seen: tuple[Photographs, list[str]], tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two pages: two verifications with every section, and an identification."""
    folder = tmp_path_factory.mktemp("reports")
    (one, pairs), (two, _) = verification(seen[0]), verification(seen[0], EVIL)
    worse = dict.fromkeys(ALL_DEGRADATIONS, seen[0])
    additions = Additions(
        f"faces evaluate {EVIL}",
        [robustness.verification_robustness(one, pairs, seen[0], worse)],
        labelled.verification_by_group(one, Groups(("gender",), {f"p{k}": ("fm"[k % 2],) for k in range(12)}), seen[0]),
        True,
    )
    page.write(folder / "pairs.html", [one, two], additions)
    page.write(folder / "people.html", [identification(*seen)])
    return [folder / "pairs.html", folder / "people.html"]


@pytest.mark.parametrize("which", [0, 1])
def test_the_page_is_self_contained(pages: list[Path], which: int) -> None:
    text = pages[which].read_text(encoding="utf-8")
    assert "<script" not in text
    assert {link[:5] for link in re.findall(r'(?:src|[^:]href)="([^"]*)"', text) if not link.startswith("#")} == {
        "data:"
    }
    assert set(re.findall(r"https?://[^\s\"<]*", text)) == {"http://www.w3.org/1999/xlink"}
    assert re.search(r"<h1>[^<]+\?</h1>", text)
    for table in re.findall(r"<table.*?</table>", text, re.DOTALL):
        assert "<caption" in table and 'scope="col"' in table and 'scope="row"' in table
    for svg in re.findall(r"<svg [^>]*>", text):
        assert 'role="img"' in svg and "aria-label=" in svg
    assert not any(colour in text for colour in canvas.INKS)


def test_names_are_escaped(pages: list[Path]) -> None:
    text = pages[1].read_text(encoding="utf-8")
    assert EVIL not in text and "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert "Person 1 $x_1$ &amp; co" in text


def test_the_page_has_the_requested_sections(pages: list[Path]) -> None:
    pairs, people = (page.read_text(encoding="utf-8") for page in pages)
    for words in (
        "Judged correctly",
        "ROC",
        "DET",
        "Compared",
        "false match rate",
        "Nobody labelled these people",
        "Degraded photographs",
    ):
        assert words in pairs
    for words in ("Right name", "Strangers named", "CMC", "Confusion", "Map of the gallery", "too few to tell"):
        assert words in people
    assert "Degraded photographs" not in people and 'href="#groups"' not in people


def test_only_the_owner_can_read_a_page_with_faces(
    pages: list[Path], seen: tuple[Photographs, list[str]], tmp_path: Path
) -> None:
    assert "Do not pass it on" in pages[0].read_text(encoding="utf-8")
    assert stat.S_IMODE(pages[0].stat().st_mode) == 0o600
    page.write(tmp_path / "faceless.html", [verification(seen[0])[0]], faces=False)
    text = (tmp_path / "faceless.html").read_text(encoding="utf-8")
    assert "data:image" not in text and "shows no faces" in text and "no face found" in text


def test_a_photograph_that_can_no_longer_be_read(seen: tuple[Photographs, list[str]], tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"no picture")
    mistake = Mistake("lost", tmp_path / "a.jpg", tmp_path / "b.jpg", float("inf"))
    assert montage.copies([mistake]) == {tmp_path / "a.jpg": None, tmp_path / "b.jpg": None}
    result = replace(verification(seen[0])[0], mistakes=(mistake,))
    html = page.render([result])
    assert "a.jpg cannot be read" in html and "b.jpg cannot be read" in html and "distance inf" not in html
    assert "No errors." in page.render([replace(result, mistakes=())])


def test_a_page_that_cannot_be_written(seen: tuple[Photographs, list[str]], tmp_path: Path) -> None:
    with pytest.raises(FacesError, match="is a folder"):
        page.write(tmp_path, [verification(seen[0])[0]], faces=False)


@pytest.mark.parametrize(
    ("package", "message"),
    [
        ("matplotlib", r"^plots need matplotlib: pip install 'recognize-faces\[report\]'$"),
        ("jinja2", r"^reports need jinja2: pip install 'recognize-faces\[report\]'$"),
    ],
)
def test_without_a_package(
    package: str,
    message: str,
    seen: tuple[Photographs, list[str]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(UsageError, match=message):
        page.write(tmp_path / "r.html", [verification(seen[0])[0]])
    assert not (tmp_path / "r.html").exists()


def test_plots_are_reproducible() -> None:
    rng = np.random.default_rng(0)
    traded = {"one": curve(rng.random(5000).astype(np.float32), (rng.random(5000) / 2).astype(np.float32))}
    assert plots.roc(traded, [0.01]) == plots.roc(traded, [0.01])
    assert len(plots.det(traded, [0.01])) < 60_000, "no more points than can be seen"


def test_plots_of_almost_no_data() -> None:
    none, one = np.zeros(0, np.float32), np.ones(1, np.float32)
    traded = {"one": curve(one, one)}
    infinite = np.full(1, np.inf, np.float32)
    for svg in (
        plots.roc(traded, []),
        plots.det(traded, []),
        plots.tpir(traded, []),
        plots.cmc({"one": np.ones(1)}),
        plots.histogram(none, none, ("a", "b"), None),
        plots.histogram(one, infinite, ("a", "b"), 1),
        plots.scatter(np.zeros((1, 2), np.float32), ["Ada"]),
        plots.scatter(np.zeros((2, 2), np.float32), ["Ren\udce9", "$x^"]),  # a folder's name may be any bytes
        plots.levels({"a": [1, float("nan")]}, ["x", "y"], "", "n"),
    ):
        assert svg.startswith("<svg ") and "<style" not in svg


@pytest.mark.parametrize("count", [0, 1, 2, 3, 8, 20])
def test_a_map(count: int) -> None:
    embeddings = np.random.default_rng(0).normal(size=(count, 16)).astype(np.float32)
    points = projection.flat(embeddings)
    assert points.shape == (count, 2) and np.isfinite(points).all()
    assert (points == projection.flat(embeddings)).all()
    assert len(projection.sample(count)) == count and len(projection.sample(10**4)) == projection.MAX_EMBEDDINGS


def test_every_kind_of_degradation_has_a_plot(pages: list[Path]) -> None:
    text = pages[0].read_text(encoding="utf-8")
    for kind in KINDS:
        assert f"<h3>{kind[0].upper()}{kind[1:]}</h3>" in text
    assert Degradation("blur", 5).kind in KINDS


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")
def test_the_page_is_accessible(pages: list[Path]) -> None:
    """axe-core finds no violation and nothing overflows, on a phone in dark mode and on a large screen."""
    playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright")
    axe = pytest.importorskip("axe_playwright_python.base", reason="needs axe-playwright-python")

    def check() -> None:
        with playwright.sync_playwright() as started:
            browser = started.chromium.launch(executable_path=CHROMIUM, args=OPTIONS, timeout=60_000)
            for path in pages:
                for width, scheme in ((360, "dark"), (1280, "light")):
                    context = browser.new_context(
                        viewport={"width": width, "height": 800}, color_scheme=scheme, bypass_csp=True
                    )
                    page = context.new_page()
                    page.set_default_timeout(60_000)
                    page.goto(path.as_uri())
                    assert page.evaluate("document.documentElement.scrollWidth") <= width
                    page.evaluate(axe.AXE_SCRIPT)
                    found = axe.AxeResults(page.evaluate("axe.run({resultTypes: ['violations']})"))
                    assert found.violations_count == 0, found.generate_report()
                    context.close()
            browser.close()

    with ThreadPoolExecutor(1) as own:  # in the main thread the browser of other tests may still run
        own.submit(check).result()
