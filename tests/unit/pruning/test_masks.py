"""Masks: exactly as many weights as the schedule says, nested from round to round, ties by position."""

import math
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from workflow_scripts.ticketlab.core.errors import TicketlabError
from workflow_scripts.ticketlab.pruning import masks as pruning
from workflow_scripts.ticketlab.pruning import overlap
from workflow_scripts.ticketlab.settings.schedule import ScheduleSettings
from workflow_scripts.ticketlab.training.kept import density
from workflow_scripts.ticketlab.training.stack import Member, dense_members

SIZES = st.dictionaries(st.sampled_from("abcd"), st.tuples(st.integers(1, 9), st.integers(1, 9)), min_size=1)
KEEP = st.floats(0.3, 0.95)


def random_stack(shapes, count=2, seed=0):
    random = torch.Generator().manual_seed(seed)
    return {name: torch.randn(count, *shape, generator=random) for name, shape in shapes.items()}


def counts_of(mask):
    return {name: tensor.flatten(1).sum(1).tolist() for name, tensor in mask.items()}


def feasible(settings, sizes, level):
    try:
        return pruning.schedule(settings, sizes, level)
    except TicketlabError:
        return None


@settings(deadline=None, max_examples=60)
@given(SIZES, KEEP, KEEP, st.sampled_from(["global", "layerwise"]), st.booleans())
def test_each_round_keeps_exactly_what_the_schedule_says_and_never_revives(shapes, keep, other, scope, ties):
    """IMP over up to five rounds, with every network retrained to its own weights (here: new draws) in between."""
    special = {next(iter(shapes)): other} if scope == "layerwise" else {}
    schedule = ScheduleSettings(scope=scope, keep=keep, keep_by_tensor=special)
    sizes = {name: math.prod(shape) for name, shape in shapes.items()}
    mask = None
    for level in range(1, 6):
        counts = feasible(schedule, sizes, level)
        if counts is None:
            return
        weights = random_stack(shapes, seed=level)
        if ties:  # trained networks hold equal weights too, zeros above all
            weights = {name: tensor.round() for name, tensor in weights.items()}
        if mask is not None:
            weights = {name: tensor * mask[name] for name, tensor in weights.items()}
        before, mask = mask, pruning.keep_top(pruning.magnitude(weights, mask), counts)
        assert all(set(tensor.unique().tolist()) <= {0.0, 1.0} for tensor in mask.values())
        if scope == "global":
            expected = round(sum(sizes.values()) * keep**level)
            assert [sum(row) for row in zip(*counts_of(mask).values(), strict=True)] == [expected] * 2
            assert density(mask) == pytest.approx([expected / sum(sizes.values())] * 2, rel=1e-12)
        else:
            for name, kept in counts_of(mask).items():
                assert kept == [round(sizes[name] * special.get(name, keep) ** level)] * 2
        if before is not None:
            assert all((mask[name] <= before[name]).all() for name in mask)


def test_the_largest_weights_stay():
    weights = {"a": torch.tensor([[3.0, -5.0, 0.1]]), "b": torch.tensor([[[-4.0], [1.0]]])}
    scores = pruning.magnitude(weights)
    mask = pruning.keep_top(scores, 3)
    assert mask["a"].tolist() == [[1, 1, 0]] and mask["b"].tolist() == [[[1], [0]]]
    mask = pruning.keep_top(scores, {"a": 1, "b": 2})
    assert mask["a"].tolist() == [[0, 1, 0]] and mask["b"].tolist() == [[[1], [1]]]


def test_ties_go_to_the_first_place():
    ones = {"a": torch.ones(3, 4), "b": torch.ones(3, 2, 2)}
    for _ in range(2):
        mask = pruning.keep_top(ones, 5)
        assert mask["a"].tolist() == [[1, 1, 1, 1]] * 3 and mask["b"].flatten(1).tolist() == [[1, 0, 0, 0]] * 3


def test_ties_go_to_the_first_place_in_a_large_tensor_too():
    """Sorting routines that are not stable show it only beyond a few elements."""
    ties = {"a": torch.arange(6.0).repeat(2, 5000)}
    kept = pruning.keep_top(ties, 7500)["a"]
    assert (kept[:, 5::6] == 1).all() and (kept[:, 4::6].cumsum(1)[:, 2499:] == 2500).all() and kept.sum() == 2 * 7500


