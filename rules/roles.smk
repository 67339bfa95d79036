rule train_spawned:
    input:
        data=rules.prepare_data.output.data,
        dense=rules.train_dense.output.weights,
    output:
        weights=at("{study}/block{block}/spawned/split{split}/weights.parquet"),
        metrics=at("{study}/block{block}/spawned/split{split}/metrics.parquet"),
    log:
        logs("train_spawned", "study", "block", "split"),
    benchmark:
        benchmarks("train_spawned", "study", "block", "split")
    conda:
        CONDA
    resources:
        **networks(minutes=60),
    params:
        **job("train_spawned"),
    script:
        "../workflow_scripts/train_spawned.py"


rule score_roles:
    input:
        data=rules.prepare_data.output.data,
        weights=scored_weights,
    output:
        roles=at("{study}/block{block}/roles/{source}.parquet"),
    log:
        logs("score_roles", "study", "block", "source"),
    benchmark:
        benchmarks("score_roles", "study", "block", "source")
    conda:
        CONDA
    resources:
        **networks(minutes=20),
    params:
        **job("score_roles"),
    script:
        "../workflow_scripts/score_roles.py"


rule compare_roles:
    input:
        roles=of_job(rules.score_roles.output.roles, source=rule_params.role_sources),
    output:
        agreement=at("{study}/agreement.parquet"),
        holders=at("{study}/role_holders.parquet"),
    log:
        logs("compare_roles", "study"),
    benchmark:
        benchmarks("compare_roles", "study")
    conda:
        CONDA
    resources:
        **analysis(mem_mb=3000, minutes=20),
    params:
        **job("compare_roles"),
    script:
        "../workflow_scripts/compare_roles.py"


rule roles:
    input:
        rules.dense.input,
        every(rules.train_spawned.output),
        every(rules.score_roles.output, source=rule_params.role_sources),
        every(rules.compare_roles.output),


STAGES.append(rules.roles.input)
