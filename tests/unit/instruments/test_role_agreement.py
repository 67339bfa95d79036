"""Agreement of role vectors and determinacy: what must be 1, what must be 0, and a known dose recovered."""

from itertools import permutations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workflow_scripts.ticketlab.core.errors import TicketlabError
from workflow_scripts.ticketlab.core.random_streams import CHAOS, REORDERED, data_seed, generator
from workflow_scripts.ticketlab.instruments.determinacy import determinacy, difference, pooled
from workflow_scripts.ticketlab.instruments.role_agreement import (
    NETWORK,
    compare,
    pairs_of,
    role_vectors,
    standardise,
    votes,
)
from workflow_scripts.ticketlab.tables import files
from workflow_scripts.ticketlab.tables.schemas.roles import AGREEMENT

PERMUTATIONS = 200
LAYERS = np.repeat([0, 1], [10, 14])  # 24 components
SCORES = ["induction", "previous_token", "ablation:late"]


def rows_of(values, probe, variant, init_seed, order, rewind_step=0, layers=LAYERS, step=100):
    """Rows of the roles table for one network and probe; values (components, scores)."""
    components = np.concatenate([np.arange((layers == layer).sum()) for layer in np.unique(layers)])
    return pd.concat(
        pd.DataFrame(
            {
                "study": "synthetic",
                "init_seed": init_seed,
                "data_seed": data_seed(init_seed, order),
                "variant": variant,
                "rewind_step": rewind_step,
                "level": 0,
                "step": step,
                "probe": probe,
                "layer": layers,
                "kind": "head",
                "component": components,
                "score": score,
                "value": column,
            }
        )
        for score, column in zip(SCORES, values.T, strict=True)
    )


def study_of(share, inits=8, orders=2, noise=0.0, seed=0, same_roles_everywhere=False):
    """Roles tables of a study in which the init determines `share` of the variance of true roles, measured with noise.

    same_roles_everywhere: every network has the same roles, at places drawn per init.
    """
    random = generator("synthetic", "roles", seed)
    shape = (len(LAYERS), len(SCORES))
    blueprint = random.normal(size=shape)
    parts = []
    for init in range(inits):
        by_init = random.normal(size=shape)
        if same_roles_everywhere:
            order = np.concatenate([random.permutation(np.flatnonzero(layer == LAYERS)) for layer in (0, 1)])
            by_init = blueprint[order]
        for variant, data_order in [("dense", 0), *(("spawned", order) for order in range(orders + 1))]:
            if not (variant == "spawned" and data_order == 0):  # the exact replicate keeps the dense network's roles
                roles = np.sqrt(share) * by_init + np.sqrt(1 - share) * random.normal(size=shape)
            if variant == "dense":
                dense = roles
            true = dense if data_order == 0 else roles
            parts += [
                rows_of(true + noise * random.normal(size=shape), probe, variant, init, data_order) for probe in (0, 1)
            ]
    return pd.concat(parts, ignore_index=True)


def mean_agreement(table, pair, matching="identity", score="all"):
    chosen = table[(table["pair"] == pair) & (table["matching"] == matching) & (table["score"] == score)]
    assert len(chosen) > 0
    return chosen["agreement"].mean()


@pytest.fixture(scope="module")
def half_determined():
    return compare(study_of(share=0.5, noise=0.5), PERMUTATIONS)


def test_an_exact_replicate_without_noise_agrees_at_1_in_every_score_and_matching():
    table = compare(study_of(share=0.3), PERMUTATIONS)
    for pair in ("replicate", "measurement"):
        for matching in ("identity", "hungarian", "argmax"):
            chosen = table[(table["pair"] == pair) & (table["matching"] == matching)]
            np.testing.assert_allclose(chosen["agreement"], 1, atol=1e-12)


def test_measurement_noise_lowers_the_ceiling_to_the_reliability():
    table = compare(study_of(share=0.3, noise=0.5, inits=20, orders=1), 10)
    # Reliability of a score with true variance 1 and noise variance .25 is 1/1.25.
    assert mean_agreement(table, "replicate") == pytest.approx(0.8, abs=0.03)
    assert mean_agreement(table, "measurement") == pytest.approx(0.8, abs=0.03)


def test_the_mean_over_all_permutations_of_a_layer_is_exactly_zero():
    values = generator("synthetic", "few", 0).normal(size=(4, len(SCORES)))
    layers = np.zeros(4, dtype=int)
    frame = pd.concat(
        rows_of(values[list(order)], probe, "dense", init, 0, layers=layers)
        for init, order in enumerate(permutations(range(4)))
        for probe in (0, 1)
    )
    scaled = standardise(role_vectors(frame))
    agreement = np.einsum("cs,ncs->ns", scaled[0, 0], scaled[:, 1])
    np.testing.assert_allclose(agreement.mean(axis=0), 0, atol=1e-12)
    assert agreement.max() == pytest.approx(1)


