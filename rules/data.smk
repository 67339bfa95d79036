# A stage's target asks for every output of the stage and of those before it: Snakemake remakes a missing intermediate
# (deleted; or its job failed after a change) only if it is asked for, and would otherwise leave the old result that was
# made of it.
rule data:
    input:
        every("{study}/data.parquet"),
        every("{study}/block{block}/init/weights.parquet"),


rule prepare_data:
    input:
        # ancient: their content counts (data_spec), not their time.
        lambda w: [ancient(path) for path in rule_params.external_files(CONFIG, w.study)],
    output:
        data=at("{study}/data.parquet"),
    log:
        at("logs/prepare_data/{study}.log"),
    benchmark:
        at("benchmarks/prepare_data/{study}.tsv")
    conda:
        CONDA
    threads: 1
    resources:
        mem_mb=grown(2000),
        runtime=grown(15),
    params:
        spec=data_spec,
        code=code("prepare_data.py"),
        lock=LOCK,
    script:
        "../workflow_scripts/prepare_data.py"


rule initialise:
    input:
        data=rules.prepare_data.output.data,
    output:
        weights=at("{study}/block{block}/init/weights.parquet"),
    log:
        at("logs/initialise/{study}-{block}.log"),
    benchmark:
        at("benchmarks/initialise/{study}-{block}.tsv")
    conda:
        CONDA
    threads: 1
    resources:
        mem_mb=grown(2000),
        runtime=grown(10),
    params:
        spec=lambda w: rule_params.initialise(CONFIG, w.study, int(w.block)),
        code=code("initialise.py"),
        lock=LOCK,
    script:
        "../workflow_scripts/initialise.py"
