"""How much of the final mask is there at each training step: overlap of the magnitude mask at step t with it.

References: the dense network's own final magnitude mask ("final_magnitude"), the IMP mask of the same level ("imp"),
and, for what two initialisations share without sharing anything, the next seed's IMP mask ("imp_other_init").
"""

import pandas as pd
from snakemake.script import Snakemake

from workflow_scripts.ticketlab import pruning, states, tables
from workflow_scripts.ticketlab.jobs import logged
from workflow_scripts.ticketlab.settings.schedule import ScheduleSettings
from workflow_scripts.ticketlab.stack import take
from workflow_scripts.ticketlab.study import open_study

snakemake: Snakemake  # put here by Snakemake

with logged(snakemake) as provenance:
    spec = snakemake.params.spec
    study = open_study(spec, snakemake.input.data)
    schedule, level, last = ScheduleSettings(**spec["schedule"]), spec["level"], spec["last_step"]
    _, imp = states.read_masks(snakemake.input.masks[0], last, study.device)
    counts = pruning.schedule(schedule, pruning.sizes(imp), level)

    def magnitude_mask(step):
        members, weights = states.read_weights(snakemake.input.dense, step, study.device)
        return members, pruning.keep_top(pruning.magnitude(pruning.prunable(study.model, weights)), counts)

    count = len(magnitude_mask(last)[0])
    next_seed = [(index + 1) % count for index in range(count)]
    references = {"final_magnitude": magnitude_mask(last)[1], "imp": imp}
    if count > 1:
        references["imp_other_init"] = take(imp, next_seed)
    rows = []
    for step in tables.steps(snakemake.input.dense, "weights"):
        members, mask = magnitude_mask(step)
        for reference, other in references.items():
            for tensor in mask:
                jaccard, chance = pruning.overlap(mask[tensor], other[tensor])
                rows.append(
                    pd.DataFrame(
                        {
                            "study": study.name,
                            **pd.DataFrame([member.keys() for member in members]),
                            "level": level,
                            "step": step,
                            "reference": reference,
                            "tensor": tensor,
                            "jaccard": jaccard.cpu().numpy(),
                            "chance": chance.cpu().numpy(),
                            "excess": ((jaccard - chance) / (1 - chance).clamp(min=1e-12)).cpu().numpy(),
                        }
                    )
                )
    tables.write(snakemake.output.overlap, "overlap", pd.concat(rows), provenance)
