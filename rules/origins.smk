# What of the end is in the initial weights already: parts of them kept and the rest drawn anew (P3), roles foretold (P8).
RESAMPLED = specs.resampled(CONFIG)
FORETOLD = specs.foretold(CONFIG)
ORIGINS = (["resample"] if RESAMPLED else []) + (["foretold"] if FORETOLD else [])


rule origins:
    input:
        rules.roles.input,
        rules.tickets.input,
        expand(at("{study}/resample/{table}.parquet"), study=RESAMPLED, table=["agreement", "metrics"]),
        expand(at("{study}/foretold.parquet"), study=FORETOLD),
        [at("resample.parquet")] if RESAMPLED else [],
        expand(at("figures/{name}.{format}"), name=ORIGINS, format=["png", "svg"]),


rule resample_rest:
    input:
        data=rules.prepare_data.output.data,
        dense=blocks_of_study(rules.train_dense.output.weights),
        masks=at_initialisation(rules.imp_round.output.masks),
        spawned=at_initialisation(rules.train_spawned.output.weights),
        roles=at_initialisation(rules.score_roles.output.roles, source=["dense", "split0"]),
    output:
        agreement=at("{study}/resample/agreement.parquet"),
        metrics=at("{study}/resample/metrics.parquet"),
    log:
        at("logs/resample_rest/{study}.log"),
    benchmark:
        at("benchmarks/resample_rest/{study}.tsv")
    conda:
        CONDA
    threads: 1
    resources:
        mem_mb=grown(3000),
        runtime=grown(60),
        gpu=GPUS,
    params:
        spec=lambda w: specs.resample_rest(CONFIG, w.study),
        code=code("resample_rest.py"),
        lock=LOCK,
    script:
        "../workflow_scripts/resample_rest.py"


rule summarise_resample:
    input:
        agreement=expand(rules.resample_rest.output.agreement, study=RESAMPLED),
        metrics=expand(rules.resample_rest.output.metrics, study=RESAMPLED),
    output:
        resample=at("resample.parquet"),
    log:
        at("logs/summarise_resample.log"),
    benchmark:
        at("benchmarks/summarise_resample.tsv")
    conda:
        CONDA
    threads: 1
    resources:
        mem_mb=grown(1000),
        runtime=grown(10),
    params:
        spec=specs.summarise_resample(CONFIG),
        code=code("summarise_resample.py"),
        lock=LOCK,
    script:
        "../workflow_scripts/summarise_resample.py"


rule foretell_roles:
    input:
        data=rules.prepare_data.output.data,
        dense=blocks_of_study(rules.train_dense.output.weights),
        roles=at_initialisation(rules.score_roles.output.roles, source="dense"),
        supermasks=blocks_of_study(rules.find_supermask.output.masks),
    output:
        foretold=at("{study}/foretold.parquet"),
    log:
        at("logs/foretell_roles/{study}.log"),
    benchmark:
        at("benchmarks/foretell_roles/{study}.tsv")
    conda:
        CONDA
    threads: 1
    resources:
        mem_mb=grown(3000),
        runtime=grown(20),
        gpu=GPUS,
    params:
        spec=lambda w: specs.foretell_roles(CONFIG, w.study),
        code=code("foretell_roles.py"),
        lock=LOCK,
    script:
        "../workflow_scripts/foretell_roles.py"


rule draw_resample:
    input:
        resample=rules.summarise_resample.output.resample,
    output:
        figures=expand(at("figures/resample.{format}"), format=["png", "svg"]),
    log:
        at("logs/draw_resample.log"),
    benchmark:
        at("benchmarks/draw_resample.tsv")
    conda:
        CONDA
    threads: 1
    resources:
        mem_mb=grown(1000),
        runtime=grown(10),
    params:
        spec=specs.draw_resample(CONFIG),
        code=code("draw_resample.py"),
        lock=LOCK,
    script:
        "../workflow_scripts/draw_resample.py"


rule draw_foretold:
    input:
        foretold=expand(rules.foretell_roles.output.foretold, study=FORETOLD),
    output:
        figures=expand(at("figures/foretold.{format}"), format=["png", "svg"]),
    log:
        at("logs/draw_foretold.log"),
    benchmark:
        at("benchmarks/draw_foretold.tsv")
    conda:
        CONDA
    threads: 1
    resources:
        mem_mb=grown(1000),
        runtime=grown(10),
    params:
        spec=specs.draw_foretold(CONFIG),
        code=code("draw_foretold.py"),
        lock=LOCK,
    script:
        "../workflow_scripts/draw_foretold.py"
