# The studies whose roles are scored along training, too.
FOLLOWED = rule_params.followed(CONFIG)


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
    wildcard_constraints:
        study="|".join(TRAINED) or NONE,
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


rule follow_roles:
    input:
        roles=of_job(rules.score_roles.output.roles, source=["course", "dense"]),
        holders=rules.compare_roles.output.holders,
    output:
        courses=at("{study}/role_courses.parquet"),
        held=at("{study}/held_from.parquet"),
    log:
        logs("follow_roles", "study"),
    benchmark:
        benchmarks("follow_roles", "study")
    conda:
        CONDA
    resources:
        **analysis(),
    params:
        **job("follow_roles"),
    script:
        "../workflow_scripts/follow_roles.py"


use rule draw_calibrations as draw_role_courses with:
    input:
        courses=every(rules.follow_roles.output.courses, FOLLOWED),
        held=every(rules.follow_roles.output.held, FOLLOWED),
        holders=every(rules.compare_roles.output.holders, FOLLOWED),
    output:
        figures=drawn(at("figures/role_courses.{format}")),
    log:
        logs("draw_role_courses"),
    benchmark:
        benchmarks("draw_role_courses")
    params:
        **job("draw_role_courses", "role_courses"),


rule roles:
    input:
        rules.dense.input,
        every(rules.train_spawned.output),
        every(rules.score_roles.output, source=rule_params.role_sources),
        every(rules.compare_roles.output),
        every(rules.score_roles.output, FOLLOWED, source="course"),
        every(rules.follow_roles.output, FOLLOWED),
        rules.draw_role_courses.output if FOLLOWED else [],


STAGES.append(rules.roles.input)
