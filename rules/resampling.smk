# Parts of the initial weights are kept and the rest is drawn again (P3).
RESAMPLED = rule_params.resampled(CONFIG)


rule resampling:
    input:
        rules.roles.input,
        rules.tickets.input,
        expand(at("{study}/resampling/{table}.parquet"), study=RESAMPLED, table=["agreement", "metrics"]),
        [at("resampling.parquet")] if RESAMPLED else [],
        expand(at("figures/resampling.{format}"), format=["png", "svg"] if RESAMPLED else []),


rule resample_weights:
    input:
        data=rules.prepare_data.output.data,
        dense=blocks_of_study(rules.train_dense.output.weights),
        masks=at_initialisation(rules.imp_round.output.masks),
        spawned=at_initialisation(rules.train_spawned.output.weights),
        roles=at_initialisation(rules.score_roles.output.roles, source=["dense", "split0"]),
    output:
        agreement=at("{study}/resampling/agreement.parquet"),
        metrics=at("{study}/resampling/metrics.parquet"),
    log:
        at("logs/resample_weights/{study}.log"),
    benchmark:
        at("benchmarks/resample_weights/{study}.tsv")
    conda:
        CONDA
    threads: 1
    resources:
        mem_mb=grown(3000),
        runtime=grown(60),
        gpu=GPUS,
    params:
        spec=lambda w: rule_params.resample_weights(CONFIG, w.study),
        code=code("resample_weights.py"),
        lock=LOCK,
    script:
        "../workflow_scripts/resample_weights.py"


rule summarise_resampling:
    input:
        agreement=expand(rules.resample_weights.output.agreement, study=RESAMPLED),
        metrics=expand(rules.resample_weights.output.metrics, study=RESAMPLED),
    output:
        resampling=at("resampling.parquet"),
    log:
        at("logs/summarise_resampling.log"),
    benchmark:
        at("benchmarks/summarise_resampling.tsv")
    conda:
        CONDA
    threads: 1
    resources:
        mem_mb=grown(1000),
        runtime=grown(10),
    params:
        spec=rule_params.summarise_resampling(CONFIG),
        code=code("summarise_resampling.py"),
        lock=LOCK,
    script:
        "../workflow_scripts/summarise_resampling.py"


rule draw_resampling:
    input:
        resampling=rules.summarise_resampling.output.resampling,
    output:
        figures=expand(at("figures/resampling.{format}"), format=["png", "svg"]),
    log:
        at("logs/draw_resampling.log"),
    benchmark:
        at("benchmarks/draw_resampling.tsv")
    conda:
        CONDA
    threads: 1
    resources:
        mem_mb=grown(1000),
        runtime=grown(10),
    params:
        spec=rule_params.draw_resampling(CONFIG),
        code=code_of_figures("resampling"),
        lock=LOCK,
    script:
        "../workflow_scripts/draw.py"
