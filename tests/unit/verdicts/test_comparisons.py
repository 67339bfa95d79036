"""From tables to estimates: paired by seed, at the right steps, and nothing that diverged is dropped on the way."""

import math

import numpy as np
import pandas as pd
import pytest

from workflow_scripts.ticketlab.core import statistics
from workflow_scripts.ticketlab.instruments.transience import PATH
from workflow_scripts.ticketlab.settings.judging import JudgingSettings
from workflow_scripts.ticketlab.tables import files
from workflow_scripts.ticketlab.tables.schemas.comparisons import COMPARISONS
from workflow_scripts.ticketlab.verdicts import comparisons

SETTINGS = JudgingSettings(metric="loss", margin=0.1)
SEEDS = 4
LAST = 10


def rows_of(variant, values, *, rewind_step=0, level=0, density=1.0, steps=(0, 3, LAST), split="test", metric="loss"):
    """values: (seeds, steps)."""
    values = np.broadcast_to(np.asarray(values, float), (SEEDS, len(steps)))
    frame = pd.DataFrame(values, columns=pd.Index(steps, name="step")).rename_axis("init_seed").stack()
    return frame.rename("value").reset_index().assign(
        study="s", data_seed=lambda f: f["init_seed"], variant=variant, rewind_step=rewind_step, level=level,
        density=density, split=split, metric=metric,
    )  # fmt: skip


def course(*ends):
    """Curves (seeds, 3 steps) that begin at 3 and end at these values."""
    return np.array([[3.0, 2.0, end] for end in ends])


@pytest.fixture
def metrics():
    """Seeds 0…3 with dense ends 1, 2, 3, 4: only paired differences are small."""
    dense = course(1.0, 2.0, 3.0, 4.0)
    end = [0, 0, 1]
    small = np.random.default_rng(1).normal(0, 1e-4, (SEEDS, 3))
    parts = [
        rows_of("dense", dense),
        rows_of("ticket", dense - 0.05 * np.array(end) + small, level=1, density=0.5),
        rows_of("shuffled", dense + 0.2 * np.array(end) + small[::-1], level=1, density=0.5),
        rows_of("dense_total", dense[:, :2] - 0.5 + small[:, :2], level=1, density=1.0, steps=(0, 30)),
        rows_of("supermask_kaiming", dense + 0.3 + small, level=1, density=0.3, steps=(0, 5, 20)),
    ]
    test = pd.concat(parts)
    noise = np.random.default_rng(0).uniform(9, 10, len(test))
    others = [test.assign(split="train", value=noise), test.assign(metric="error", value=noise)]
    return pd.concat([test, test.assign(split="validation"), *others], ignore_index=True).sample(frac=1, random_state=0)


def table(rows):
    return pd.DataFrame(rows)


def one(frame, **where):
    for column, value in where.items():
        frame = frame[frame[column] == value]
    assert len(frame) == 1, frame
    return frame.iloc[0]


def test_differences_are_paired_by_seed(metrics):
    found = table(comparisons.tickets(metrics, SETTINGS, LAST))
    end = one(found, quantity="loss", contrast="ticket - dense", step=LAST)
    assert (end["estimate"], end["ci_low"], end["ci_high"]) == pytest.approx((-0.05, -0.05, -0.05), abs=1e-3)
    assert end["n"] == SEEDS and end["density"] == 0.5 and end["level"] == 1 and end["p"] < 1e-6
    assert one(found, contrast="ticket - shuffled")["estimate"] == pytest.approx(-0.25, abs=1e-3)
    dense = one(found, quantity="loss", contrast="dense", step=LAST)
    assert dense["estimate"] == pytest.approx(2.5) and dense["ci_high"] - dense["ci_low"] > 1


def test_emptied_parts_are_shares_of_networks_by_variant_and_round(metrics):
    metrics["emptied"] = ""
    tickets = metrics["variant"].eq("ticket")
    metrics.loc[tickets & metrics["init_seed"].isin([0, 2]), "emptied"] = "layers.1, table"
    metrics.loc[tickets & metrics["init_seed"].eq(1), "emptied"] = "table"
    found = table(comparisons.emptied(metrics))
    assert len(found) == 2 and set(found["n"]) == {SEEDS} and set(found["density"]) == {0.5}
    assert one(found, contrast="ticket", quantity="layers.1", level=1)["estimate"] == 0.5
    assert one(found, contrast="ticket", quantity="table", level=1)["estimate"] == 0.75
    assert not list(comparisons.emptied(metrics[metrics["variant"] == "dense"]))


