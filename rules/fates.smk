# What becomes of a transient in tickets, in the studies whose dense networks have one.
FATED = specs.fated(CONFIG)


rule fates:
    input:
        rules.instruments.input,
        fates_of(
            at("{study}/block{block}/fates/{table}.parquet"),
            table=lambda study: ["structure", "metrics", "masks", "weights"],
        ),
        fates_of(
            at("{study}/block{block}/llc/{source}/{table}.parquet"),
            source=llc_of_fates,
            table=lambda study: ["llc", "llc_draws"],
        ),
        at("fates.parquet") if FATED else [],
        expand(at("figures/fate.{format}"), format=["png", "svg"] if FATED else []),


rule develop_tickets:
    input:
        data=rules.prepare_data.output.data,
        dense=rules.train_dense.output.weights,
        masks=end_masks,
        structure=rules.trace_structure.output.structure,
    output:
        structure=at("{study}/block{block}/fates/structure.parquet"),
        metrics=at("{study}/block{block}/fates/metrics.parquet"),
        masks=at("{study}/block{block}/fates/masks.parquet"),
        weights=at("{study}/block{block}/fates/weights.parquet"),
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
        spec=lambda w: specs.develop_tickets(CONFIG, w.study),
        code=code("develop_tickets.py"),
        lock=LOCK,
    script:
        "../workflow_scripts/develop_tickets.py"


rule summarise_fates:
    input:
        structure=[
            *fates_of(rules.trace_structure.output.structure),
            *fates_of(rules.develop_tickets.output.structure),
        ],
        metrics=[*fates_of(rules.train_dense.output.metrics), *fates_of(rules.develop_tickets.output.metrics)],
        llc=fates_of(rules.estimate_llc.output.llc, source=llc_of_fates),
    output:
        fates=at("fates.parquet"),
    log:
        at("logs/summarise_fates.log"),
    benchmark:
        at("benchmarks/summarise_fates.tsv")
    conda:
        CONDA
    threads: 1
    resources:
        mem_mb=grown(1000),
        runtime=grown(10),
    params:
        spec=specs.summarise_fates(CONFIG),
        code=code("summarise_fates.py"),
        lock=LOCK,
    script:
        "../workflow_scripts/summarise_fates.py"


rule draw_fate:
    input:
        fates=rules.summarise_fates.output.fates,
    output:
        figures=expand(at("figures/fate.{format}"), format=["png", "svg"]),
    log:
        at("logs/draw_fate.log"),
    benchmark:
        at("benchmarks/draw_fate.tsv")
    conda:
        CONDA
    threads: 1
    resources:
        mem_mb=grown(1000),
        runtime=grown(10),
    params:
        spec=specs.draw_fate(CONFIG),
        code=code("draw_fate.py"),
        lock=LOCK,
    script:
        "../workflow_scripts/draw_fate.py"
