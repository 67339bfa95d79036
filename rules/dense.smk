rule train_dense:
    input:
        data=rules.prepare_data.output.data,
    output:
        weights=at("{study}/block{block}/dense/weights.parquet"),
        metrics=at("{study}/block{block}/dense/metrics.parquet"),
        examples=at("{study}/block{block}/dense/examples.parquet"),
    log:
        logs("train_dense", "study", "block"),
    benchmark:
        benchmarks("train_dense", "study", "block")
    wildcard_constraints:
        study="|".join(TRAINED) or NONE,
    conda:
        CONDA
    resources:
        **networks(minutes=60),
    params:
        **job("train_dense"),
    script:
        "../workflow_scripts/train_dense.py"


# The same files for networks that were trained elsewhere, and those of train_spawned for their siblings.
rule import_checkpoints:
    input:
        data=rules.prepare_data.output.data,
        before=blocks_before(at("{study}/block{block}/dense/checkpoints.parquet")),
    output:
        weights=at("{study}/block{block}/dense/weights.parquet"),
        metrics=at("{study}/block{block}/dense/metrics.parquet"),
        examples=at("{study}/block{block}/dense/examples.parquet"),
        siblings=at("{study}/block{block}/spawned/split0/weights.parquet"),
        siblings_metrics=at("{study}/block{block}/spawned/split0/metrics.parquet"),
        checkpoints=at("{study}/block{block}/dense/checkpoints.parquet"),
    log:
        logs("import_checkpoints", "study", "block"),
    benchmark:
        benchmarks("import_checkpoints", "study", "block")
    wildcard_constraints:
        study="|".join(RELEASED) or NONE,
    conda:
        CONDA
    resources:
        **networks(minutes=240),
    params:
        **job("import_checkpoints"),
    script:
        "../workflow_scripts/import_checkpoints.py"


rule sweep_rates:
    input:
        data=rules.prepare_data.output.data,
        dense=of_job(rules.train_dense.output.weights),
    output:
        sweep=at("{study}/rate_sweep.parquet"),
    log:
        logs("sweep_rates", "study"),
    benchmark:
        benchmarks("sweep_rates", "study")
    conda:
        CONDA
    resources:
        **networks(minutes=120),
    params:
        **job("sweep_rates"),
    script:
        "../workflow_scripts/sweep_rates.py"


use rule draw_calibrations as draw_rate_sweep with:
    input:
        sweep=rules.sweep_rates.output.sweep,
    output:
        figures=drawn(at("figures/rate_sweep_{study}.{format}")),
    log:
        logs("draw_rate_sweep", "study"),
    benchmark:
        benchmarks("draw_rate_sweep", "study")
    params:
        **job("draw_rate_sweep", "rate_sweep"),


rule dense:
    input:
        rules.data.input,
        every(rules.train_dense.output),
        every(rules.import_checkpoints.output, RELEASED),


STAGES.append(rules.dense.input)