def test_the_course_is_compared_at_every_recorded_step(metrics):
    found = table(comparisons.tickets(metrics, SETTINGS, LAST))
    steps = found[found["quantity"].eq("loss") & found["contrast"].eq("ticket - dense")]["step"]
    assert sorted(steps) == [0, 3, LAST]


def test_dense_at_imps_total_steps_is_compared_at_its_own_end_with_the_margin(metrics):
    found = table(comparisons.tickets(metrics, SETTINGS, LAST))
    row = one(found, contrast="ticket - dense_total")
    values = np.array([1.0, 2.0, 3.0, 4.0]) - 0.05 - 1.5
    assert row["estimate"] == pytest.approx(values.mean(), abs=1e-3) and row["step"] == LAST
    assert not found["contrast"].eq("dense_total - dense").any()


def test_supermasks_are_no_tickets_and_are_compared_at_their_end_and_with_a_random_mask(metrics):
    assert not table(comparisons.tickets(metrics, SETTINGS, LAST))["contrast"].str.contains("supermask").any()
    found = table(comparisons.supermasks(metrics, SETTINGS))
    against = one(found, contrast="supermask_kaiming - dense")
    assert against["estimate"] == pytest.approx(0.3, abs=1e-3) and against["step"] == 20
    assert against["density"] == pytest.approx(0.3)
    assert one(found, contrast="supermask_kaiming - random mask")["estimate"] == pytest.approx(2.5 - 3.0, abs=1e-3)


def test_the_metric_of_the_settings_is_compared(metrics):
    settings = SETTINGS.model_copy(update={"metric": "error"})
    found = table(comparisons.tickets(metrics, settings, LAST))
    assert one(found, quantity="error", contrast="dense", step=LAST)["estimate"] > 8


def test_unpaired_seeds_are_refused(metrics):
    lost = metrics[~(metrics["variant"].eq("ticket") & metrics["init_seed"].eq(2))]
    with pytest.raises(ValueError, match=r"unpaired seeds: \[0, 1, 3\] and \[0, 1, 2, 3\]"):
        list(comparisons.tickets(lost, SETTINGS, LAST))


SPEED = {("steps_to_worse_end", "ticket"), ("steps_to_worse_end", "ticket - dense")}
SHUFFLED_SPEED = {("steps_to_worse_end", "shuffled"), ("steps_to_worse_end", "shuffled - dense")}
# Which comparisons become unknown when a network of a variant diverges at its end.
LOST = {
    "dense": {*SPEED, *SHUFFLED_SPEED}
    | {("loss", c) for c in ("dense", "ticket - dense", "shuffled - dense", "supermask_kaiming - dense")},
    "ticket": {*SPEED}
    | {("loss", c) for c in ("ticket", "ticket - dense", "ticket - shuffled", "ticket - dense_total")},
    "shuffled": {*SHUFFLED_SPEED} | {("loss", c) for c in ("shuffled", "shuffled - dense", "ticket - shuffled")},
    "dense_total": {("loss", "dense_total"), ("loss", "ticket - dense_total")},
    "supermask_kaiming": {("loss", f"supermask_kaiming{against}") for against in ("", " - dense", " - random mask")},
}


@pytest.mark.parametrize("variant", LOST)
def test_a_diverged_network_makes_its_comparisons_unknown_and_no_others(metrics, variant):
    healthy = table([*comparisons.tickets(metrics, SETTINGS, LAST), *comparisons.supermasks(metrics, SETTINGS)])
    mine = metrics["variant"] == variant
    hit = mine & metrics["init_seed"].eq(1) & metrics["step"].eq(metrics[mine]["step"].max())
    broken = metrics.assign(value=metrics["value"].mask(hit))
    found = table([*comparisons.tickets(broken, SETTINGS, LAST), *comparisons.supermasks(broken, SETTINGS)])
    assert found["n"].equals(healthy["n"]) and found["contrast"].equals(healthy["contrast"])
    lost = found[["estimate", "ci_low", "ci_high", "p"]].isna().all(axis=1)
    assert set(map(tuple, found[lost][["quantity", "contrast"]].to_numpy())) == LOST[variant]
    assert lost.sum() == len(LOST[variant])  # each once: earlier steps are as they were
    assert found[~lost]["estimate"].equals(healthy[~lost]["estimate"])


def test_all_rows_fit_the_table(metrics, tmp_path):
    frame = table([*comparisons.tickets(metrics, SETTINGS, LAST), *comparisons.supermasks(metrics, SETTINGS)])
    files.write(tmp_path / "c.parquet", COMPARISONS, frame.assign(study="s"), {})
    assert len(files.read(tmp_path / "c.parquet", COMPARISONS)) == len(frame)


