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
        spec=lambda w: rule_params.trace_structure(CONFIG, w.study),
        code=code("trace_structure.py"),
        lock=LOCK,
    script:
        "../workflow_scripts/trace_structure.py"


rule trace_mask_overlap:
    input:
        data=rules.prepare_data.output.data,
        dense=rules.train_dense.output.weights,
        masks=clock_masks,
    output:
        overlap=at("{study}/block{block}/overlap.parquet"),
    log:
        at("logs/trace_mask_overlap/{study}-{block}.log"),
    benchmark:
        at("benchmarks/trace_mask_overlap/{study}-{block}.tsv")
    conda:
        CONDA
    threads: 1
    resources:
        mem_mb=grown(3000),
        runtime=grown(10),
        gpu=GPUS,
    params:
        spec=lambda w: rule_params.trace_mask_overlap(CONFIG, w.study),
        code=code("trace_mask_overlap.py"),
        lock=LOCK,
    script:
        "../workflow_scripts/trace_mask_overlap.py"


rule compare_final_masks:
    input:
        data=rules.prepare_data.output.data,
        dense=rules.train_dense.output.weights,
        spawned=spawned_weights,
    output:
        overlap=at("{study}/block{block}/spawned/overlap.parquet"),
    log:
        at("logs/compare_final_masks/{study}-{block}.log"),
    benchmark:
        at("benchmarks/compare_final_masks/{study}-{block}.tsv")
    conda:
        CONDA
    threads: 1
    resources:
        mem_mb=grown(3000),
        runtime=grown(10),
    params:
        spec=lambda w: rule_params.compare_final_masks(CONFIG, w.study),
        code=code("compare_final_masks.py"),
        lock=LOCK,
    script:
        "../workflow_scripts/compare_final_masks.py"


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
        spec=lambda w: rule_params.estimate_llc(CONFIG, w.study, w.source),
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
        spec=lambda w: rule_params.sweep_llc(CONFIG, w.study),
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
        spec=lambda w: rule_params.draw_llc_sweep(CONFIG, w.study),
        code=code_of_figures("llc_sweep"),
        lock=LOCK,
    script:
        "../workflow_scripts/draw.py"
