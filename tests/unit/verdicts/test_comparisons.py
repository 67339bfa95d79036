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


def test_supermasks_are_compared_with_dense_at_its_best_rate(metrics):
    ends = metrics[metrics["variant"].eq("dense") & metrics["step"].eq(LAST)]
    better = ends.assign(rate=2.0, value=ends["value"] - 0.25)
    (plain,), (found,) = (
        [row for row in comparisons.supermasks(metrics, SETTINGS, rates=rates) if row["contrast"].endswith("- dense")]
        for rates in (None, better)
    )
    assert (plain["other_rate"], found["other_rate"]) == (1.0, 2.0)
    assert found["estimate"] - plain["estimate"] == pytest.approx(0.25)
    (worse,) = (
        row
        for row in comparisons.supermasks(metrics, SETTINGS, rates=better.assign(value=9.0))
        if row["contrast"].endswith("- dense")
    )
    assert (worse["other_rate"], worse["estimate"]) == (1.0, plain["estimate"])


def test_the_metric_of_the_settings_is_compared(metrics):
    settings = SETTINGS.model_copy(update={"metric": "error"})
    found = table(comparisons.tickets(metrics, settings, LAST))
    assert one(found, quantity="error", contrast="dense", step=LAST)["estimate"] > 8


def test_unpaired_seeds_are_refused(metrics):
    lost = metrics[~(metrics["variant"].eq("ticket") & metrics["init_seed"].eq(2))]
    with pytest.raises(ValueError, match=r"unpaired seeds: \[0, 1, 3\] and \[0, 1, 2, 3\]"):
        list(comparisons.tickets(lost, SETTINGS, LAST))


