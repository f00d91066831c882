"""The report: its files, what it says and leaves out, and the page in a real browser."""

from __future__ import annotations

import shutil
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.text import Text

import synthetic
from axonomy.studies.report import analyse, write
from axonomy.studies.report.figures import figures
from axonomy.studies.report.findings import findings
from axonomy.studies.statistics import _bootstrap, clusters, prediction

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FEW = [
    "RTRL",
    "UORO",
    "KF-RTRL",
    "r-OK",
    "ki|j svd",
    "RFLO",
    "DNI",
    "ki|ij svd",
    "ki|ij signs",
    "read-out only",
]
CELLS = synthetic.cells()


@pytest.fixture(scope="module", autouse=True)
def quick() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clusters, "PERMUTATIONS", 199)
        patch.setattr(_bootstrap, "RESAMPLES", 199)
        patch.setattr(prediction, "_PERMUTATIONS", 99)
        patch.setattr(prediction, "_RESAMPLES", 99)
        yield


def effect(rule: pd.Series, task: str) -> float:
    return 0.15 * (rule["randomness"] == "stochastic")


def table(**options: Any) -> pd.DataFrame:
    rules = CELLS[CELLS["rule"].isin(FEW)]
    return synthetic.runs(effect, **{"rules": rules, "seeds": 4, "between": 0.03, "noise": 0.02} | options)


def whole_study() -> synthetic.Study:
    runs = synthetic.diverge(table(), "UORO", 1)
    return synthetic.Study(runs, synthetic.metrics(runs), synthetic.alignment(runs, "randomness"))


