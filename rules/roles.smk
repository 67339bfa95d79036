rule roles:
    input:
        rules.dense.input,
        every(
            "{study}/block{block}/spawned/split{split}/{table}.parquet",
            split=lambda study: spawning(study).split_steps,
            table=lambda study: ["weights", "metrics"],
        ),
        every("{study}/block{block}/roles/{source}.parquet", source=role_sources),
        every("{study}/agreement.parquet"),


rule train_spawned:
    input:
        data=rules.prepare_data.output.data,
        dense=rules.train_dense.output.weights,
    output:
        weights=at("{study}/block{block}/spawned/split{split}/weights.parquet"),
        metrics=at("{study}/block{block}/spawned/split{split}/metrics.parquet"),
    log:
        at("logs/train_spawned/{study}-{block}-{split}.log"),
    benchmark:
        at("benchmarks/train_spawned/{study}-{block}-{split}.tsv")
    conda:
        CONDA
    threads: 1
    resources:
        mem_mb=grown(3000),
        runtime=grown(60),
        gpu=GPUS,
    params:
        spec=lambda w: rule_params.train_spawned(CONFIG, w.study, int(w.split)),
        code=code("train_spawned.py"),
        lock=LOCK,
    script:
        "../workflow_scripts/train_spawned.py"


rule score_roles:
    input:
        data=rules.prepare_data.output.data,
        weights=scored_weights,
    output:
        roles=at("{study}/block{block}/roles/{source}.parquet"),
    log:
        at("logs/score_roles/{study}-{block}-{source}.log"),
    benchmark:
        at("benchmarks/score_roles/{study}-{block}-{source}.tsv")
    conda:
        CONDA
    threads: 1
    resources:
        mem_mb=grown(3000),
        runtime=grown(20),
        gpu=GPUS,
    params:
        spec=lambda w: rule_params.score_roles(CONFIG, w.study),
        code=code("score_roles.py"),
        lock=LOCK,
    script:
        "../workflow_scripts/score_roles.py"


rule compare_roles:
    input:
        roles=roles_of_study,
    output:
        agreement=at("{study}/agreement.parquet"),
    log:
        at("logs/compare_roles/{study}.log"),
    benchmark:
        at("benchmarks/compare_roles/{study}.tsv")
    conda:
        CONDA
    threads: 1
    resources:
        mem_mb=grown(3000),
        runtime=grown(20),
    params:
        spec=lambda w: rule_params.compare_roles(CONFIG, w.study),
        code=code("compare_roles.py"),
        lock=LOCK,
    script:
        "../workflow_scripts/compare_roles.py"