def test_permuted_indices_and_other_inits_agree_at_chance(half_determined):
    assert mean_agreement(half_determined, "same_init", "permuted") == pytest.approx(0, abs=0.02)
    result = determinacy(half_determined, pair="other_init")
    for row in result[result["score"] == "all"].itertuples():
        assert row.ci_low < 0 < row.ci_high
        assert row.ci_high - row.ci_low < 0.2  # an interval that could see a difference


def test_hungarian_recovers_a_permuted_copy_exactly_where_identity_finds_nothing():
    table = compare(study_of(share=1.0, same_roles_everywhere=True), PERMUTATIONS)
    other = table[(table["pair"] == "other_init") & (table["matching"] == "hungarian")]
    np.testing.assert_allclose(other["agreement"], 1, atol=1e-12)
    assert abs(mean_agreement(table, "other_init", "identity")) < 0.1
    result = determinacy(table, pair="other_init", matching="hungarian").query("score == 'all'").iloc[0]
    # Less its own chance on both sides, the same roles exist everywhere.
    assert result["estimate"] == pytest.approx(1, abs=1e-2)


def test_hungarian_on_unrelated_networks_is_at_its_own_chance_and_above_zero():
    table = compare(study_of(share=0.0), PERMUTATIONS)
    found, chance = (mean_agreement(table, "other_init", m) for m in ("hungarian", "hungarian_chance"))
    assert chance > 0.3
    assert found == pytest.approx(chance, abs=0.02)


def test_hungarian_is_never_below_identity_over_all_scores(half_determined):
    wide = half_determined[half_determined["score"] == "all"].pivot(
        index=["pair", "data_seed", "other_data_seed"], columns="matching", values="agreement"
    )
    assert (wide["hungarian"] >= wide["identity"] - 1e-12).all()


def test_argmax_is_one_for_the_same_strongest_component_and_minus_1_in_n_minus_1_for_another():
    values = np.zeros((len(LAYERS), len(SCORES)))
    values[[0, 10]] = 1  # strongest: component 0 of each layer
    moved = np.roll(values, 1, axis=0)
    same = pd.concat(rows_of(values, p, "dense", 0, 0) for p in (0, 1))
    for child, expected in ((values, 1), (moved, (-1 / 9 - 1 / 13) / 2)):
        frame = pd.concat([same, *(rows_of(child, p, "spawned", 0, 1) for p in (0, 1))])
        assert mean_agreement(compare(frame, 5), "same_init", "argmax") == pytest.approx(expected)


def test_a_score_that_does_not_tell_components_apart_contributes_nothing_and_no_nan():
    frame = study_of(share=0.5, inits=3)
    frame.loc[frame["score"] == "induction", "value"] = 0.1
    table = compare(frame, 10)
    assert (table.loc[table["score"] == "induction", "agreement"] == 0).all()
    assert table["agreement"].notna().all()
    result = determinacy(table).set_index("score").loc["induction"]
    assert np.isnan(result["estimate"])
    assert "not reproducible" in result["reason"]


def test_a_diverged_network_is_left_out_and_only_it():
    frame = study_of(share=0.5)
    frame.loc[(frame["data_seed"] == data_seed(3, 1)) & (frame["variant"] == "spawned"), "value"] = np.nan
    table = compare(frame, 10)
    touched = (table["data_seed"] == data_seed(3, 1)) | (table["other_data_seed"] == data_seed(3, 1))
    assert table.loc[touched, "agreement"].isna().all()
    assert table.loc[~touched, "agreement"].notna().all()
    assert (determinacy(table)["n"] == 8).all()


def test_agreement_goes_through_different_probes():
    """Networks that share nothing but the sample they were scored on must not agree."""
    random = generator("synthetic", "probes", 0)
    by_probe = random.normal(size=(2, len(LAYERS), len(SCORES)))
    frame = pd.concat(
        rows_of(by_probe[probe], probe, variant, 0, order)
        for variant, order in (("dense", 0), ("spawned", 1))
        for probe in (0, 1)
    )
    r = np.einsum("cs,cs->", *standardise(role_vectors(frame))[0]) / len(SCORES)
    assert abs(r) < 0.6
    assert mean_agreement(compare(frame, 5), "same_init") == pytest.approx(r)


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_determinacy_is_the_share_of_roles_that_the_init_fixes(share):
    table = compare(study_of(share, noise=0.5, inits=12), 10)
    row = determinacy(table).query("score == 'all'").iloc[0]
    assert row["estimate"] == pytest.approx(share, abs=0.08)
    assert row["ci_low"] <= share <= row["ci_high"]
    assert (row["p"] < 0.001) == (share > 0)


