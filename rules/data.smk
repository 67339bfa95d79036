rule data:
    input:
        every("{study}/data.parquet"),
        every("{study}/block{block}/init/weights.parquet"),


rule prepare_data:
    output:
        data=at("{study}/data.parquet"),
    input:
        lambda w: [path for path in [specs.external_file(CONFIG, w.study)] if path],
    params:
        spec=lambda w: specs.prepare_data(CONFIG, w.study),
        code=code("prepare_data.py"),
        lock=LOCK,
    log:
        at("logs/prepare_data/{study}.log"),
    benchmark:
        at("benchmarks/prepare_data/{study}.tsv")
    threads: 1
    resources:
        mem_mb=2000,
        runtime=15,
    conda:
        CONDA
    script:
        "../workflow_scripts/prepare_data.py"


rule init_seeds:
    input:
        data=rules.prepare_data.output.data,
    output:
        weights=at("{study}/block{block}/init/weights.parquet"),
    params:
        spec=lambda w: specs.init_seeds(CONFIG, w.study, int(w.block)),
        code=code("init_seeds.py"),
        lock=LOCK,
    log:
        at("logs/init_seeds/{study}-{block}.log"),
    benchmark:
        at("benchmarks/init_seeds/{study}-{block}.tsv")
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    conda:
        CONDA
    script:
        "../workflow_scripts/init_seeds.py"
