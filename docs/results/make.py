"""What is in this folder, and the numbers of its page and of the README, from the results of the study.

    axonomy study table --out RESULTS
    python docs/results/make.py RESULTS

The first takes hours; the second makes the report of it, as `axonomy report RESULTS` does, keeps the figures
and tables that the page speaks of, and writes what stands between the markers of the two pages. Without
RESULTS it writes these once more from the tables that are here.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd

from axonomy import studies
from axonomy.studies.report import Analysis, text, write
from axonomy.studies.report.findings import by_question
from axonomy.studies.statistics.prediction import TOGETHER

HERE = Path(__file__).parent
PAGES = (HERE / "README.md", HERE.parents[1] / "README.md")
FIGURES = ("ranking", "periodic_table", "cost", "axis_effects", "variance", "alignment", "metrics")
CLUSTERS = ("performance", "alignment")
TABLES = (
    "scores", "means", "rules", "contrasts", "equal_cost", "variance", "variance_assumptions",
    "variance_of_ranks", "variance_of_ranks_assumptions", "performance_agreement", "performance_matrix",
    "alignment_agreement", "alignment_matrix", "predictors",
)  # fmt: skip


def collect(folder: Path) -> None:
    """Make the report of a study and keep of it what belongs here."""
    results = studies.Results.open(folder)
    report = folder / "report"
    write(results, report, name=results.study.name, study=results.study.to_toml())
    for kind, names, end in (("figures", FIGURES, "png"), ("statistics", TABLES, "csv")):
        for name in names:
            (HERE / f"{name}.{end}").unlink(missing_ok=True)
            if (report / kind / f"{name}.{end}").exists():  # metrics come last in a study
                shutil.copy(report / kind / f"{name}.{end}", HERE)
    shutil.copy(folder / "study.toml", HERE)
    study, runs = results.study, results.runs()
    about = {
        "steps": study.steps,
        "n": study.n,
        "rates": len(study.learning_rates),
        "tuning_seeds": len(study.tuning_seeds),
        "tuning_runs": int((runs["phase"] == "tuning").sum()),
        "final_runs": int((runs["phase"] == "final").sum()),
        "missing": results.missing(),
        "training_hours": round(float((runs["seconds_per_step"] * runs["steps"]).sum()) / 3600, 2),
    }
    (HERE / "about.json").write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")


def found() -> Analysis:
    """The analysis, as far as the tables that are here have it."""
    tables = {
        name: pd.read_csv(HERE / f"{name}.csv", keep_default_na=False, na_values=["", "nan"])
        for name in TABLES
        if (HERE / f"{name}.csv").exists()
    }
    # Where there is no rival, there is no name of one.
    tables["equal_cost"]["rival"] = tables["equal_cost"]["rival"].fillna("")
    parts: dict[str, Any] = dict.fromkeys(Analysis.__dataclass_fields__)
    parts |= {name: tables[name] for name in ("scores", "means", "rules", "contrasts", "equal_cost")}
    parts |= {"runs": tables["scores"], "predictors": tables.get("predictors"), "left_out": {}}
    for part, name in (("variance", "variance"), ("ranked", "variance_of_ranks")):
        parts[part] = SimpleNamespace(table=tables[name], assumptions=tables[f"{name}_assumptions"])
    for name in CLUSTERS:
        if f"{name}_agreement" in tables:
            n = len(tables[f"{name}_matrix"])
            parts[name] = SimpleNamespace(agreement=tables[f"{name}_agreement"], n=n)
    if "predictors" not in tables:
        parts["left_out"]["metrics"] = "not measured"
    return Analysis(**parts)


def blocks(found: Analysis) -> dict[str, str]:
    """What stands between the markers, by their names."""
    said = by_question(found)
    # A missing answer is said to be missing, never left out.
    sentences = {
        f"says {name}": said.get(name, "Not measured yet.")
        for name in ("best", "equal cost", "axes", "shares", "clusters", "alignment", "metrics")
    }
    return sentences | {
        "run": _run(found),
        "rules": _rules(found),
        "equal cost": _equal_cost(found),
        "axes": _axes(found),
        "shares": _shares(found),
        "clusters": _clusters(found),
        "alignment": _alignment(found),
        "metrics": _metrics(found),
    }


def filled(page: str, blocks: dict[str, str]) -> str:
    """A page with what its markers are to hold."""

    def block(match: re.Match[str]) -> str:
        begin, name, end = match.groups()
        return f"{begin}\n{blocks[name]}\n{end}" if name in blocks else match[0]

    return re.sub(r"(<!-- ([a-z ]+) -->)\n.*?(<!-- /\2 -->)", block, page, flags=re.DOTALL)


def _run(found: Analysis) -> str:
    about = json.loads((HERE / "about.json").read_text(encoding="utf-8"))
    said = by_question(found)
    rules, tasks = text.count(len(found.rules), "rule"), text.count(len(found.settings), "task")
    seeds = text.count(int(found.means["seeds"].max()), "seed")
    words = [
        f"{rules} on {tasks} ({', '.join(map(_task, found.settings))}), {seeds}, "
        f"{text.number(about['steps'])} steps, {about['n']} units: {text.number(about['final_runs'])} final "
        f"runs, after {text.number(about['tuning_runs'])} runs of tuning, {about['rates']} learning rates on "
        f"{about['tuning_seeds']} other seeds for each rule and task. Training alone took "
        f"{about['training_hours']:.1f} hours of one core.",
        said["diverged"],
        said.get("edges", "No tuned rate is at an edge of the grid."),
    ]
    if about["missing"]:
        words.append(
            f"The study is not finished: {text.count(about['missing'], 'run')} of it are still to be done."
        )
    return " ".join(words)


def _rules(found: Analysis) -> str:
    losses = found.means.set_index(["rule", "setting"])["mean"]
    rows = [
        (
            _rule(row["rule"]),
            row["status"],
            _with(row, "score", "low", "high"),
            *(_loss(losses, row["rule"], setting) for setting in found.settings),
            text.value(row["seconds_per_step"] * 1e6),
            text.number(int(row["bytes"])),
        )
        for _, row in found.rules.iterrows()
    ]
    return _table(
        ("rule", "", "normalised loss [95 %]", *map(_task, found.settings), "µs a step", "bytes"),
        rows,
        words=2,
    )


def _loss(losses: Any, rule: str, setting: str) -> str:
    return text.value(losses[rule, setting]) if (rule, setting) in losses.index else "–"


def _equal_cost(found: Analysis) -> str:
    rows = [
        (
            _rule(row["rule"]), _rule(row["rival"]), _with(row, "effect", "low", "high"), _agreeing(row),
            text.p_value(row["holm"]), text.value(row["time_ratio"]), text.value(row["bytes_ratio"]),
        )
        for _, row in found.equal_cost.iterrows()
        if row["rival"]
    ]  # fmt: skip
    heads = ("new cell", "best known rule", "difference [95 %]", "tasks agreeing", "Holm p", "time, times")
    return _table((*heads, "bytes, times"), rows, words=2)


def _axes(found: Analysis) -> str:
    rows = [
        (
            row["axis"], f"{_rule(row['level_a'])} → {_rule(row['level_b'])}", str(row["pairs"]),
            _with(row, "effect", "low", "high"), text.value(row["median"]), _agreeing(row),
            text.p_value(row["holm"]),
        )
        for _, row in found.contrasts.iterrows()
    ]  # fmt: skip
    heads = ("axis", "levels", "pairs", "difference [95 %]", "median", "tasks agreeing", "Holm p")
    return _table(heads, rows, words=2)


def _shares(found: Analysis) -> str:
    assert found.variance is not None
    assert found.ranked is not None
    ranked = found.ranked.table.set_index("term")
    rows = []
    for _, row in found.variance.table.iterrows():
        if row["term"] == "residual" or not row["df"]:
            continue
        p = row["p_rules"] if row["p_rules"] == row["p_rules"] else row["p"]
        of_ranks = text.short(*ranked.loc[row["term"], ["omega_sq", "low", "high"]])
        share = text.short(row["omega_sq"], row["low"], row["high"])
        rows.append((row["term"].replace(":", " × "), str(int(row["df"])), share, of_ranks, text.p_value(p)))
    return _table(("term", "df", "ω² of scores [95 %]", "ω² of ranks [95 %]", "p"), rows)


def _clusters(found: Analysis) -> str:
    rows = []
    for name in CLUSTERS:
        if (clusters := getattr(found, name)) is None:
            continue
        rows += [
            (name, row["axis"], str(row["levels"]), text.value(row["rand"]), text.value(row["null_high"]),
             text.p_value(row["holm"]))
            for _, row in clusters.agreement.iterrows()
        ]  # fmt: skip
    heads = ("clusters of", "axis", "levels", "adjusted Rand index", "95 % of chance below", "Holm p")
    return _table(heads, rows)


def _alignment(found: Analysis) -> str:
    if found.alignment is None:
        return "Not measured yet."
    return "![Cosines between the gradients of all pairs of rules](alignment.png)"


def _metrics(found: Analysis) -> str:
    if found.predictors is None:
        return "Not measured yet."
    rows = [
        (
            row["metric"].replace("_", " "), _with(row, "r_squared", "r_low", "r_high"),
            "–" if row["metric"] == TOGETHER else _with(row, "rank_correlation", "low", "high"),
            text.p_value(row["holm"]), str(row["rules"]),
        )
        for _, row in found.predictors.iterrows()
    ]  # fmt: skip
    heads = ("metric", "R², a rule left out [95 %]", "ρ [95 %]", "Holm p of ρ", "rules")
    return f"{_table(heads, rows)}\n\n![Metrics of gradients against final performance](metrics.png)"


def _rule(name: str) -> str:
    return name.replace("|", "\\|")


def _task(setting: str) -> str:
    """Its name alone, but for what sets the two forms of Add apart."""
    return setting.partition(", ")[0] + (", sparse" if "density" in setting else "")


def _with(row: Any, value: str, low: str, high: str) -> str:
    return f"{text.value(row[value])} {text.interval(row[low], row[high])}".strip()


def _agreeing(row: Any) -> str:
    return f"{row['tasks_agreeing']:.0f} of {row['tasks']:.0f}"


def _table(heads: tuple[str, ...], rows: list[tuple[str, ...]], words: int = 1) -> str:
    """So many columns of words, to the left; the others, of numbers, to the right."""
    lines = ["---" if i < words else "---:" for i in range(len(heads))]
    return "\n".join(f"| {' | '.join(row)} |" for row in (heads, tuple(lines), *rows))


if __name__ == "__main__":
    if len(sys.argv) > 1:
        collect(Path(sys.argv[1]))
    everything = blocks(found())
    for page in PAGES:
        page.write_text(filled(page.read_text(encoding="utf-8"), everything), encoding="utf-8")