def test_intervals_cover_at_their_nominal_rate():
    covered = 0
    for seed in range(30):
        table = compare(study_of(0.4, noise=0.5, inits=6, orders=1, seed=seed), 1)
        row = determinacy(table, permutations=1).query("score == 'all'").iloc[0]
        covered += row["ci_low"] <= 0.4 <= row["ci_high"]
    assert covered >= 25  # of 30 at 95 %: fewer has probability .003


def test_p_is_uniform_where_the_init_says_nothing():
    small = 0
    for seed in range(40):
        table = compare(study_of(0.0, noise=0.5, inits=4, orders=1, seed=seed), 1)
        small += determinacy(table, permutations=300).query("score == 'all'")["p"].iloc[0] <= 0.25
    assert 3 <= small <= 18  # of 40 at 25 %: outside has probability .01


def test_few_inits_or_no_replicate_give_no_interval_but_a_reason():
    one = determinacy(compare(study_of(0.5, inits=1), 5))
    assert one["estimate"].isna().all()
    assert one["reason"].str.contains("too few inits").all()
    none = determinacy(compare(study_of(0.5, inits=1), 5), "other_init")
    assert none.empty and list(none.columns) == list(one.columns)
    frame = study_of(0.5, inits=4)
    replicate = (frame["variant"] == "spawned") & (frame["data_seed"] == frame["init_seed"])
    without = determinacy(compare(frame[~replicate], 5))
    assert without["reason"].str.contains(r"too few inits \(0\)").all()


def test_pairs_are_all_siblings_of_a_split_step_and_the_replicate_is_only_a_ceiling():
    networks = role_vectors(study_of(0.5, inits=3, orders=2)).networks
    counts = pairs_of(networks).groupby(["split_step", "pair"]).size().to_dict()
    # 3 inits × (dense, order 1, order 2) = 9 networks: 3·3 pairs within, 27 between.
    assert counts == {(0, "measurement"): 3, (0, "replicate"): 3, (0, "same_init"): 9, (0, "other_init"): 27}


def test_earlier_steps_are_ignored_and_unlike_networks_refused():
    frame = study_of(0.5, inits=2)
    early = frame[frame["variant"] == "dense"].assign(step=10, value=0.0)
    pd.testing.assert_frame_equal(compare(frame, 5), compare(pd.concat([early, frame]), 5))
    with pytest.raises(TicketlabError, match="both probes"):
        compare(frame[frame["probe"] == 0], 5)
    with pytest.raises(TicketlabError, match="lack a score"):
        compare(frame.iloc[1:], 5)
    late = frame[frame["variant"] == "dense"].assign(step=200)
    with pytest.raises(TicketlabError, match="at step 200"):
        compare(pd.concat([frame[frame["variant"] != "dense"], late]), 5)
    with pytest.raises(TicketlabError, match="give one study's"):
        compare(pd.concat([frame, frame.assign(study="other")]), 5)


@settings(max_examples=20, deadline=None)
@given(scale=st.floats(0.01, 100), shift=st.floats(-100, 100), seed=st.integers(0, 10_000))
def test_agreement_lies_in_minus_1_to_1_and_knows_neither_units_nor_offsets(scale, shift, seed):
    frame = study_of(0.5, inits=2, orders=1, seed=seed)
    table = compare(frame, 2)
    assert table["agreement"].between(-1 - 1e-9, 1 + 1e-9).all()
    other = compare(frame.assign(value=frame["value"] * scale + shift), 2)
    np.testing.assert_allclose(table["agreement"], other["agreement"], atol=1e-6)


def test_the_table_satisfies_its_contract_and_is_deterministic(tmp_path, half_determined):
    files.write(tmp_path / "a.parquet", AGREEMENT, half_determined, {})
    again = compare(study_of(share=0.5, noise=0.5).sample(frac=1, random_state=0), PERMUTATIONS)
    files.write(tmp_path / "b.parquet", AGREEMENT, again, {})
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()


def test_a_family_has_one_vote_in_all_however_many_scores_it_has():
    """Eight slices of one ablation against one score of attention: half of the votes each."""
    names = ["induction", *(f"ablation:{index}" for index in range(8))]
    assert votes(names).tolist() == [0.5, *[0.0625] * 8]
    assert votes([f"selectivity:{index}" for index in range(4)]).tolist() == [0.25] * 4


