"""Are the roles of the end foretold by components at earlier steps, and does a supermask choose those that matter?"""

import pandas as pd
from snakemake.script import Snakemake

from workflow_scripts.ticketlab import blocks, foretelling, roles, states, tables, tasks
from workflow_scripts.ticketlab.contracts.origins import FORETOLD
from workflow_scripts.ticketlab.contracts.roles import ROLES
from workflow_scripts.ticketlab.jobs import logged
from workflow_scripts.ticketlab.settings.foretelling import ForetellingSettings
from workflow_scripts.ticketlab.settings.roles import RolesSettings
from workflow_scripts.ticketlab.stack import take
from workflow_scripts.ticketlab.study import open_study

snakemake: Snakemake  # put here by Snakemake

with logged(snakemake) as provenance:
    spec = snakemake.params.spec
    study = open_study(spec, snakemake.input.data)
    settings, scoring = ForetellingSettings(**spec["foretelling"]), RolesSettings(**spec["roles"])

    def arrays(stack):
        return {name: tensor.cpu().numpy() for name, tensor in stack.items()}

    end = tables.read_many(snakemake.input.roles, ROLES)
    slices = tasks.module(spec["task"]["kind"]).slices(study.problem, scoring.split)
    probe = roles.draw_probe(study.problem, slices, study.name, 0, scoring, study.device)
    early = {}
    for step in spec["steps"]:
        members, weights = blocks.read(snakemake.input.dense, step, study.device)
        scored = end
        if step != spec["steps"][-1]:
            scores = roles.score(study.model, weights, probe, scoring)
            scored = roles.rows(study.name, members, step, 0, study.model, scores)
        early[step] = scored, arrays(weights)

    found, masks = blocks.read(snakemake.input.supermasks, spec["supermask_steps"], study.device, states.read_masks)
    kinds: dict[str, list[int]] = {}
    for index, member in enumerate(found):
        density = spec["supermask_densities"][member.level - 1]
        kinds.setdefault(f"{member.variant}, {100 * density:g}% kept", []).append(index)
    chosen = {name: arrays(take(masks, indices)) for name, indices in kinds.items()}

    kind, alpha = spec["model"]["kind"], spec["alpha"]
    rows = [
        *foretelling.foretold(study.name, kind, early, end, settings, alpha),
        *foretelling.supermask_overlap(kind, chosen, end, alpha),
    ]
    frame = pd.DataFrame(rows).assign(study=study.name)
    tables.write(snakemake.output.foretold, FORETOLD, frame, provenance)
    print(frame[frame["score"] == "all"].to_string())
