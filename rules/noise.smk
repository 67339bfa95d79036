# How far the initialisation decides at each dose of noise, in the studies that try some.
NOISY = [study for study in STUDIES if rule_params.doses(CONFIG, study)]


rule vary_noise:
    input:
        data=rules.prepare_data.output.data,
        dense=of_job(rules.train_dense.output.weights),
    output:
        agreement=at("{study}/noise/batch{batch}/agreement.parquet"),
        metrics=at("{study}/noise/batch{batch}/metrics.parquet"),
    log:
        logs("vary_noise", "study", "batch"),
    benchmark:
        benchmarks("vary_noise", "study", "batch")
    conda:
        CONDA
    resources:
        **networks(minutes=60),
    params:
        **job("vary_noise"),
    script:
        "../workflow_scripts/vary_noise.py"


rule summarise_noise:
    input:
        agreement=of_job(rules.vary_noise.output.agreement),
        metrics=of_job(rules.vary_noise.output.metrics),
    output:
        noise=at("{study}/noise.parquet"),
    log:
        logs("summarise_noise", "study"),
    benchmark:
        benchmarks("summarise_noise", "study")
    conda:
        CONDA
    resources:
        **analysis(),
    params:
        **job("summarise_noise"),
    script:
        "../workflow_scripts/summarise_noise.py"


use rule draw_calibrations as draw_noise with:
    input:
        noise=every(rules.summarise_noise.output.noise, NOISY),
    output:
        figures=drawn(at("figures/noise.{format}")),
    log:
        logs("draw_noise"),
    benchmark:
        benchmarks("draw_noise")
    params:
        **job("draw_noise", "noise"),


rule noise:
    input:
        rules.data.input,
        every(rules.vary_noise.output),
        every(rules.summarise_noise.output, NOISY),
        rules.draw_noise.output if NOISY else [],


STAGES.append(rules.noise.input)