def test_each_control_is_paired_with_the_dense_network_of_its_initialisation_only():
    rows = [(variant, init, init, 0, 0) for variant in ("dense", CHAOS, REORDERED) for init in (0, 1)]
    pairs = pairs_of(pd.DataFrame(rows, columns=NETWORK))
    found = {tuple(row) for row in pairs[pairs["pair"] != "measurement"].itertuples(index=False)}
    assert found == {(0, CHAOS, 0, 2), (0, CHAOS, 1, 3), (0, REORDERED, 0, 4), (0, REORDERED, 1, 5)}


def agreements_of(**by_pair):
    """An `agreement` table at split step 0: one value for each initialisation of each kind of pair."""
    rows = [("s", 0, pair, init, init, value) for pair, values in by_pair.items() for init, value in enumerate(values)]
    columns = ["study", "split_step", "pair", "init_seed", "other_init_seed", "agreement"]
    return pd.DataFrame(rows, columns=columns).assign(matching="identity", score="all", data_seed=0, other_data_seed=1)


def test_the_difference_of_two_determinacies_is_paired_by_initialisation():
    """Both vary by as much, and together: the difference is exactly 0.4 of the ceiling 0.8, with no width."""
    chaos = np.array([0.5, 0.7, 0.9])
    found = difference(agreements_of(same_init=chaos - 0.32, chaos=chaos, replicate=[0.8] * 3), "same_init", CHAOS)
    assert (found["estimate"], found["ci_low"], found["ci_high"]) == pytest.approx((-0.4, -0.4, -0.4))
    assert found["n"] == 3
    unreliable = agreements_of(same_init=chaos, chaos=chaos, replicate=[0.8, -0.8, 0.1])
    assert np.isnan(difference(unreliable, "same_init", CHAOS)["estimate"])


def test_p_counts_the_grouping_that_was_seen_among_the_permutations():
    """Eight initialisations agree perfectly with themselves alone: no permutation of 16 networks finds that again."""
    table = compare(study_of(1.0, inits=8, orders=1), 1)
    for permutations_ in (0, 99):
        p = determinacy(table, permutations=permutations_).query("score == 'all'")["p"].iloc[0]
        assert p == pytest.approx(1 / (1 + permutations_))


def test_p_of_three_groupings_is_known():
    """Two initialisations of two networks: three groupings, of which one is as seen, so p tends to 1/3."""
    found = determinacy(compare(study_of(1.0, inits=2, orders=1), 1), permutations=3000)
    assert found.query("score == 'all'")["p"].iloc[0] == pytest.approx(1 / 3, abs=0.03)


def test_determinacy_and_its_interval_by_hand():
    """Agreement .2, .4, .9 over ceilings .5, .5, .8: 1.5/1.8; without each 1.3/1.3, 1.1/1.3 and .6/1; t(2) = 4.3027."""
    frame = agreements_of(same_init=[0.2, 0.4, 0.9], replicate=[0.5, 0.5, 0.8])
    row = determinacy(frame, permutations=0).iloc[0]
    without = np.array([1.3 / 1.3, 1.1 / 1.3, 0.6 / 1.0])
    half = 4.302653 * np.sqrt(2 / 3 * ((without - without.mean()) ** 2).sum())
    assert (row["agreement"], row["ceiling"], row["n"], row["reason"]) == (
        pytest.approx(0.5),
        pytest.approx(0.6),
        3,
        "",
    )
    assert (row["estimate"], row["ci_low"], row["ci_high"]) == pytest.approx(
        (1.5 / 1.8, 1.5 / 1.8 - half, 1.5 / 1.8 + half)
    )


def test_how_little_tells_components_apart_is_told_by_the_size_of_the_scores():
    frame = study_of(share=0.5, inits=2, orders=1)
    table = compare(frame, 2)
    for unit in (1e-9, 1e9):
        small = compare(frame.assign(value=unit * frame["value"]), 2)
        np.testing.assert_allclose(small["agreement"], table["agreement"], atol=1e-9)
    flat = compare(frame.assign(value=1e9 + frame["value"]), 2)
    assert (flat.loc[flat["matching"] == "identity", "agreement"] == 0).all()


def test_one_kind_of_pair_over_all_split_steps():
    """Other initialisations agree at .2 and .4 at two steps, so .3 on average, over a ceiling of .6."""
    early, late = (
        agreements_of(other_init=[value] * 3, same_init=[0.9] * 3, replicate=[0.6] * 3) for value in (0.2, 0.4)
    )
    late = late[late["pair"] != "replicate"].assign(split_step=30)
    found = pooled(pd.concat([early, late]), "other_init")
    assert (found["estimate"], found["agreement"], found["n"]) == (pytest.approx(0.5), pytest.approx(0.3), 3)
    other = pooled(pd.concat([early, late, late.assign(score="induction", agreement=9.0)]), "other_init")
    assert other["estimate"] == pytest.approx(0.5), "the mean over scores alone"
