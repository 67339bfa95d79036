"""Resampled weights: the kept part stays, the rest is drawn again, and agreements depend on the kept part alone."""

import numpy as np
import pandas as pd
import pytest
import torch

from tests.unit.experiments.noise.test_summary import INITS, role_rows
from workflow_scripts.ticketlab.core.random_streams import generator
from workflow_scripts.ticketlab.experiments.mask_agreement import mask_agreement
from workflow_scripts.ticketlab.experiments.resampling import parts
from workflow_scripts.ticketlab.settings.resampling import EVERYTHING, NOTHING
from workflow_scripts.ticketlab.training import stack

SHAPE = (40, 60)
DENSITY = 0.25
DENSE = stack.dense_members(range(INITS))
SIBLINGS = stack.spawned_members(DENSE, 0, 2)


def kept_members(kept):
    return stack.as_variant(DENSE, variant=parts.variant(kept))


def normal(purpose, members=DENSE):
    """Weights of each initialisation, (N, *SHAPE)."""
    return torch.from_numpy(
        np.stack([generator("test", purpose, m.init_seed).normal(size=SHAPE) for m in members]).astype(np.float32)
    )


def top(scores):
    count = round(DENSITY * scores[0].numel())
    return (scores >= scores.flatten(1).topk(count).values[:, -1].reshape(-1, 1, 1)).float()


@pytest.fixture(scope="module")
def ticket():
    """A ticket that is not just the largest initial weights."""
    return {"w": top(normal("θ₀").abs() + normal("training"))}


@pytest.mark.parametrize("kept", ["ticket", "random", "largest"])
def test_every_part_has_the_tickets_size_in_each_tensor_and_the_rest_is_its_complement(ticket, kept):
    initial = {"w": normal("θ₀")}
    mask = parts.part(kept, ticket, initial, "test", DENSE)["w"]
    assert torch.equal(mask.flatten(1).sum(1), ticket["w"].flatten(1).sum(1))
    assert torch.equal(parts.part("rest", ticket, initial, "test", DENSE)["w"], 1 - ticket["w"])


def test_the_largest_are_the_largest_and_a_random_set_is_independent_of_the_ticket(ticket):
    initial = {"w": normal("θ₀")}
    largest = parts.part("largest", ticket, initial, "test", DENSE)["w"]
    assert torch.equal(largest, top(initial["w"].abs()))
    chosen = parts.part("random", ticket, initial, "test", DENSE)["w"]
    shared = (chosen * ticket["w"]).mean() / DENSITY
    assert float(shared) == pytest.approx(DENSITY, abs=0.02)


def test_kept_weights_are_the_old_ones_and_all_others_new(ticket):
    initial = {"w": normal("θ₀"), "bias": torch.ones(INITS, 3)}
    fresh = {"w": normal("anew"), "bias": torch.full((INITS, 3), 2.0)}
    mixed = parts.exchange(initial, fresh, ticket)
    kept = ticket["w"] > 0
    assert torch.equal(mixed["w"][kept], initial["w"][kept])
    assert torch.equal(mixed["w"][~kept], fresh["w"][~kept])
    assert torch.equal(mixed["bias"], fresh["bias"])
    rest = parts.exchange(initial, fresh, {"w": 1 - ticket["w"]})
    # The two halves of one exchange: together they hold each weight of either draw once.
    assert torch.equal(mixed["w"] + rest["w"], initial["w"] + fresh["w"])


def test_networks_are_compared_with_siblings_on_other_orders_alone():
    networks = pd.DataFrame([member.keys() for member in [*kept_members("ticket"), *DENSE, *SIBLINGS]])
    pairs = parts.pairs_of(networks)
    first, second = networks.loc[pairs["a"]].reset_index(), networks.loc[pairs["b"]].reset_index()
    assert (second["variant"] == "spawned").all() and (second["data_seed"] != second["init_seed"]).all()
    same = first["init_seed"] == second["init_seed"]
    assert (same == (pairs["pair"] != NOTHING)).all()
    assert pairs["pair"].value_counts().to_dict() == {
        "ticket": 2 * INITS,
        EVERYTHING: 2 * INITS,
        NOTHING: 2 * INITS * (INITS - 1),
    }


def test_roles_that_were_kept_agree_and_roles_that_were_drawn_anew_do_not():
    """The roles of "ticket" networks follow their initialisation; those of "rest" another one's."""
    share = 0.5
    frames = [role_rows([*DENSE, *SIBLINGS, *kept_members("ticket")], share)]
    foreign = [stack.Member(m.init_seed + 100, m.data_seed) for m in DENSE]
    others = role_rows(foreign, share)
    frames.append(others.assign(variant="kept_rest", init_seed=others["init_seed"] - 100))
    found = parts.role_agreement(pd.concat(frames))
    mean = found[found["score"] == "all"].groupby("pair")["agreement"].mean()
    # Each layer is one of 40 units with 5 scores: standard error of a mean over 12 pairs about 0.02.
    assert mean["ticket"] > 0.9 * share and mean[EVERYTHING] == pytest.approx(share, abs=0.08)
    assert mean["rest"] == pytest.approx(0, abs=0.08) and mean[NOTHING] == pytest.approx(0, abs=0.05)


def ends(start, training, purpose):
    """Final magnitudes: initial ones, what training adds, and noise of the data order."""
    return start.abs() + training + 0.3 * normal(purpose)


def masks_of(kept_training):
    """Agreement by pair where the networks that kept the ticket are trained by `kept_training` (N, *SHAPE)."""
    initial, training = normal("θ₀"), normal("training")
    chosen = {"w": top(initial.abs() + training)}
    start = parts.exchange({"w": initial}, {"w": normal("anew")}, chosen)["w"]
    siblings = SIBLINGS[1::3]  # order 1
    members = [*kept_members("ticket"), *DENSE, *siblings]
    finals = [
        ends(start, kept_training(chosen["w"]), "a"),
        ends(initial, training, "b"),
        ends(initial, training, "c"),
    ]
    masks = {"w": torch.cat([top(final) for final in finals])}
    begun = {"w": torch.cat([start, initial, initial])}
    found = mask_agreement("test", members, masks, begun, parts.pairs_of)
    return found[found["score"] == "all"].groupby("pair")["agreement"].mean()


def test_a_mask_that_hangs_on_its_own_initial_weights_alone_keeps_nothing():
    """Though these were chosen by where the siblings' weights grow: the part that was kept says so itself."""
    means = masks_of(lambda chosen: normal("another training"))
    assert means["ticket"] == pytest.approx(0, abs=0.03) and means[NOTHING] == pytest.approx(0, abs=0.03)
    assert means[EVERYTHING] > 0.3


def test_a_mask_whose_ticket_grows_again_keeps_it():
    means = masks_of(lambda chosen: torch.where(chosen > 0, normal("training"), -1.0 + 0 * chosen))
    assert means["ticket"] > 0.8 * means[EVERYTHING]
