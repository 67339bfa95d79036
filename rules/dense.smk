rule dense:
    input:
        rules.data.input,
        every("{study}/block{block}/dense/weights.parquet"),
        every("{study}/block{block}/dense/metrics.parquet"),


rule train_dense:
    input:
        data=rules.prepare_data.output.data,
        init=rules.initialise.output.weights,
    output:
        weights=at("{study}/block{block}/dense/weights.parquet"),
        metrics=at("{study}/block{block}/dense/metrics.parquet"),
    log:
        at("logs/train_dense/{study}-{block}.log"),
    benchmark:
        at("benchmarks/train_dense/{study}-{block}.tsv")
    conda:
        CONDA
    threads: 1
    resources:
        mem_mb=grown(3000),
        runtime=grown(60),
        gpu=GPUS,
    params:
        spec=lambda w: rule_params.train_dense(CONFIG, w.study),
        code=code("train_dense.py"),
        lock=LOCK,
    script:
        "../workflow_scripts/train_dense.py"