def reach(curve, target, steps=(0, 9, 99)):
    values = pd.DataFrame([curve], columns=steps)
    return comparisons.steps_to_reach(values, pd.Series([target])).item()


def test_steps_to_reach_a_loss():
    assert reach([3.0, 2.0, 1.0], 2.0) == 9
    assert reach([3.0, 2.0, 1.0], 1.5) == pytest.approx(10**1.5 - 1)  # half way in log(step + 1)
    assert reach([3.0, 2.0, 1.0], 5.0) == 0
    assert reach([3.0, 2.0, 1.0], 0.5) == 99  # never
    assert reach([3.0, 1.0, 2.0], 1.0) == pytest.approx(9)  # reached and left again


@pytest.mark.parametrize("last", [7, 120, 400, 800, 12345])
def test_a_network_that_ends_at_its_target_needs_exactly_all_steps_like_one_that_never_gets_there(last):
    """Or a rounding would tell apart two networks that end alike."""
    assert reach([3.0, 2.0, 1.1], 1.1, steps=(0, 3, last)) == last == reach([3.0, 2.0, 1.5], 1.1, steps=(0, 3, last))


@pytest.mark.parametrize(("curve", "target"), [([3.0, math.nan, math.nan], 2.0), ([3.0, 2.0, 1.0], math.nan)])
def test_steps_to_reach_of_a_diverged_network_are_unknown(curve, target):
    assert math.isnan(reach(curve, target))


def speed(dense, ticket, steps=(0, 9, 99), ticket_steps=None):
    """How many steps later the ticket gets to the loss that both reach; curves (seeds, steps)."""
    parts = [rows_of("dense", dense, steps=steps)]
    parts.append(rows_of("ticket", ticket, level=1, density=0.5, steps=ticket_steps or steps))
    both = [pd.concat(parts).assign(split=split) for split in ("test", "validation")]
    found = table(comparisons.tickets(pd.concat(both), SETTINGS, steps[-1]))
    return one(found, quantity="steps_to_worse_end", contrast="ticket - dense")


def test_the_loss_to_reach_is_the_worse_of_both_ends():
    """The one that ends worse needs all steps, the other as many as until it has come as low."""
    needed = 10**1.75 - 1  # from 2 at step 9 three quarters of the way down to 1 at step 99, in log(step + 1)
    assert speed([3.0, 2.0, 1.0], [3.0, 2.5, 1.25])["estimate"] == pytest.approx(99 - needed)
    assert speed([3.0, 2.5, 1.25], [3.0, 2.0, 1.0])["estimate"] == pytest.approx(needed - 99)


def test_what_the_one_reaches_sooner_the_other_reaches_later():
    first, second = np.random.default_rng(0).uniform(1, 3, (2, SEEDS, 3))
    there, back = speed(first, second), speed(second, first)
    assert there["estimate"] == pytest.approx(-back["estimate"]) and there["p"] == pytest.approx(back["p"])
    assert there["ci_low"] == pytest.approx(-back["ci_high"]) and there["estimate"] != 0


def test_a_rewound_ticket_and_dense_are_looked_at_from_the_same_step_on():
    """Dense, as low early on as at its end, would be credited with steps at which the ticket did not exist."""
    assert speed([0.5, 2.0, 1.0], [2.0, 1.0], ticket_steps=(9, 99))["estimate"] == 0


def test_of_two_networks_of_one_law_neither_is_sooner_more_often_than_alpha():
    """Nor to either side. With the end of one as the loss to reach, that one comes last by construction."""
    studies, seeds, alpha, steps = 1000, 5, 0.05, np.array([0, 1, 3, 10, 30, 100])
    random = np.random.default_rng(0)
    shared = random.normal(0, 0.05, (studies * seeds, 1))  # of one initialisation and data order

    def curves():
        falling = 3 * (steps + 1.0) ** -random.uniform(0.4, 0.6, (studies * seeds, 1))
        return pd.DataFrame(1 + shared + falling + random.normal(0, 0.05, (studies * seeds, len(steps))), columns=steps)

    def shares(first, second):
        """Of studies in which the first is found sooner, and later."""
        found = [statistics.mean_interval(row, alpha) for row in (first - second).to_numpy().reshape(studies, seeds)]
        return [np.mean([r.p < alpha and side * r.estimate > 0 for r in found]) for side in (-1, 1)]

    ticket, dense = curves(), curves()
    sooner, later = shares(*comparisons.steps_to_worse_end(ticket, dense))
    assert sooner == pytest.approx(alpha / 2, abs=0.01) and later == pytest.approx(alpha / 2, abs=0.01)
    target = dense.iloc[:, -1]
    sooner, later = shares(*(comparisons.steps_to_reach(values, target) for values in (ticket, dense)))
    assert sooner > 3 * alpha / 2 and later == 0


