"""What was found, in sentences; each says its numbers, and those that found nothing say so."""

from __future__ import annotations

from typing import Any

import numpy as np

from axonomy.studies.report import text
from axonomy.studies.report.analysis import Analysis
from axonomy.studies.statistics import AXES
from axonomy.studies.statistics.prediction import TOGETHER
from axonomy.studies.statistics.scores import repeated

ALPHA = 0.05


def findings(found: Analysis) -> list[str]:
    """Return the sentences, in the order of the page."""
    return list(by_question(found).values())


def by_question(found: Analysis) -> dict[str, str]:
    """Return them by what they answer; what the study does not have is not there."""
    parts = {
        "best": _best,
        "equal cost": _equal_cost,
        "diverged": _diverged,
        "edges": _edges,
        "axes": _axes,
        "shares": _shares,
        "clusters": _clusters,
        "alignment": _alignment,
        "metrics": _predictors,
    }
    return {name: sentence for name, part in parts.items() if (sentence := part(found))}


def _best(found: Analysis) -> str:
    own = found.rules[(found.rules["status"] != "baseline") & found.rules["everywhere"]]
    own = own[~repeated(own.assign(setting=""))]
    rows = [row for _, row in own.head(3).iterrows()]
    if not rows:
        return ""
    names = [
        f"{row['rule']} ({text.value(row['score'])} {text.interval(row['low'], row['high'])})".replace(
            " )", ")"
        )
        for row in rows
    ]
    return f"Lowest normalised loss over all tasks ({found.scale}): {', '.join(names)}."


def _equal_cost(found: Analysis) -> str:
    table = found.equal_cost
    compared = int((table["n"] > 0).sum())
    if not compared:
        return ""
    # Means that a few differences make are left out here too.
    better = table[(table["holm"] < ALPHA) & (table["effect"] < 0) & (table["median"] < 0)]
    tests = f"Wilcoxon, Holm over {text.count(compared, 'new cell')}"
    if not len(better):
        return f"No new cell is better than the known rules that cost no more beyond chance ({tests})."
    names = [
        f"{row['rule']} (than {row['rival']} by {text.value(-row['effect'])} "
        f"{text.interval(-row['high'], -row['low'])})".replace(" )", ")")
        for _, row in better.iterrows()
    ]
    return (
        "New cells better than every known rule that costs no more, in time and bytes "
        f"({tests}): {', '.join(names)}."
    )


def _diverged(found: Analysis) -> str:
    hit = found.rules[found.rules["diverged"] > 0]
    if not len(hit):
        return "No run of the final phase diverged."
    names = [f"{row['rule']} {row['diverged']} of {row['runs']}" for _, row in hit.iterrows()]
    return f"Diverged runs of the final phase: {', '.join(names)}; each counts as a score of 2."


def _edges(found: Analysis) -> str:
    edge = int(found.means["edge"].sum())
    if not edge:
        return ""
    return (
        f"{edge} of {text.count(len(found.means), 'tuned rate')} are at an edge of the grid: a wider "
        "one might serve these rules better."
    )


def _axes(found: Analysis) -> str:
    if "axes" in found.left_out:
        return ""
    blocks = int(found.contrasts["n"].max())
    # The least p of Wilcoxon's test, of so many tests in Holm's correction.
    if len(found.contrasts) * 2.0 ** (1 - blocks) >= ALPHA:
        return (
            f"Varied one at a time, no axis can be told from chance: {text.count(blocks, 'pair')} of task "
            f"and seed are too few for {text.count(len(found.contrasts), 'contrast')} (Wilcoxon, Holm)."
        )
    sure = found.contrasts[found.contrasts["holm"] < ALPHA]
    # A mean that a few differences make is another thing than what the test found.
    sure = sure[np.sign(sure["effect"]) == np.sign(sure["median"])]
    if not len(sure):
        return (
            f"Varied one at a time, no axis changes performance beyond chance (Wilcoxon, Holm over "
            f"{text.count(len(found.contrasts), 'contrast')})."
        )
    row = sure.loc[sure["effect"].abs().idxmax()]
    better, worse = (
        (row["level_b"], row["level_a"]) if row["effect"] < 0 else (row["level_a"], row["level_b"])
    )
    low, high = (-row["high"], -row["low"]) if row["effect"] < 0 else (row["low"], row["high"])
    return (
        f"Varied one at a time, {len(sure)} of {text.count(len(found.contrasts), 'contrast')} differ beyond "
        f"chance (Holm). The largest is of the axis {row['axis']}: {better} is better than {worse} by "
        f"{text.value(abs(row['effect']))} {text.interval(low, high)} of the normalised loss, d = "
        f"{text.value(abs(row['d']))}, in {row['tasks_agreeing']} of {text.count(row['tasks'], 'task')}."
    )


