# What becomes of a transient in tickets, in the studies whose dense networks have one.
DEVELOPED = rule_params.developed(CONFIG)


rule development:
    input:
        rules.instruments.input,
        developed_of(
            at("{study}/block{block}/development/{table}.parquet"),
            table=lambda study: ["structure", "metrics", "masks", "weights"],
        ),
        developed_of(
            at("{study}/block{block}/llc/{source}/{table}.parquet"),
            source=llc_of_developed,
            table=lambda study: ["llc", "llc_draws"],
        ),
        at("development.parquet") if DEVELOPED else [],
        expand(at("figures/development.{format}"), format=["png", "svg"] if DEVELOPED else []),


rule develop_tickets:
    input:
        data=rules.prepare_data.output.data,
        dense=rules.train_dense.output.weights,
        masks=end_masks,
        structure=rules.trace_structure.output.structure,
    output:
        structure=at("{study}/block{block}/development/structure.parquet"),
        metrics=at("{study}/block{block}/development/metrics.parquet"),
        masks=at("{study}/block{block}/development/masks.parquet"),
        weights=at("{study}/block{block}/development/weights.parquet"),
    log:
        at("logs/develop_tickets/{study}-{block}.log"),
    benchmark:
        at("benchmarks/develop_tickets/{study}-{block}.tsv")
    # One of the longest jobs, which little waits for: at the end it would leave the other cores with nothing to do.
    priority: 1
    conda:
        CONDA
    threads: 1
    resources:
        mem_mb=grown(3000),
        runtime=grown(60),
        gpu=GPUS,
    params:
        spec=lambda w: rule_params.develop_tickets(CONFIG, w.study),
        code=code("develop_tickets.py"),
        lock=LOCK,
    script:
        "../workflow_scripts/develop_tickets.py"


rule summarise_development:
    input:
        structure=[
            *developed_of(rules.trace_structure.output.structure),
            *developed_of(rules.develop_tickets.output.structure),
        ],
        metrics=[*developed_of(rules.train_dense.output.metrics), *developed_of(rules.develop_tickets.output.metrics)],
        llc=developed_of(rules.estimate_llc.output.llc, source=llc_of_developed),
    output:
        development=at("development.parquet"),
    log:
        at("logs/summarise_development.log"),
    benchmark:
        at("benchmarks/summarise_development.tsv")
    conda:
        CONDA
    threads: 1
    resources:
        mem_mb=grown(1000),
        runtime=grown(10),
    params:
        spec=rule_params.summarise_development(CONFIG),
        code=code("summarise_development.py"),
        lock=LOCK,
    script:
        "../workflow_scripts/summarise_development.py"


rule draw_development:
    input:
        development=rules.summarise_development.output.development,
    output:
        figures=expand(at("figures/development.{format}"), format=["png", "svg"]),
    log:
        at("logs/draw_development.log"),
    benchmark:
        at("benchmarks/draw_development.tsv")
    conda:
        CONDA
    threads: 1
    resources:
        mem_mb=grown(1000),
        runtime=grown(10),
    params:
        spec=rule_params.draw_development(CONFIG),
        code=code_of_figures("development"),
        lock=LOCK,
    script:
        "../workflow_scripts/draw.py"
