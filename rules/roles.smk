rule roles:
    input:
        every("{study}/agreement.parquet"),


def scored_weights(wildcards):
    """The networks of a source: the dense ones, or the children of a split step."""
    if wildcards.source == "dense":
        return rules.train_dense.output.weights
    return at("{study}/block{block}/spawned/{source}/weights.parquet")


def roles_of_study(wildcards):
    return expand(
        rules.score_roles.output.roles,
        study=wildcards.study,
        block=specs.blocks(CONFIG, wildcards.study),
        source=["dense", *(f"split{step}" for step in spawning(wildcards.study).split_steps)],
    )


rule train_spawned:
    input:
        data=rules.prepare_data.output.data,
        dense=rules.train_dense.output.weights,
    output:
        weights=at("{study}/block{block}/spawned/split{split}/weights.parquet"),
        metrics=at("{study}/block{block}/spawned/split{split}/metrics.parquet"),
    params:
        spec=lambda w: specs.train_spawned(CONFIG, w.study, int(w.split)),
        code=code("train_spawned.py"),
        lock=LOCK,
    log:
        at("logs/train_spawned/{study}-{block}-{split}.log"),
    benchmark:
        at("benchmarks/train_spawned/{study}-{block}-{split}.tsv")
    threads: 1
    resources:
        mem_mb=3000,
        runtime=60,
    conda:
        CONDA
    script:
        "../workflow_scripts/train_spawned.py"


rule score_roles:
    input:
        data=rules.prepare_data.output.data,
        weights=scored_weights,
    output:
        roles=at("{study}/block{block}/roles/{source}.parquet"),
    params:
        spec=lambda w: specs.score_roles(CONFIG, w.study),
        code=code("score_roles.py"),
        lock=LOCK,
    log:
        at("logs/score_roles/{study}-{block}-{source}.log"),
    benchmark:
        at("benchmarks/score_roles/{study}-{block}-{source}.tsv")
    threads: 1
    resources:
        mem_mb=3000,
        runtime=20,
    conda:
        CONDA
    script:
        "../workflow_scripts/score_roles.py"


rule compare_roles:
    input:
        roles=roles_of_study,
    output:
        agreement=at("{study}/agreement.parquet"),
    params:
        spec=lambda w: specs.compare_roles(CONFIG, w.study),
        code=code("compare_roles.py"),
        lock=LOCK,
    log:
        at("logs/compare_roles/{study}.log"),
    benchmark:
        at("benchmarks/compare_roles/{study}.tsv")
    threads: 1
    resources:
        mem_mb=3000,
        runtime=20,
    conda:
        CONDA
    script:
        "../workflow_scripts/compare_roles.py"