def _shares(found: Analysis) -> str:
    if found.variance is None or "variance" in found.left_out:
        return ""
    table = found.variance.table.set_index("term")
    axes = [axis for axis in AXES if axis in table.index and table.loc[axis, "df"] > 0]
    shares = [f"{axis} {text.short(*table.loc[axis, ['omega_sq', 'low', 'high']])}" for axis in axes]
    if not shares:
        return ""
    broken = found.variance.assumptions
    broken = broken[~broken["holds"].astype(bool)]
    doubt = ""
    if len(broken):
        doubt = f" Not all assumptions hold ({'; '.join(broken['check'])}); the ranks are beside it."
    return f"Share of the variance of performance (ω²): {', '.join(shares)}.{doubt}"


def _clusters(found: Analysis) -> str:
    sentences = []
    for clusters, what in ((found.performance, "performance"), (found.alignment, "alignment")):
        if clusters is None or not len(clusters.agreement):
            continue
        agreement = clusters.agreement
        sure = agreement[agreement["holm"] < ALPHA]
        if len(sure):
            names = [f"{row['axis']} (Rand {text.value(row['rand'])})" for _, row in sure.iterrows()]
            sentences.append(f"Clusters of {what} agree with {', '.join(names)} beyond chance.")
        elif (len(agreement) * agreement["least_p"] >= ALPHA).all():
            sentences.append(
                f"Clusters of {what} of {text.count(clusters.n, 'rule')} cannot be told from chance: too few."
            )
        else:
            best = agreement.loc[agreement["rand"].idxmax()]
            sentences.append(
                f"Clusters of {what} agree with no axis beyond chance (highest adjusted Rand index: "
                f"{best['axis']}, {text.value(best['rand'])}, Holm p {text.p_value(best['holm'])})."
            )
    return " ".join(sentences)


def _predictors(found: Analysis) -> str:
    if "metrics" in found.left_out:
        return ""
    single = found.predictors[found.predictors["metric"] != TOGETHER]
    best = single.iloc[0]
    name, words = _name(best), _prediction(best)
    if not best["r_low"] > 0:
        return f"No metric predicts how a rule that was left out performs; the best is {name}: {words}."
    return f"Of the metrics, {name} predicts best how a rule that was left out performs: {words}."


def _alignment(found: Analysis) -> str:
    if "metrics" in found.left_out:
        return ""
    cosines = found.predictors[found.predictors["metric"].str.startswith("cosine")]
    if not len(cosines):
        return ""
    best = cosines.iloc[0]
    name, words = _name(best), _prediction(best)
    if not best["r_low"] > 0:
        return f"Alignment with the exact gradient does not predict performance; best is the {name}: {words}."
    return f"Alignment with the exact gradient predicts performance, best by the {name}: {words}."


def _name(row: Any) -> str:
    return str(row["metric"]).replace("_", " ")


def _prediction(row: Any) -> str:
    return (
        f"cross-validated R² = {text.value(row['r_squared'])} "
        f"{text.interval(row['r_low'], row['r_high'])}, ρ = {text.value(row['rank_correlation'])} "
        f"{text.interval(row['low'], row['high'])}"
    )