class Page(HTMLParser):
    """The pictures, links and words of a page."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.images: list[dict[str, str | None]] = []
        self.links: list[str] = []
        self.text = ""
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag == "img":
            self.images.append(values)
        self.links += [value for name in ("href", "src") if (value := values.get(name))]

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("report")
    assert (
        write(whole_study(), path, name="A <study> & more", study='[study]\nname = "<a>"')
        == path / "index.html"
    )
    return path


NAMES = {
    "ranking", "periodic_table", "cost", "curves1", "curves2", "curves3", "axis_effects", "variance",
    "alignment", "metrics",
}  # fmt: skip


def test_every_figure_is_there_in_three_formats(folder: Path) -> None:
    files = {path.name for path in (folder / "figures").iterdir()}
    assert files == {f"{name}.{kind}" for name in NAMES for kind in ("pdf", "svg", "png")}
    for name in NAMES:
        assert (folder / "figures" / f"{name}.pdf").read_bytes().startswith(b"%PDF")
        assert (folder / "figures" / f"{name}.png").read_bytes().startswith(b"\x89PNG")
        assert ElementTree.parse(folder / "figures" / f"{name}.svg").getroot().tag.endswith("svg")


def test_the_page_needs_nothing_beside_it(folder: Path) -> None:
    page = Page(folder / "index.html")
    assert len(page.images) == len(NAMES)
    assert all(str(image["src"]).startswith("data:image/svg+xml;base64,") for image in page.images)
    assert all(image["alt"] for image in page.images)
    for link in page.links:
        assert link.startswith(("data:", "#", "figures/")), link
        if link.startswith("figures/"):
            assert (folder / link).is_file()


def test_what_others_wrote_is_escaped(folder: Path) -> None:
    html = (folder / "index.html").read_text(encoding="utf-8")
    assert "A &lt;study&gt; &amp; more" in html
    assert "name = &quot;&lt;a&gt;&quot;" in html
    assert "<a>" not in html


def test_numbers_are_there_as_tables(folder: Path) -> None:
    found = pd.read_csv(folder / "statistics" / "rules.csv")
    assert set(found["rule"]) == set(FEW)
    assert {path.stem for path in (folder / "statistics").iterdir()} >= {
        "means", "scores", "pairs", "contrasts", "variance", "variance_of_ranks", "mixed_effects",
        "predictors",
    }  # fmt: skip


def test_captions_say_what_they_are_of() -> None:
    found = analyse(whole_study())
    for shown in figures(found):
        words = shown.caption
        if shown.name != "metrics":
            assert "n = " in words, shown.name
        if shown.name == "variance":
            assert "95 % jackknife interval" in words
        elif shown.name not in ("alignment", "periodic_table"):
            assert "95 % bootstrap interval" in words, shown.name
        if not shown.name.startswith("curves") and shown.name != "metrics":
            assert "4 seeds" in words
            assert "3 of them diverged" in words
    captions = {shown.name: shown.caption for shown in figures(found)}
    assert "Wilcoxon" in captions["axis_effects"]
    assert "Holm" in captions["axis_effects"]
    assert "one rule left out" in captions["metrics"]


@pytest.mark.parametrize("rules", [FEW, list(CELLS["rule"])], ids=["ten rules", "all rules"])
def test_no_word_is_cut_off(rules: list[str]) -> None:
    """Every word of every figure lies within it, and nothing is too small to read in print."""
    runs = synthetic.diverge(table(rules=CELLS[CELLS["rule"].isin(rules)], seeds=3), "UORO", 1)
    runs.loc[runs["rule"] == "RFLO", "final_loss"] *= 4
    runs["rule"] = runs["rule"].replace("KF-RTRL", "by_block(W_rec=KF-RTRL:rank=4, W_in=RTRL, b=RTRL)")
    found = analyse(synthetic.Study(runs, synthetic.metrics(runs), synthetic.alignment(runs)))
    for shown in figures(found):
        shown.figure.draw_without_rendering()
        box = shown.figure.get_tightbbox()  # inches, of all that is drawn
        width, height = shown.figure.get_size_inches()
        assert 0 <= box.x0 < box.x1 <= width, (shown.name, box)
        assert 0 <= box.y0 < box.y1 <= height, (shown.name, box)
        assert min(text.get_fontsize() for text in shown.figure.findobj(Text)) >= 5.0, shown.name


def test_findings_are_those_of_the_tables() -> None:
    runs = synthetic.diverge(table(rules=CELLS), "UORO", 1)
    found = analyse(synthetic.Study(runs, synthetic.metrics(runs), synthetic.alignment(runs, "randomness")))
    words = " ".join(findings(found))
    assert found.rules["rule"].iloc[0] in words
    assert "Diverged runs of the final phase: UORO 3 of 12" in words
    assert "axis randomness: deterministic is better than stochastic" in words
    assert "Clusters of alignment agree with randomness" in words
    assert "Of the metrics, loss decrease predicts best" in words
    assert "Alignment with the exact gradient does not" in words
    assert f"over {int((found.equal_cost['n'] > 0).sum())} new cells" in words


def test_where_nothing_is_to_be_found_that_is_said() -> None:
    runs = synthetic.runs(rules=CELLS[CELLS["rule"].isin(FEW)], seeds=4)
    found = analyse(synthetic.Study(runs, synthetic.metrics(runs, ()), synthetic.alignment(runs, None)))
    words = " ".join(findings(found))
    assert "No run of the final phase diverged" in words
    assert "no axis changes performance beyond chance" in words
    assert "Clusters of performance agree with no axis beyond chance" in words
    assert "No metric predicts" in words
    assert "Alignment with the exact gradient does not predict performance" in words
    assert "No new cell is better than the known rules that cost no more beyond chance" in words


def test_what_was_not_measured_is_left_out_with_a_sentence(tmp_path: Path) -> None:
    page = Page(write(synthetic.Study(table()), tmp_path))
    assert "this study measured no metrics of gradients" in page.text
    assert "this study measured no alignment of gradients" in page.text
    assert len(page.images) == len(NAMES) - 2
    assert not (tmp_path / "statistics" / "predictors.csv").exists()


@pytest.mark.parametrize(
    "options",
    [
        {"rules": CELLS[CELLS["rule"] == "RTRL"]},
        {"rules": CELLS[CELLS["rule"].isin(["RTRL", "UORO"])]},
        {"rules": CELLS[CELLS["status"] == "baseline"]},
        {"seeds": 1},
        {"seeds": 1, "tasks": ("mimic",)},
        {"tasks": ("add", "b", "c", "d", "e", "f")},
    ],
    ids=["one rule", "two rules", "the baseline alone", "one seed", "one seed of one task", "six tasks"],
)
def test_small_and_large_studies(tmp_path: Path, options: dict[str, Any]) -> None:
    """Whatever a study lacks, the page comes, and says what is not in it."""
    page = Page(write(synthetic.Study(table(**options)), tmp_path))
    assert page.images
    tasks = options.get("tasks", synthetic.TASKS)
    assert all(task in page.text for task in tasks)
    if len(options.get("rules", FEW)) < 3:
        assert "Left out: no two rules of this study differ on exactly one axis." in page.text
        assert "three rules or more" in page.text
    assert " nan" not in page.text


def test_a_study_in_which_all_diverged(tmp_path: Path) -> None:
    runs = table(tasks=("mimic",))
    page = Page(
        write(synthetic.Study(runs.assign(final_loss=np.inf, diverged=True, diverged_at=100.0)), tmp_path)
    )
    assert page.images


def test_nothing_finished(tmp_path: Path) -> None:
    runs = table()
    with pytest.raises(ValueError, match="at least one finished run of the final phase"):
        write(synthetic.Study(runs.assign(phase="tuning")), tmp_path / "report")
    assert not (tmp_path / "report").exists()


def test_the_same_results_give_the_same_files(tmp_path: Path) -> None:
    study = synthetic.Study(table(tasks=("mimic",), seeds=3))
    for name in "ab":
        write(study, tmp_path / name)
    for one in sorted((tmp_path / "a").rglob("*.*")):
        other = tmp_path / "b" / one.relative_to(tmp_path / "a")
        assert one.read_bytes() == other.read_bytes(), one.name


def test_a_second_report_leaves_nothing_of_the_first(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    (tmp_path / "figures" / "mine.txt").write_text("kept")
    write(synthetic.Study(table(tasks=("mimic",))), tmp_path)
    names = {path.name for path in (tmp_path / "figures").iterdir()}
    assert "curves3.png" not in names
    assert "alignment.svg" not in names
    assert "mine.txt" in names


# --------------------------------------------------------------------------------------- the browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    selenium = pytest.importorskip("selenium.webdriver", reason="needs selenium to drive a browser")
    binary = next(filter(None, map(shutil.which, BROWSERS)), None)
    driver = shutil.which("chromedriver")
    if binary is None or driver is None:
        pytest.skip(
            f"needs a browser ({', '.join(BROWSERS)}) and chromedriver: Debian's chromium, chromium-driver"
        )
    options = selenium.ChromeOptions()
    options.binary_location = binary
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--window-size=1200,900"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    opened = selenium.Chrome(options=options, service=selenium.ChromeService(executable_path=driver))
    yield opened
    opened.quit()


def test_in_a_browser(folder: Path, browser: Any) -> None:
    """It opens from disk, complains of nothing, and every figure has a size."""
    browser.get((folder / "index.html").as_uri())
    assert browser.title == "A <study> & more"
    sizes = browser.execute_script(
        "return [...document.images].map(i => [i.complete, i.naturalWidth, i.clientWidth, i.clientHeight])"
    )
    assert len(sizes) == len(NAMES)
    for complete, natural, width, height in sizes:
        assert complete
        assert natural > 400
        assert width > 400
        assert height > 150
    assert browser.get_log("browser") == []
    loaded = browser.execute_script(
        "return performance.getEntriesByType('resource').map(e => e.name).filter(n => !n.startsWith('data:'))"
    )
    assert loaded == []
    # Tables scroll within themselves; the page never does sideways, not even on a phone.
    for width in (1200, 400):
        browser.set_window_size(width, 900)
        browser.execute_script("document.querySelectorAll('details').forEach(d => d.open = true)")
        over = browser.execute_script(
            "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        assert over <= 0


def test_the_browser_would_tell(tmp_path: Path, browser: Any) -> None:
    """The test above can fail: a page with an error and a broken picture shows both."""
    bad = tmp_path / "bad.html"
    bad.write_text("<link rel=icon href='data:,'><img src='none.svg'><script>throw new Error('no')</script>")
    browser.get(bad.as_uri())
    assert any("no" in entry["message"] for entry in browser.get_log("browser"))
    assert browser.execute_script("return document.images[0].naturalWidth") == 0