STOP = {(comparisons.EARLY_STOP, contrast) for contrast in ("ticket", "ticket - dense")}
SHUFFLED_STOP = {(comparisons.EARLY_STOP, contrast) for contrast in ("shuffled", "shuffled - dense")}
# Which comparisons become unknown when a network of a variant diverges at its end.
LOST = {
    "dense": {(comparisons.EARLY_STOP, f"{variant} - dense") for variant in ("ticket", "shuffled")}
    | {("loss", c) for c in ("dense", "ticket - dense", "shuffled - dense", "supermask_kaiming - dense")},
    "ticket": {*STOP}
    | {("loss", c) for c in ("ticket", "ticket - dense", "ticket - shuffled", "ticket - dense_total")},
    "shuffled": {*SHUFFLED_STOP} | {("loss", c) for c in ("shuffled", "shuffled - dense", "ticket - shuffled")},
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


def test_the_early_stopping_step_is_the_first_recorded_one_of_the_least_loss():
    curves = pd.DataFrame([[3.0, 1.0, 2.0], [3.0, 1.0, 1.0], [3.0, 2.0, 1.0], [3.0, math.nan, 1.0]], columns=[0, 9, 99])
    found = comparisons.least_loss_steps(curves)
    assert found[:3].tolist() == [9, 9, 99] and math.isnan(found[3])


def test_early_stopping_is_paired_by_seed_and_dense_is_taken_from_the_step_on_at_which_the_ticket_exists():
    """Dense is lowest at step 0 in seed 0, before the rewound ticket exists; then at step 99 as in all others."""
    steps = (0, 9, 99)
    dense = [[0.5, 2.0, 1.0], [3.0, 2.0, 1.0], [3.0, 1.0, 2.0], [3.0, 2.0, 1.0]]
    ticket = [[1.0, 2.0], [1.0, 2.0], [1.0, 2.0], [2.0, 1.0]]
    rows = [rows_of("dense", dense, steps=steps)]
    rows += [rows_of("ticket", ticket, rewind_step=9, level=1, density=0.5, steps=steps[1:])]
    both = pd.concat([pd.concat(rows).assign(split=split) for split in ("test", "validation")])
    found = table(comparisons.tickets(both, SETTINGS, steps[-1]))
    row = one(found, quantity=comparisons.EARLY_STOP, contrast="ticket - dense")
    expected = statistics.mean_interval([-90.0, -90.0, 0.0, 0.0], SETTINGS.alpha)
    assert (row["estimate"], row["ci_low"], row["ci_high"]) == (expected.estimate, expected.ci_low, expected.ci_high)
    assert one(found, quantity=comparisons.EARLY_STOP, contrast="ticket")["estimate"] == (3 * 9 + 99) / 4


def test_a_control_is_beaten_only_by_more_than_the_margin():
    """p is of "not better by more than δ", here 0.1."""
    dense, small = course(1.0, 2.0, 3.0, 4.0), np.random.default_rng(2).normal(0, 0.01, (SEEDS, 3))
    for better, decides in ((0.05, False), (0.15, True)):
        parts = [rows_of("dense", dense), rows_of("ticket", dense, level=1, density=0.5)]
        parts += [rows_of("shuffled", dense + better + small, level=1, density=0.5)]
        both = pd.concat([pd.concat(parts).assign(split=split) for split in ("test", "validation")])
        row = one(table(comparisons.tickets(both, SETTINGS, LAST)), contrast="ticket - shuffled")
        assert (row["p"] < 0.01) == decides and row["ci_high"] < 0


def test_the_ticket_with_imps_total_steps_is_compared_with_dense_that_has_them(metrics):
    total = rows_of("ticket_total", course(1.0, 2.0, 3.0, 4.0)[:, :2], level=1, density=0.5, steps=(0, 30))
    small = np.random.default_rng(3).normal(0, 1e-3, len(total))
    found = table(comparisons.tickets(pd.concat([metrics, total.assign(value=total["value"] + small)]), SETTINGS, LAST))
    row = one(found, contrast="ticket_total - dense_total")
    assert row["estimate"] == pytest.approx(0.5, abs=1e-2) and row["step"] == 30 and row["p"] > 0.99
    assert not found["contrast"].isin(["ticket_total - dense", "ticket - ticket_total"]).any()


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
    """Seeds differ by a factor of ten, tickets have about half of their dense network's: the ratio is near 1/2."""
    dense = [1.0, 10.0, 100.0, 5.0, 5.0, 5.0]
    tickets = [0.5, 5.1, 50.0 / 1.02, -1.0, 9.0, 9.0]
    flags = ["", "", "", "", "diverged", ""]
    rows = [("dense", 0, seed, value, "rhat" if seed == 5 else "") for seed, value in enumerate(dense)]
    rows += [("ticket", 2, seed, value, flags[seed]) for seed, value in enumerate(tickets)]
    frame = pd.DataFrame(rows, columns=["variant", "level", "init_seed", "llc", "flag"]).assign(step=LAST)
    earlier = frame[frame["variant"] == "dense"].assign(step=1, llc=77.0, flag="")
    found = table(comparisons.learning_coefficients(pd.concat([frame, earlier]), pd.Series({2: 0.3}), SETTINGS))
    ratio = one(found, quantity="log of llc")
    assert ratio["contrast"] == "ticket / dense" and ratio["n"] == 3
    assert ratio["estimate"] == pytest.approx(np.log(0.5))
    assert ratio["ci_high"] - ratio["ci_low"] < 0.1  # over the seeds themselves it would be more than 10


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


def test_the_chance_of_updates_is_pooled_over_split_steps_seed_by_seed():
    """Seed by seed the split steps' differences cancel: what is left is the spread between initialisations."""
    rows = [
        (reference, split, seed, 0.01 * seed + 0.3 * (split - 5) / 5 + (reference == "dense_final"))
        for reference in ("dense_final", "dense_final_other_init")
        for split in (0, 10)
        for seed in range(3)
    ]
    frame = pd.DataFrame(rows, columns=["reference", "rewind_step", "init_seed", "update_correlation"]).assign(
        level=2, step=99, variant="spawned", jaccard=0.2, chance=0.1, excess=0.1, given_initial=0.2, beyond_initial=0.0
    )
    row = one(table(comparisons.masks(frame, SETTINGS)), quantity="chance", contrast="update_correlation")
    assert row["estimate"] == pytest.approx(0.01) and row["n"] == 3
    assert row["ci_high"] - row["estimate"] == pytest.approx(4.3027 * 0.01 / 3**0.5, rel=1e-3)


def by_example(metrics, spread):
    """Table `examples` of the networks at their ends in metrics: 20 examples about each end, apart by `spread`."""
    ends = metrics[metrics["split"].eq("test") & metrics["metric"].eq("loss")].sort_values("step")
    keys = ["variant", "rewind_step", "level", "init_seed"]
    ends = ends.groupby(keys, as_index=False).last().sample(frac=1, random_state=1)
    apart = {variant: np.random.default_rng(i).normal(size=20) for i, variant in enumerate(ends["variant"].unique())}
    values = [end + spread * (apart[name] - apart[name].mean()) for end, name in ends[["value", "variant"]].to_numpy()]
    return pd.concat([ends.assign(metric=name, values=values) for name in ("loss", "error")])


def test_ends_are_compared_on_each_example_too(metrics):
    frame = by_example(metrics, 0.5)
    ends = comparisons.ends_by_example(frame, "loss")
    assert ends["ticket", 0, 1].shape == (SEEDS, 20) and ends["ticket", 0, 1].index.tolist() == [0, 1, 2, 3]
    rows = [
        [*comparisons.tickets(metrics, SETTINGS, LAST, given), *comparisons.supermasks(metrics, SETTINGS, given)]
        for given in ({}, ends)
    ]
    before, after = map(table, rows)
    wider = after["ci_high"] - after["ci_low"] > 2 * (before["ci_high"] - before["ci_low"])
    np.testing.assert_allclose(after["estimate"], before["estimate"])
    assert set(after.loc[wider, "contrast"]) == {
        "ticket - dense", "shuffled - dense", "ticket - shuffled", "supermask_kaiming - dense",
    }  # fmt: skip
    assert set(after.loc[wider, "step"]) == {LAST, 20}
    end = one(after, quantity="loss", contrast="ticket - dense", step=LAST)
    paired = ends["ticket", 0, 1] - ends["dense", 0, 0]
    assert end["ci_high"] == pytest.approx(statistics.not_worse(paired.to_numpy(), 0.1, 0.05).ci_high)


def test_examples_of_other_seeds_are_refused(metrics):
    frame = by_example(metrics, 0.5)
    ends = comparisons.ends_by_example(frame[frame["variant"].ne("dense") | frame["init_seed"].ne(2)], "loss")
    with pytest.raises(ValueError, match="other seeds"):
        list(comparisons.tickets(metrics, SETTINGS, LAST, ends))


@pytest.mark.parametrize(("better", "decides"), [(0.05, False), (0.15, True)])
def test_the_mask_of_another_order_must_beat_a_shuffled_one_by_more_than_the_margin(better, decides):
    dense, small = course(1.0, 2.0, 3.0, 4.0), np.random.default_rng(2).normal(0, 0.01, (SEEDS, 3))
    parts = [rows_of("dense", dense), *(rows_of(v, dense, level=1, density=0.5) for v in ("ticket", "other_order"))]
    parts.append(rows_of("shuffled", dense + better + small, level=1, density=0.5))
    both = pd.concat([pd.concat(parts).assign(split=split) for split in ("test", "validation")])
    row = one(table(comparisons.tickets(both, SETTINGS, LAST)), contrast="other_order - shuffled")
    assert row["estimate"] == pytest.approx(-better, abs=0.02) and (row["p"] < 0.01) == decides


def test_what_is_left_of_another_structure_is_not_counted():
    values = np.array([[1.0, 0.5, 0.2, 0.6]] * 4)
    mine = ways([0.5] * 4, part=np.array([[1.0, 0.6, 0.2, 0.36]] * 4))
    other = ways([0.1] * 4, part=np.array([[1.0, 0.6, 0.2, 1.0]] * 4)).assign(structure="unigram")
    found = compared_structure(values, pd.concat([mine, other]))
    assert one(found, contrast="retained")["estimate"] == pytest.approx(0.8)
    assert one(found, contrast="beyond path")["estimate"] == pytest.approx(0.8 - 0.5)