def test_a_kept_weight_of_zero_still_outranks_a_pruned_one():
    weights, mask = {"a": torch.tensor([[0.0, 0.0, 0.0, 2.0]])}, {"a": torch.tensor([[0.0, 1.0, 1.0, 1.0]])}
    assert pruning.keep_top(pruning.magnitude(weights, mask), 3)["a"].tolist() == [[0, 1, 1, 1]]


def test_networks_of_a_stack_are_pruned_each_on_its_own():
    weights = random_stack({"a": (6, 5), "b": (7,)}, count=3)
    together = pruning.keep_top(pruning.magnitude(weights), 11)
    for index in range(3):
        alone = pruning.keep_top(pruning.magnitude({n: t[[index]] for n, t in weights.items()}), 11)
        assert all(torch.equal(alone[name][0], together[name][index]) for name in weights)


def test_an_emptied_tensor_or_network_is_refused():
    layerwise = ScheduleSettings(scope="layerwise", keep=0.5)
    with pytest.raises(TicketlabError, match=r"round 4 would leave no weight in b; lower rounds or raise keep"):
        pruning.schedule(layerwise, {"a": 100, "b": 5}, 4)
    with pytest.raises(TicketlabError, match=r"round 9 would leave no weight in the network"):
        pruning.schedule(ScheduleSettings(keep=0.5), {"a": 100, "b": 5}, 9)


def test_a_share_for_a_tensor_that_is_not_there_is_refused():
    schedule = ScheduleSettings(scope="layerwise", keep=0.5, keep_by_tensor={"c": 0.9})
    with pytest.raises(TicketlabError, match=r"keep_by_tensor: no prunable tensor c; there are a, b"):
        pruning.schedule(schedule, {"a": 100, "b": 5}, 1)


def test_shuffling_keeps_each_tensors_count_and_changes_the_mask():
    members = dense_members([0, 1, 2])
    mask = pruning.keep_top(pruning.magnitude(random_stack({"a": (20, 10), "b": (30,)}, count=3)), 60)
    shuffled = pruning.shuffle(mask, "s", members)
    assert counts_of(shuffled) == counts_of(mask)
    for name in mask:
        assert all((shuffled[name][index] != mask[name][index]).any() for index in range(3))
    # The same permutation for all would correlate the controls of different seeds.
    line = {"a": torch.arange(50.0).repeat(3, 1)}
    orders = pruning.shuffle(line, "s", members)["a"]
    assert (orders.sort(1).values == line["a"]).all() and len({tuple(row.tolist()) for row in orders}) == 3
    # And one for all tensors of the same size would correlate the layers.
    both = pruning.shuffle({"a": line["a"], "b": line["a"]}, "s", members)
    assert (both["a"] != both["b"]).any(1).all()


def test_shuffling_rows_keeps_each_rows_count_and_moves_every_row_for_itself():
    members = dense_members([0, 1, 2])
    mask = pruning.keep_top(pruning.magnitude(random_stack({"a": (20, 10), "b": (30,), "c": (4, 5, 6)}, count=3)), 120)
    shuffled = pruning.shuffle_rows(mask, "s", members)
    assert counts_of(shuffled) == counts_of(mask)
    for name in ("a", "c"):
        assert torch.equal(shuffled[name].flatten(2).sum(2), mask[name].flatten(2).sum(2))
        assert (shuffled[name] != mask[name]).flatten(1).any(1).all()
    line = {"a": torch.arange(50.0).repeat(3, 2, 1)}
    orders = pruning.shuffle_rows(line, "s", members)["a"]
    assert (orders.sort(2).values == line["a"]).all()
    assert len({tuple(row.tolist()) for row in orders.flatten(0, 1)}) == 6


def test_every_place_of_a_row_is_kept_as_often_as_any_other():
    """One weight of 8 in each of 4000 rows: each place is drawn an eighth of the time, to within four deviations."""
    one = {"a": torch.zeros(1, 4000, 8)}
    one["a"][:, :, 0] = 1
    kept = pruning.shuffle_rows(one, "s", dense_members([0]))["a"][0].sum(0)
    assert (kept - 500).abs().max() < 4 * (4000 * 7 / 64) ** 0.5


