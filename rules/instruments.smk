rule instruments:
    input:
        rules.tickets.input,
        every("{study}/block{block}/structure.parquet"),
        every("{study}/block{block}/overlap.parquet"),
        every("{study}/block{block}/spawned/overlap.parquet"),
        every(
            "{study}/block{block}/llc/{source}/{table}.parquet",
            source=lambda study: ["dense", "tickets"],
            table=lambda study: ["llc", "llc_draws"],
        ),


rule trace_structure:
    input:
        data=rules.prepare_data.output.data,
        weights=rules.train_dense.output.weights,
    output:
        structure=at("{study}/block{block}/structure.parquet"),
    log:
        at("logs/trace_structure/{study}-{block}.log"),
    benchmark:
        at("benchmarks/trace_structure/{study}-{block}.tsv")
    conda:
        CONDA
    threads: 1
    resources:
        mem_mb=grown(3000),
        runtime=grown(20),
        gpu=GPUS,
    params:
        spec=lambda w: specs.trace_structure(CONFIG, w.study),
        code=code("trace_structure.py"),
        lock=LOCK,
    script:
        "../workflow_scripts/trace_structure.py"


rule trace_masks:
    input:
        data=rules.prepare_data.output.data,
        dense=rules.train_dense.output.weights,
        masks=clock_masks,
    output:
        overlap=at("{study}/block{block}/overlap.parquet"),
    log:
        at("logs/trace_masks/{study}-{block}.log"),
    benchmark:
        at("benchmarks/trace_masks/{study}-{block}.tsv")
    conda:
        CONDA
    threads: 1
    resources:
        mem_mb=grown(3000),
        runtime=grown(10),
        gpu=GPUS,
    params:
        spec=lambda w: specs.trace_masks(CONFIG, w.study),
        code=code("trace_masks.py"),
        lock=LOCK,
    script:
        "../workflow_scripts/trace_masks.py"


rule compare_masks:
    input:
        data=rules.prepare_data.output.data,
        dense=rules.train_dense.output.weights,
        spawned=spawned_weights,
    output:
        overlap=at("{study}/block{block}/spawned/overlap.parquet"),
    log:
        at("logs/compare_masks/{study}-{block}.log"),
    benchmark:
        at("benchmarks/compare_masks/{study}-{block}.tsv")
    conda:
        CONDA
    threads: 1
    resources:
        mem_mb=grown(3000),
        runtime=grown(10),
    params:
        spec=lambda w: specs.compare_masks(CONFIG, w.study),
        code=code("compare_masks.py"),
        lock=LOCK,
    script:
        "../workflow_scripts/compare_masks.py"


rule estimate_llc:
    input:
        data=rules.prepare_data.output.data,
        weights=llc_networks("weights"),
        masks=llc_networks("masks"),
    output:
        llc=at("{study}/block{block}/llc/{source}/llc.parquet"),
        draws=at("{study}/block{block}/llc/{source}/llc_draws.parquet"),
    log:
        at("logs/estimate_llc/{study}-{block}-{source}.log"),
    benchmark:
        at("benchmarks/estimate_llc/{study}-{block}-{source}.tsv")
    conda:
        CONDA
    threads: 1
    resources:
        mem_mb=grown(3000),
        runtime=grown(60),
        gpu=GPUS,
    params:
        spec=lambda w: specs.estimate_llc(CONFIG, w.study, w.source),
        code=code("estimate_llc.py"),
        lock=LOCK,
    script:
        "../workflow_scripts/estimate_llc.py"


# On request only: for whoever chooses the settings of a new study.
rule sweeps:
    input:
        every("{study}/llc_sweep.parquet"),
        expand(at("figures/llc_sweep_{study}.{format}"), study=STUDIES, format=["png", "svg"]),


rule sweep_llc:
    input:
        data=rules.prepare_data.output.data,
        weights=lambda w: expand(rules.train_dense.output.weights, study=w.study, block=0)[0],
    output:
        sweep=at("{study}/llc_sweep.parquet"),
    log:
        at("logs/sweep_llc/{study}.log"),
    benchmark:
        at("benchmarks/sweep_llc/{study}.tsv")
    conda:
        CONDA
    threads: 1
    resources:
        mem_mb=grown(3000),
        runtime=grown(120),
    params:
        spec=lambda w: specs.sweep_llc(CONFIG, w.study),
        code=code("sweep_llc.py"),
        lock=LOCK,
    script:
        "../workflow_scripts/sweep_llc.py"


rule draw_llc_sweep:
    input:
        sweep=rules.sweep_llc.output.sweep,
    output:
        png=at("figures/llc_sweep_{study}.png"),
        svg=at("figures/llc_sweep_{study}.svg"),
    log:
        at("logs/draw_llc_sweep/{study}.log"),
    benchmark:
        at("benchmarks/draw_llc_sweep/{study}.tsv")
    conda:
        CONDA
    threads: 1
    resources:
        mem_mb=grown(1000),
        runtime=grown(10),
    params:
        spec=lambda w: specs.draw_llc_sweep(CONFIG, w.study),
        code=code("draw_llc_sweep.py"),
        lock=LOCK,
    script:
        "../workflow_scripts/draw_llc_sweep.py"
