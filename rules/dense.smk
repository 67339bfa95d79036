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
    conda:
        CONDA
    resources:
        **networks(minutes=60),
    params:
        **job("train_dense"),
    script:
        "../workflow_scripts/train_dense.py"


rule dense:
    input:
        rules.data.input,
        every(rules.train_dense.output),


STAGES.append(rules.dense.input)
