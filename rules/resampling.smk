# Parts of the initial weights are kept and the rest is drawn again (P3).
RESAMPLED = rule_params.having(CONFIG, "resampling")


rule resample_weights:
    input:
        data=rules.prepare_data.output.data,
        dense=of_job(rules.train_dense.output.weights),
        masks=of_job(rules.imp_round.output.masks, rewind=0, level=rule_params.clock_level),
        spawned=of_job(rules.train_spawned.output.weights, split=0),
        roles=of_job(rules.score_roles.output.roles, source=["dense", "split0"]),
    output:
        agreement=at("{study}/resampling/agreement.parquet"),
        metrics=at("{study}/resampling/metrics.parquet"),
    log:
        logs("resample_weights", "study"),
    benchmark:
        benchmarks("resample_weights", "study")
    conda:
        CONDA
    resources:
        **networks(minutes=60),
    params:
        **job("resample_weights"),
    script:
        "../workflow_scripts/resample_weights.py"


rule summarise_resampling:
    input:
        agreement=every(rules.resample_weights.output.agreement, RESAMPLED),
        metrics=every(rules.resample_weights.output.metrics, RESAMPLED),
    output:
        resampling=at("resampling.parquet"),
    log:
        logs("summarise_resampling"),
    benchmark:
        benchmarks("summarise_resampling")
    conda:
        CONDA
    resources:
        **analysis(),
    params:
        **job("summarise_resampling"),
    script:
        "../workflow_scripts/summarise_resampling.py"


use rule draw_calibrations as draw_resampling with:
    input:
        resampling=rules.summarise_resampling.output.resampling,
    output:
        figures=drawn(at("figures/resampling.{format}")),
    log:
        logs("draw_resampling"),
    benchmark:
        benchmarks("draw_resampling")
    params:
        **job("draw_resampling", "resampling"),


rule resampling:
    input:
        rules.roles.input,
        rules.tickets.input,
        every(rules.resample_weights.output, RESAMPLED),
        [rules.summarise_resampling.output, rules.draw_resampling.output] if RESAMPLED else [],


STAGES.append(rules.resampling.input)
