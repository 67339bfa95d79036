rule trace_structure:
    input:
        data=rules.prepare_data.output.data,
        weights=by_any(rules.train_dense.output.weights),
    output:
        structure=at("{study}/block{block}/structure.parquet"),
        retained=at("{study}/block{block}/retained.parquet"),
    log:
        logs("trace_structure", "study", "block"),
    benchmark:
        benchmarks("trace_structure", "study", "block")
    conda:
        CONDA
    resources:
        **networks(minutes=20),
    params:
        **job("trace_structure"),
    script:
        "../workflow_scripts/trace_structure.py"


rule trace_mask_overlap:
    input:
        data=rules.prepare_data.output.data,
        dense=rules.train_dense.output.weights,
        masks=of_job(rules.imp_round.output.masks, rewind=rule_params.first_rewind, level=rule_params.clock_level),
        spawned=of_job(rules.train_spawned.output.weights),
    output:
        overlap=at("{study}/block{block}/overlap.parquet"),
    log:
        logs("trace_mask_overlap", "study", "block"),
    benchmark:
        benchmarks("trace_mask_overlap", "study", "block")
    wildcard_constraints:
        study="|".join(TRAINED) or NONE,
    conda:
        CONDA
    resources:
        **analysis(mem_mb=3000, minutes=10),
    params:
        **job("trace_mask_overlap"),
    script:
        "../workflow_scripts/trace_mask_overlap.py"


# The same table for networks that were trained elsewhere, of which there are no tickets.
rule trace_released_masks:
    input:
        data=rules.prepare_data.output.data,
        dense=rules.import_checkpoints.output.weights,
        spawned=rules.import_checkpoints.output.siblings,
    output:
        overlap=at("{study}/block{block}/overlap.parquet"),
    log:
        logs("trace_released_masks", "study", "block"),
    benchmark:
        benchmarks("trace_released_masks", "study", "block")
    wildcard_constraints:
        study="|".join(RELEASED) or NONE,
    conda:
        CONDA
    resources:
        **analysis(mem_mb=3000, minutes=60),
    params:
        **job("trace_released_masks"),
    script:
        "../workflow_scripts/trace_released_masks.py"


rule estimate_llc:
    input:
        data=rules.prepare_data.output.data,
        weights=llc_networks("weights"),
        masks=llc_networks("masks"),
    output:
        llc=at("{study}/block{block}/llc/{source}/llc.parquet"),
        draws=at("{study}/block{block}/llc/{source}/llc_draws.parquet"),
        scales=at("{study}/block{block}/llc/{source}/llc_scales.parquet"),
    log:
        logs("estimate_llc", "study", "block", "source"),
    benchmark:
        benchmarks("estimate_llc", "study", "block", "source")
    conda:
        CONDA
    resources:
        **networks(minutes=60),
    params:
        **job("estimate_llc"),
    script:
        "../workflow_scripts/estimate_llc.py"


rule sweep_llc:
    input:
        data=rules.prepare_data.output.data,
        weights=of_job(rules.train_dense.output.weights, block=0),
    output:
        sweep=at("{study}/llc_sweep.parquet"),
    log:
        logs("sweep_llc", "study"),
    benchmark:
        benchmarks("sweep_llc", "study")
    conda:
        CONDA
    resources:
        **analysis(mem_mb=3000, minutes=120),
    params:
        **job("sweep_llc"),
    script:
        "../workflow_scripts/sweep_llc.py"


use rule draw_calibrations as draw_llc_sweep with:
    input:
        sweep=rules.sweep_llc.output.sweep,
    output:
        figures=drawn(at("figures/llc_sweep_{study}.{format}")),
    log:
        logs("draw_llc_sweep", "study"),
    benchmark:
        benchmarks("draw_llc_sweep", "study")
    params:
        **job("draw_llc_sweep", "llc_sweep"),


rule instruments:
    input:
        rules.tickets.input,
        every(rules.trace_structure.output),
        every(rules.trace_mask_overlap.output),
        every(rules.trace_released_masks.output, RELEASED),
        every(rules.estimate_llc.output, source=rule_params.llc_sources),


STAGES.append(rules.instruments.input)


# On request only: for whoever chooses the settings of a new study.
rule sweeps:
    input:
        every(rules.sweep_rates.output, TRAINED),
        every(rules.draw_rate_sweep.output, TRAINED),
        every(rules.sweep_llc.output),
        every(rules.draw_llc_sweep.output),