def distances(values, steps=(0, 2, 8, 32), name="bigram"):
    values = np.asarray(values, float)
    frame = pd.DataFrame(values, columns=pd.Index(steps, name="step")).rename_axis("init_seed").stack(future_stack=True)
    return frame.rename("distance").reset_index().assign(structure=name)


def ways(path, **found):
    """The table `retained`: distances of what is left by way, (seeds, steps), and the least on the path, (seeds,)."""
    parts = [distances(values).assign(way=way.replace("_", " ")) for way, values in found.items()]
    last = distances(np.asarray(path)[:, None], steps=(32,)).assign(way=PATH)
    return pd.concat([*parts, last])


def compared_structure(values, retained):
    return table(comparisons.structure(distances(values), retained, SETTINGS))


def test_acquired_and_forgotten():
    values = np.array([[1.0, 0.5, 0.2, 0.6]] * 8) + np.random.default_rng(0).normal(0, 0.01, (8, 4))
    found = compared_structure(values, ways([0.5] * 8))
    acquired, forgotten = one(found, contrast="acquired"), one(found, contrast="forgotten")
    assert acquired["estimate"] == pytest.approx(0.8, abs=0.02) and acquired["p"] < 1e-6 and acquired["step"] == 8
    assert forgotten["estimate"] == pytest.approx(0.5, abs=0.03) and forgotten["n"] == 8
    assert sorted(found[found["contrast"] == "distance"]["step"]) == [0, 2, 8, 32]


def test_what_was_never_acquired_cannot_be_forgotten():
    values = np.array([[1.0, 1.1, 1.2, 1.3]] * 4)
    found = compared_structure(values, ways([1.0] * 4, part=values))
    assert not found["contrast"].eq("retained").any()
    assert one(found, contrast="acquired")["estimate"] <= 0 and not found["contrast"].eq("forgotten").any()


def test_a_diverged_network_makes_acquisition_unknown():
    values = np.array([[1.0, 0.5, 0.2, 0.6]] * 4)
    values[2, 3] = np.nan
    found = compared_structure(values, ways([0.5] * 4, part=values))
    assert math.isnan(one(found, contrast="acquired")["estimate"])


def test_the_straight_path_is_compared_seed_by_seed():
    values = np.array([[1.0, 0.5, 0.2, 0.6], [2.0, 0.5, 0.2, 0.6]] * 2)
    found = one(compared_structure(values, ways([0.4, 1.0] * 2)), contrast="beyond path")
    assert found["estimate"] == pytest.approx(np.mean([0.8 - 0.6, 0.9 - 0.5])) and found["n"] == 4


def test_one_way_to_find_what_is_left_is_enough_and_that_of_another_network_is_its_null():
    values = np.array([[1.0, 0.5, 0.2, 0.6]] * 4)
    part, context = (np.array([[1.0, 0.6, 0.2, end]] * 4) for end in (0.6, 0.36))
    found = compared_structure(values, ways([0.5] * 4, part=part, context=context, part_of_another=values + 0.2))
    assert one(found, contrast="retained")["estimate"] == pytest.approx(0.8)
    assert one(found, contrast="retained, by another's part")["estimate"] == pytest.approx(0.5)
    assert sorted(found[found["contrast"] == "distance, context"]["step"]) == [0, 2, 8, 32]


def test_a_component_is_its_own_part():
    values = np.array([[1.0, 0.5, 0.2, 0.6]] * 4)
    assert one(compared_structure(values, ways([0.5] * 4)), contrast="retained")["estimate"] == pytest.approx(0.5)


def agreements(same, other=0.0, replicate=1.0, inits=6, noise=0.02):
    """An agreement table with two orders per init, split at step 0: the dense network and one child."""
    random = np.random.default_rng(0)
    rows = []
    networks = [(init, order) for init in range(inits) for order in (0, 1)]
    for a, (init, order) in enumerate(networks):
        for init_b, order_b in networks[a + 1 :]:
            kind, level = ("same_init", same) if init == init_b else ("other_init", other)
            rows.append((kind, init, init_b, init + 1000 * order, init_b + 1000 * order_b, level))
        if order == 0:
            rows.append(("replicate", init, init, init, init, replicate))
    columns = ["pair", "init_seed", "other_init_seed", "data_seed", "other_data_seed", "agreement"]
    frame = pd.DataFrame(rows, columns=columns)
    frame["agreement"] += random.normal(0, noise, len(frame))
    parts = [frame.assign(matching=m) for m in ("identity", "hungarian")]
    parts.append(frame.assign(matching="hungarian_chance", agreement=random.normal(0.1, 0.02, len(frame))))
    return pd.concat(parts, ignore_index=True).assign(study="s", split_step=0, score="all")