def test_shuffles_and_random_masks_depend_on_the_network_not_on_its_company():
    members = [Member(seed, seed, "ticket", 0, level) for seed in (0, 1) for level in (1, 2)]
    weights = random_stack({"a": (8, 4)}, count=4)
    mask = pruning.keep_top(pruning.magnitude(weights), 9)
    last = {"a": mask["a"][[3]]}
    for shuffle in (pruning.shuffle, pruning.shuffle_rows):
        assert torch.equal(shuffle(mask, "s", members)["a"][3], shuffle(last, "s", members[3:])["a"][0])
    scores = pruning.random_scores(mask, "s", members)["a"]
    assert torch.equal(scores[3], pruning.random_scores(last, "s", members[3:])["a"][0])
    assert len({tuple(row.flatten().tolist()) for row in scores}) == 4
    assert (scores >= 0).all() and (scores < 1).all()


def test_signed_constants_keep_signs_and_hold_one_magnitude_per_tensor():
    weights = random_stack({"a": (30, 20), "b": (40,)})
    constant = pruning.signed_constant(weights)
    for name, tensor in constant.items():
        assert torch.equal(tensor.sign(), weights[name].sign())
        for index in range(2):
            assert tensor[index].abs().unique().tolist() == pytest.approx([weights[name][index].std().item()])


def test_a_mask_overlaps_fully_with_itself_and_not_with_its_complement():
    mask = (random_stack({"a": (10, 10)})["a"] > 0.5).float()
    jaccard, chance = overlap.overlap(mask, mask)
    assert jaccard.tolist() == [1.0, 1.0] and (chance < 1).all()
    assert overlap.overlap(mask, 1 - mask)[0].tolist() == [0.0, 0.0]


def test_overlap_of_a_known_pair():
    jaccard, chance = overlap.overlap(torch.tensor([[1.0, 1, 0, 0]]), torch.tensor([[1.0, 0, 1, 1]]))
    assert jaccard.item() == pytest.approx(1 / 4)
    assert chance.item() == pytest.approx((1 / 2 * 3 / 4) / (1 / 2 + 3 / 4 - 3 / 8))


def test_updates_that_share_half_of_their_variance_correlate_by_a_half():
    """A shared part and an own part of the same size; the scale and a constant shift do not matter."""
    shared, one, other = (random_stack({"w": (100, 100)}, seed=seed)["w"] for seed in range(3))
    found = overlap.correlation(shared + one, 7 * (shared + other) + 3)
    assert found.tolist() == pytest.approx([0.5, 0.5], abs=0.03)
    assert overlap.correlation(one, -one).tolist() == pytest.approx([-1, -1])
    assert overlap.correlation(one, torch.zeros_like(one)).isnan().all()


def test_siblings_are_compared_by_what_training_added_to_their_own_start():
    """Starts are large and shared; what is added is the same in one pair, and its opposite in the other."""
    members = dense_members([0, 1])
    begun, added = (random_stack({"w": (20, 20)}, seed=seed)["w"].double() for seed in range(2))
    begun *= 100
    ends = begun + added * torch.tensor([1.0, -1.0])[:, None, None]
    children = [replace(member, variant="spawned", data_seed=9) for member in members]
    counts = pruning.schedule(ScheduleSettings(keep=0.5), pruning.sizes({"w": begun}), 1)
    trained = {"w": begun + added}
    rows = overlap.of_siblings("s", members, {"w": begun}, trained, [(children, {"w": ends})], counts, 5)
    found = rows.set_index("reference")["update_correlation"]
    assert found["dense_final"].tolist() == pytest.approx([1, -1])
    assert found["dense_final_other_init"].abs().max() < 0.2


def test_independent_masks_overlap_by_chance():
    random = torch.Generator().manual_seed(0)
    first, second = ((torch.rand(200, 2000, generator=random) < density).float() for density in (0.3, 0.1))
    jaccard, chance = overlap.overlap(first, second)
    gap = jaccard - chance
    assert abs(gap.mean()) < 4 * gap.std() / math.sqrt(200)
    assert chance.mean().item() == pytest.approx(0.03 / 0.37, rel=0.02)


