# The developmental clock: the barriers between networks that part at a step, and when each quantity is determined.
rule clock:
    input:
        rules.roles.input,
        rules.instruments.input,
        every("{study}/barriers.parquet"),
        at("clock.parquet"),
        expand(at("figures/clock.{format}"), format=["png", "svg"]),


rule measure_barriers:
    input:
        data=rules.prepare_data.output.data,
        dense=blocks_of_study(rules.train_dense.output.weights),
        spawned=spawned_weights_of_study,
    output:
        barriers=at("{study}/barriers.parquet"),
    log:
        at("logs/measure_barriers/{study}.log"),
    benchmark:
        at("benchmarks/measure_barriers/{study}.tsv")
    conda:
        CONDA
    threads: 1
    resources:
        mem_mb=grown(3000),
        runtime=grown(20),
        gpu=GPUS,
    params:
        spec=lambda w: rule_params.measure_barriers(CONFIG, w.study),
        code=code("measure_barriers.py"),
        lock=LOCK,
    script:
        "../workflow_scripts/measure_barriers.py"


rule read_clock:
    input:
        llc=every("{study}/block{block}/llc/dense/llc.parquet"),
        structure=every("{study}/block{block}/structure.parquet"),
        overlap=[
            *every("{study}/block{block}/overlap.parquet"),
            *every("{study}/block{block}/spawned/overlap.parquet"),
        ],
        metrics=[
            *every("{study}/block{block}/dense/metrics.parquet"),
            *every("{study}/block{block}/controls/{control}/metrics.parquet", control=masked_at_a_step),
        ],
        agreements=every("{study}/agreement.parquet"),
        barriers=every("{study}/barriers.parquet"),
    output:
        clock=at("clock.parquet"),
    log:
        at("logs/read_clock.log"),
    benchmark:
        at("benchmarks/read_clock.tsv")
    conda:
        CONDA
    threads: 1
    resources:
        mem_mb=grown(2000),
        runtime=grown(10),
    params:
        spec=rule_params.read_clock(CONFIG),
        code=code("read_clock.py"),
        lock=LOCK,
    script:
        "../workflow_scripts/read_clock.py"


rule draw_clock:
    input:
        comparisons=rules.judge.input.comparisons,
        barriers=rules.read_clock.input.barriers,
        clock=rules.read_clock.output.clock,
    output:
        figures=expand(at("figures/clock.{format}"), format=["png", "svg"]),
    log:
        at("logs/draw_clock.log"),
    benchmark:
        at("benchmarks/draw_clock.tsv")
    conda:
        CONDA
    threads: 1
    resources:
        mem_mb=grown(1000),
        runtime=grown(10),
    params:
        spec=rule_params.draw_clock(CONFIG),
        code=code_of_figures("clock"),
        lock=LOCK,
    script:
        "../workflow_scripts/draw.py"