def test_determinacy_and_agreement():
    found = table(comparisons.roles(agreements(0.6), SETTINGS))
    same = one(found, quantity="determinacy", matching="identity", contrast="same_init")
    assert same["estimate"] == pytest.approx(0.6, abs=0.05) and same["ci_low"] > 0.5 and same["p"] < 0.01
    other = one(found, quantity="determinacy", matching="identity", contrast="other_init")
    assert other["ci_low"] < 0 < other["ci_high"]
    assert one(found, quantity="agreement", matching="identity", contrast="replicate")["estimate"] == pytest.approx(
        1, abs=0.05
    )


def test_a_diverged_network_shows_in_the_agreement():
    frame = agreements(0.6)
    frame.loc[frame["init_seed"].eq(1) & frame["other_data_seed"].eq(1001), "agreement"] = np.nan
    found = table(comparisons.roles(frame, SETTINGS))
    assert math.isnan(one(found, quantity="agreement", matching="identity", contrast="same_init")["estimate"])
    assert one(found, quantity="agreement", matching="identity", contrast="replicate")["estimate"] == pytest.approx(
        1, abs=0.05
    )


def test_learning_coefficients_are_compared_by_seed_where_both_are_sound_and_positive():
    """Seeds differ by a factor of ten, each ticket has half of its dense network's: the ratio is 1/2 and certain."""
    dense = [1.0, 10.0, 100.0, 5.0, 5.0, 5.0]
    tickets = [0.5, 5.0, 50.0, -1.0, 9.0, 9.0]
    flags = ["", "", "", "", "diverged", ""]
    rows = [("dense", 0, seed, value, "rhat" if seed == 5 else "") for seed, value in enumerate(dense)]
    rows += [("ticket", 2, seed, value, flags[seed]) for seed, value in enumerate(tickets)]
    frame = pd.DataFrame(rows, columns=["variant", "level", "init_seed", "llc", "flag"]).assign(step=LAST)
    earlier = frame[frame["variant"] == "dense"].assign(step=1, llc=77.0, flag="")
    found = table(comparisons.learning_coefficients(pd.concat([frame, earlier]), pd.Series({2: 0.3}), SETTINGS))
    ratio = one(found, quantity="log of llc")
    assert ratio["contrast"] == "ticket / dense" and ratio["n"] == 3
    assert [ratio["estimate"], ratio["ci_low"], ratio["ci_high"]] == pytest.approx([np.log(0.5)] * 3)


def test_flagged_learning_coefficients_are_left_out_and_counted():
    frame = pd.DataFrame(
        {
            "init_seed": range(4),
            "variant": "ticket",
            "rewind_step": 0,
            "level": 2,
            "step": LAST,
            "llc": [4.0, 6.0, -3.0, 1e9],
            "flag": ["", "", "not_a_minimum", "diverged"],
        }
    )
    found = table(comparisons.learning_coefficients(frame, pd.Series({2: 0.3}), SETTINGS))
    llc = one(found, quantity="llc")
    assert llc["estimate"] == 5.0 and llc["n"] == 2 and llc["density"] == 0.3
    assert one(found, quantity="complexity")["n"] == 3 and one(found, quantity="flagged")["estimate"] == 0.5
    lost = table(comparisons.learning_coefficients(frame.assign(flag="diverged"), pd.Series({2: 0.3}), SETTINGS))
    assert lost["quantity"].tolist() == ["flagged"] and lost["estimate"].tolist() == [1.0]


def test_overlaps_are_means_over_tensors_by_seed():
    frame = pd.DataFrame(
        [
            {
                "init_seed": seed,
                "tensor": tensor,
                "jaccard": 0.2 * (tensor == "a") + 0.1 * seed,
                "chance": 0.1,
                "excess": 0.0,
            }
            for seed in range(3)
            for tensor in "ab"
        ]
    ).assign(reference="imp", level=2, step=5, variant="dense", rewind_step=0, given_initial=0.2, beyond_initial=0.0)
    frame["update_correlation"] = np.nan
    found = table(comparisons.masks(frame, SETTINGS))
    row = one(found, contrast="jaccard")
    assert row["estimate"] == pytest.approx(0.2) and row["n"] == 3 and row["quantity"] == "imp" and row["step"] == 5
    assert "update_correlation" not in found["contrast"].tolist(), "the reference is a mask alone"