def test_a_diverged_network_has_no_largest_weights_and_no_overlap():
    """Its NaN would count as largest, so that two diverged networks would have the same mask."""
    weights = {"a": torch.rand(3, 20), "b": torch.rand(3, 5)}
    weights["b"][1] = torch.nan
    masks = pruning.largest(weights, 10)
    assert masks["a"][1].isnan().all() and masks["b"][1].isnan().all()
    whole = pruning.keep_top(pruning.magnitude(weights), 10)
    for name, mask in masks.items():
        assert torch.equal(mask[[0, 2]], whole[name][[0, 2]])
        jaccard, chance = overlap.overlap(mask, mask)
        given = overlap.overlap_given(torch.rand_like(mask), mask, mask)
        for found in (jaccard, chance, given):
            assert found.isnan().tolist() == [False, True, False]


def test_the_overlap_that_like_scores_explain_of_a_known_pair():
    """Two strata of three weights: 2 · 3 / 3 and 1 · 1 / 3 of both, so 7/3 of 3 + 4 − 7/3; ranks count, not sizes."""
    scores = torch.tensor([[0.1, 0.3, 0.2, 7.0, 8.0, 9.0], [60.0, 50.0, 40.0, 70.0, 90.0, 80.0]])
    first = torch.tensor([[1.0, 1, 0, 1, 0, 0]]).repeat(2, 1)
    second = torch.tensor([[1.0, 1, 1, 1, 0, 0]]).repeat(2, 1)
    assert overlap.overlap_given(scores, first, second, strata=2).tolist() == pytest.approx([1 / 2, 1 / 2])
    # Each weight alone in its stratum: all that is shared is explained. One stratum for all: chance.
    assert overlap.overlap_given(scores, first, second, strata=6).tolist() == pytest.approx([3 / 4, 3 / 4])
    assert overlap.overlap_given(scores, first, second, strata=1).tolist() == pytest.approx([2 / 5, 2 / 5])


def test_what_an_overlap_has_beyond_chance_and_beyond_the_start_is_a_share_of_what_it_could_have():
    """Of 20 strata of two weights like in |θ₀| both masks keep five whole ones and a half of five more, one of five
    others."""
    first, second = torch.zeros(2, 1, 40)
    first[0, :10] = second[0, :10] = first[0, 10:30:2] = second[0, 10:20:2] = 1
    start = torch.arange(1.0, 41)[None] * torch.tensor([1.0, -1.0]).repeat(20)
    found = overlap.rows("s", dense_members([3]), 7, "imp", {"a": first}, {"a": second}, {"a": start})
    (row,) = found.to_dict("records")
    assert (row["jaccard"], row["chance"]) == pytest.approx((15 / 20, 3 / 11))
    assert row["excess"] == pytest.approx((3 / 4 - 3 / 11) / (1 - 3 / 11))
    # 2 · 2 / 2 of five strata and 1 · 1 / 2 of five: 12.5 of 20 + 15 − 12.5.
    assert row["given_initial"] == pytest.approx(5 / 9)
    assert row["beyond_initial"] == pytest.approx((3 / 4 - 5 / 9) / (1 - 5 / 9))
    assert (row["init_seed"], row["step"], row["reference"], row["tensor"]) == (3, 7, "imp", "a")
    assert math.isnan(row["update_correlation"])


def test_masks_along_training_are_compared_with_the_last_and_with_imps_of_this_and_of_the_next_network():
    """Two networks whose order of weights turns round while they train; IMP keeps what is largest in the end."""
    members = dense_members([0, 1])
    rising = torch.arange(1.0, 9)
    begun, ended = torch.stack([rising, rising.flip(0)]), torch.stack([rising.flip(0), rising])
    states = [(0, members, {"a": begun}), (5, members, {"a": ended})]
    found = overlap.along_training("s", states, pruning.keep_top({"a": ended}, 2), 2, 5)
    jaccard = found.set_index(["reference", "step", "init_seed"])["jaccard"].sort_index()
    for reference, by_step in (("final_magnitude", (0, 1)), ("imp", (0, 1)), ("imp_other_init", (1, 0))):
        assert jaccard[reference, 0].tolist() == [by_step[0]] * 2 and jaccard[reference, 5].tolist() == [by_step[1]] * 2
