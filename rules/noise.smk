# How far the initialisation decides at each dose of noise, in the studies that try some.
NOISY = [study for study in STUDIES if rule_params.doses(CONFIG, study)]


rule noise:
    input:
        rules.data.input,
        every(
            "{study}/noise/batch{batch}/{table}.parquet",
            batch=lambda study: rule_params.doses(CONFIG, study),
            table=lambda study: ["agreement", "metrics"],
        ),
        expand(at("{study}/noise.parquet"), study=NOISY),
        expand(at("figures/noise.{format}"), format=["png", "svg"] if NOISY else []),


rule vary_noise:
    input:
        data=rules.prepare_data.output.data,
        init=blocks_of_study(rules.initialise.output.weights),
    output:
        agreement=at("{study}/noise/batch{batch}/agreement.parquet"),
        metrics=at("{study}/noise/batch{batch}/metrics.parquet"),
    log:
        at("logs/vary_noise/{study}-{batch}.log"),
    benchmark:
        at("benchmarks/vary_noise/{study}-{batch}.tsv")
    conda:
        CONDA
    threads: 1
    resources:
        mem_mb=grown(3000),
        runtime=grown(60),
        gpu=GPUS,
    params:
        spec=lambda w: rule_params.vary_noise(CONFIG, w.study, int(w.batch)),
        code=code("vary_noise.py"),
        lock=LOCK,
    script:
        "../workflow_scripts/vary_noise.py"


rule summarise_noise:
    input:
        agreement=doses_of_study(rules.vary_noise.output.agreement),
        metrics=doses_of_study(rules.vary_noise.output.metrics),
    output:
        noise=at("{study}/noise.parquet"),
    log:
        at("logs/summarise_noise/{study}.log"),
    benchmark:
        at("benchmarks/summarise_noise/{study}.tsv")
    conda:
        CONDA
    threads: 1
    resources:
        mem_mb=grown(1000),
        runtime=grown(10),
    params:
        spec=lambda w: rule_params.summarise_noise(CONFIG, w.study),
        code=code("summarise_noise.py"),
        lock=LOCK,
    script:
        "../workflow_scripts/summarise_noise.py"


rule draw_noise:
    input:
        noise=expand(rules.summarise_noise.output.noise, study=NOISY),
    output:
        figures=expand(at("figures/noise.{format}"), format=["png", "svg"]),
    log:
        at("logs/draw_noise.log"),
    benchmark:
        at("benchmarks/draw_noise.tsv")
    conda:
        CONDA
    threads: 1
    resources:
        mem_mb=grown(1000),
        runtime=grown(10),
    params:
        spec=rule_params.draw_noise(CONFIG),
        code=code_of_figures("noise"),
        lock=LOCK,
    script:
        "../workflow_scripts/draw.py"
