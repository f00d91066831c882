"""The page: one HTML file that needs nothing beside it."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from axonomy.studies.report import text
from axonomy.studies.report.analysis import Analysis

if TYPE_CHECKING:
    from pandas import DataFrame

    from axonomy.studies.report.write import Drawn

SECTIONS = {
    "ranking": "Performance",
    "cost": "Cost",
    "curves": "Learning",
    "axes": "One axis at a time",
    "variance": "What explains performance",
    "clusters": "Clusters of performance",
    "alignment": "Alignment",
    "metrics": "Metrics that predict",
}

_STYLE = """
:root { color-scheme: light; }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 2rem 1.25rem 4rem; max-width: 62rem; color: #222; background: #fff;
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", "Liberation Sans", sans-serif; }
h1 { font-size: 1.9rem; line-height: 1.2; margin: 0 0 .25rem; }
h2 { font-size: 1.3rem; margin: 3rem 0 .75rem; padding-top: .75rem; border-top: 1px solid #ccc; }
h3 { font-size: 1rem; margin: 1.75rem 0 .4rem; }
p, li { max-width: 46rem; }
.soft, figcaption, .note { color: #555; }
nav { margin: 1rem 0 1.5rem; } nav a { margin-right: 1rem; white-space: nowrap; }
a { color: #005a8e; }
figure { margin: 1.5rem 0 2rem; } figure img { width: 100%; max-width: 54rem; height: auto; display: block; }
figcaption { font-size: .85rem; max-width: 54rem; margin-top: .5rem; } figcaption b { color: #222; }
.wide { overflow-x: auto; margin: .75rem 0; }
table { border-collapse: collapse; font-size: .82rem; font-variant-numeric: tabular-nums; }
th, td { padding: .2rem .6rem .2rem 0; text-align: left; white-space: nowrap; vertical-align: top; }
th { border-bottom: 1px solid #888; font-weight: 600; } td { border-bottom: 1px solid #eee; }
td.n, th.n { text-align: right; }
td.t { white-space: normal; min-width: 18rem; }
summary { cursor: pointer; color: #005a8e; margin: .5rem 0; }
pre { background: #f6f6f6; padding: .75rem; overflow-x: auto; font-size: .8rem; }
@media print { body { max-width: none; padding: 0; font-size: 10pt; } nav, summary { display: none; }
  figure, tr { break-inside: avoid; } h2, h3 { break-after: avoid; } a { color: inherit; } }
"""


def page(
    found: Analysis,
    drawn: Sequence[Drawn],
    findings: Sequence[str],
    *,
    name: str,
    version: str,
    study: str = "",
) -> str:
    """Return the page.

    Parameters
    ----------
    found : Analysis
    drawn : sequence of Drawn
        The figures, as files and as data.
    findings : sequence of str
        The sentences at its top.
    name : str
        Of the study.
    version : str
        Of the library.
    study : str
        The study's file, shown at the end.

    Returns
    -------
    str
        HTML.
    """
    sections = []
    for key, title in SECTIONS.items():
        own = [figure for figure in drawn if figure.section == key]
        body = "".join(map(_figure, own)) + _tables(key, found)
        # Two parts of a section may lack something; each says so.
        missing = [found.left_out[part] for part in (key, *_PARTS.get(key, ())) if part in found.left_out]
        body += "".join(f'<p class="note">{escape(sentence)}</p>' for sentence in missing)
        sections.append(f'<section id="{key}"><h2>{escape(title)}</h2>{body}</section>')
    links = " ".join(f'<a href="#{key}">{escape(title)}</a>' for key, title in SECTIONS.items())
    listed = "".join(f"<li>{escape(sentence)}</li>" for sentence in findings)
    about = (
        f"{text.count(len(found.rules), 'rule')}, {text.count(len(found.settings), 'task')} "
        f"({'; '.join(found.settings)}), {text.count(found.seeds, 'seed')}, "
        f"{text.count(len(found.runs), 'final run')} of {_steps(found)} steps; axonomy {version}."
    )
    unfinished = ""
    if found.missing:
        words = f"The study is not finished: {text.count(found.missing, 'run')} of it are still to be done."
        unfinished = f"<p><b>{escape(words)}</b></p>"
    source = f"<h2>The study</h2><pre>{escape(study)}</pre>" if study else ""
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(name)}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<link rel="icon" href="data:,"><style>{_STYLE}</style></head><body>'
        f'<header><h1>{escape(name)}</h1><p class="soft">{escape(about)}</p>{unfinished}</header>'
        f"<nav>{links}</nav><h3>What was "
        f"found</h3><ul>{listed}</ul>{''.join(sections)}{source}</body></html>\n"
    )


_PARTS = {"variance": ("mixed",)}


def _steps(found: Analysis) -> str:
    low, high = int(found.runs["steps"].min()), int(found.runs["steps"].max())
    return text.number(low) if low == high else f"{text.number(low)} to {text.number(high)}"


def _figure(figure: Drawn) -> str:
    links = ", ".join(
        f'<a href="figures/{file}">{file.rpartition(".")[2].upper()}</a>' for file in figure.files
    )
    return (
        f'<figure id="{figure.name}"><img src="{figure.data}" alt="{escape(figure.title)}" '
        f'width="{figure.width}" height="{figure.height}">'
        f"<figcaption><b>{escape(figure.title)}.</b> {escape(figure.caption)} ({links})</figcaption></figure>"
    )


def _tables(section: str, found: Analysis) -> str:
    match section:
        case "ranking":
            return _fold("Every rule in every task: losses, tuning, cost", _table(_means(found)))
        case "cost" if len(found.equal_cost):
            title = "New cells beside the best known rule that costs no more"
            return _fold(title, _table(_equal_cost(found)))
        case "axes" if "axes" not in found.left_out:
            return _fold(f"All {len(found.contrasts)} contrasts", _table(_effects(found.contrasts))) + _fold(
                f"All {len(found.pairs)} pairs of rules, Holm over all of them", _table(_effects(found.pairs))
            )
        case "variance":
            return _variance(found)
        case "clusters":
            return _agreement(found.performance, "mean normalised losses in each task, Euclidean distance")
        case "alignment":
            return _agreement(found.alignment, "distance √(2 − 2 cosine)")
        case "metrics" if "metrics" not in found.left_out:
            return _table(_predictors(found))
    return ""


def _means(found: Analysis) -> DataFrame:
    table = found.means
    seconds = table["seconds_per_step"] * 1e6
    return table.assign(
        mean=_with_interval(table, "mean", "low", "high"),
        steps_us=seconds.map(text.value),
        learning_rate=table["learning_rate"].map("{:g}".format) + table["edge"].map({True: "*", False: ""}),
    )[
        ["setting", "place", "rule", *("facing", "tensor", "randomness", "solution"), "bias", "mean", "seeds",
         "diverged", "learning_rate", "tuning_runs", "update_steps", "steps_us", "bytes"]
    ].rename(
        columns={"setting": "task", "mean": "final loss [95 %]", "steps_us": "µs a step",
                 "update_steps": "steps an update",
                 "learning_rate": "rate (* edge of grid)", "tuning_runs": "tuning runs"}
    )  # fmt: skip


def _equal_cost(found: Analysis) -> DataFrame:
    table = found.equal_cost
    made = table.assign(
        effect=_with_interval(table, "effect", "low", "high"),
        d=_with_interval(table, "d", "d_low", "d_high"),
        agreeing=_agreeing(table),
        **{name: table[name].map(text.p_value) for name in ("p", "holm", "p_t", "holm_t")},
    )
    kept = ["rule", "rival", "rivals", "effect", "d", "n", "agreeing", "p", "holm", "p_t", "holm_t"]
    return made[[*kept, "time_ratio", "bytes_ratio"]].rename(
        columns={
            "rule": "new cell", "rival": "best known rule", "rivals": "of", "effect": "new − known [95 %]",
            "d": "d [95 %]", "agreeing": "tasks agreeing", "p": "p (Wilcoxon)", "holm": "Holm",
            "p_t": "p (t)", "holm_t": "Holm (t)", "time_ratio": "times its time", "bytes_ratio": "its bytes",
        }
    )  # fmt: skip


def _effects(table: DataFrame) -> DataFrame:
    columns = [c for c in ("axis", "level_a", "level_b", "rule_a", "rule_b", "pairs") if c in table.columns]
    made = table.assign(
        effect=_with_interval(table, "effect", "low", "high"),
        d=_with_interval(table, "d", "d_low", "d_high"),
        agreeing=_agreeing(table),
        **{name: table[name].map(text.p_value) for name in ("p", "holm", "p_t", "holm_t", "shapiro")},
    )
    kept = [*columns, "effect", "d", "n", "agreeing", "p", "holm", "p_t", "holm_t", "shapiro"]
    return made[kept].rename(
        columns={
            "level_a": "a", "level_b": "b", "rule_a": "rule a", "rule_b": "rule b", "effect": "b − a [95 %]",
            "d": "d [95 %]", "agreeing": "tasks agreeing", "p": "p (Wilcoxon)", "holm": "Holm",
            "p_t": "p (t)", "holm_t": "Holm (t)", "shapiro": "p (normal)",
        }
    )  # fmt: skip


def _variance(found: Analysis) -> str:
    html = ""
    for decomposition, title in ((found.variance, "scores"), (found.ranked, "ranks of scores")):
        if decomposition is None:
            continue
        table = decomposition.table
        made = table.assign(
            omega_sq=_with_interval(table, "omega_sq", "low", "high"),
            **{name: table[name].map(text.p_value) for name in ("p", "p_rules")},
        )[["term", "df", "sum_sq", "omega_sq", "F", "p", "F_rules", "p_rules"]].rename(
            columns={
                "sum_sq": "sum of squares", "omega_sq": "ω² [95 %]", "F": "F (runs)", "p": "p (runs)",
                "F_rules": "F (rules)", "p_rules": "p (rules)",
            }
        )  # fmt: skip
        html += _fold(f"Analysis of variance of the {title}, type II, n = {decomposition.n}", _table(made))
        html += f"<h3>Assumptions, {escape(title)}</h3>"
        checks = decomposition.assumptions
        if len(checks):
            shown = checks.assign(p=checks["p"].map(text.p_value))[["check", "statistic", "p", "reading"]]
            html += _table(shown)
        else:
            html += '<p class="note">One run of each rule in each task leaves no residuals to look at.</p>'
    for mixed, title in ((found.mixed, "scores"), (found.mixed_ranked, "ranks of scores, 0 to 1")):
        if mixed is None:
            continue
        html += f"<h3>Mixed model of the {title}</h3><p>Axes fixed; task, seed, rule and the pairs with "
        html += f"task random; REML, n = {mixed.n}. "
        html += f"The fit {'converged' if mixed.converged else 'did not converge'}. "
        html += f"Normal residuals: Shapiro-Wilk p {text.p_value(mixed.shapiro)}."
        html += "".join(f" {escape(note)}" for note in mixed.notes) + "</p>"
        html += _table(
            mixed.axes.assign(p=mixed.axes["p"].map(text.p_value)).rename(columns={"statistic": "χ² (Wald)"})
        )
        effects = mixed.effects.assign(
            estimate=_with_interval(mixed.effects, "estimate", "low", "high"),
            p=mixed.effects["p"].map(text.p_value),
        )[["axis", "effect", "estimate", "p"]]
        html += _fold("Fixed effects", _table(effects.rename(columns={"estimate": "estimate [95 %]"})))
        html += _table(mixed.components)
    return html


def _agreement(clusters: Any, how: str) -> str:
    if clusters is None:
        return ""
    table = clusters.agreement
    made = table.assign(
        **{name: table[name].map(text.p_value) for name in ("p", "holm")}
    ).drop(columns="least_p").rename(
        columns={
            "rand": "adjusted Rand index", "levels": "levels and clusters",
            "null_high": "95 % of the null below", "holm": "Holm", "sizes": "sizes of clusters",
        }
    )  # fmt: skip
    words = (
        f"Hierarchical clustering of {clusters.n} rules ({how}; Ward's linkage), cut into as many clusters "
        "as an axis has levels, beside these levels; the null permutes the levels among the rules. 1 is "
        "agreement, 0 chance."
    )
    return f"<p>{escape(words)}</p>{_table(made)}"


def _predictors(found: Analysis) -> DataFrame:
    table = found.predictors
    return table.assign(
        r=_with_interval(table, "r_squared", "r_low", "r_high"),
        rho=_with_interval(table, "rank_correlation", "low", "high"),
        **{name: table[name].map(text.p_value) for name in ("p", "holm")},
    )[["metric", "r", "rho", "p", "holm", "rules", "settings", "n"]].rename(
        columns={
            "r": "cross-validated R² [95 %]", "rho": "rank correlation [95 %]", "p": "p (permutation)",
            "holm": "Holm", "settings": "tasks",
        }
    )  # fmt: skip


def _with_interval(table: DataFrame, value: str, low: str, high: str) -> list[str]:
    columns = (table[value], table[low], table[high])
    return [f"{text.value(v)} {text.interval(a, b)}".strip() for v, a, b in zip(*columns, strict=True)]


def _agreeing(table: DataFrame) -> list[str]:
    """How many tasks have the sign of the whole; a dash where there was no test."""
    pairs = zip(table["tasks_agreeing"], table["tasks"], strict=True)
    return [f"{some:.0f} of {all_:.0f}" if all_ > 0 else "–" for some, all_ in pairs]


def _fold(title: str, body: str) -> str:
    return f"<details><summary>{escape(title)}</summary>{body}</details>"


def _table(table: DataFrame) -> str:
    """A table; numbers to the right, words that are long broken."""

    def cell(value: Any) -> str:
        if isinstance(value, (bool, np.bool_)):
            return f"<td>{'yes' if value else 'no'}</td>"
        if isinstance(value, (int, np.integer)):
            return f'<td class="n">{text.number(int(value))}</td>'
        if isinstance(value, (float, np.floating)):
            whole = np.isfinite(value) and abs(float(value)) >= 1000 and float(value).is_integer()
            return f'<td class="n">{text.number(int(value)) if whole else text.value(float(value))}</td>'
        words = str(value)
        long = ' class="t"' if len(words) > 60 else ""
        return f"<td{long}>{escape(words)}</td>"

    numeric = [
        np.issubdtype(kind, np.number) if isinstance(kind, np.dtype) else False for kind in table.dtypes
    ]
    right = {True: ' class="n"', False: ""}
    heads = "".join(
        f"<th{right[number]}>{escape(str(column))}</th>"
        for column, number in zip(table.columns, numeric, strict=True)
    )
    rows = "".join(f"<tr>{''.join(map(cell, row))}</tr>" for row in table.itertuples(index=False, name=None))
    return f'<div class="wide"><table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div>'
