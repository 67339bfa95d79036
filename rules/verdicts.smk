rule verdicts:
    input:
        rules.roles.input,
        rules.instruments.input,
        rules.fates.input,
        rules.origins.input,
        rules.calibrations.input,
        every("{study}/comparisons.parquet"),
        at("verdicts.parquet"),
        at("predictions.parquet"),


rule summarise:
    input:
        metrics=metrics_of_study,
        agreement=rules.compare_roles.output.agreement,
        structure=blocks_of_study(rules.trace_structure.output.structure),
        overlap=blocks_of_study([rules.trace_masks.output.overlap, rules.compare_masks.output.overlap]),
        llc=blocks_of_study(rules.estimate_llc.output.llc),
    output:
        comparisons=at("{study}/comparisons.parquet"),
    log:
        at("logs/summarise/{study}.log"),
    benchmark:
        at("benchmarks/summarise/{study}.tsv")
    conda:
        CONDA
    threads: 1
    resources:
        mem_mb=grown(1000),
        runtime=grown(10),
    params:
        spec=lambda w: specs.summarise(CONFIG, w.study),
        code=code("summarise.py"),
        lock=LOCK,
    script:
        "../workflow_scripts/summarise.py"


rule judge:
    input:
        comparisons=every("{study}/comparisons.parquet"),
        calibration=rules.draw_calibrations.input.calibration,
    output:
        verdicts=at("verdicts.parquet"),
    log:
        at("logs/judge.log"),
    benchmark:
        at("benchmarks/judge.tsv")
    conda:
        CONDA
    threads: 1
    resources:
        mem_mb=grown(1000),
        runtime=grown(10),
    params:
        spec=specs.judge(CONFIG),
        code=code("judge.py"),
        lock=LOCK,
    script:
        "../workflow_scripts/judge.py"


rule predict:
    input:
        comparisons=rules.judge.input.comparisons,
        verdicts=rules.judge.output.verdicts,
        # Lists, also of one: the studies may have none of these.
        fates=[rules.summarise_fates.output.fates] if FATED else [],
        resample=[rules.summarise_resample.output.resample] if RESAMPLED else [],
        foretold=rules.draw_foretold.input.foretold,
        dimensions=rules.summarise_dimensions.output.dimensions,
    output:
        predictions=at("predictions.parquet"),
    log:
        at("logs/predict.log"),
    benchmark:
        at("benchmarks/predict.tsv")
    conda:
        CONDA
    threads: 1
    resources:
        mem_mb=grown(1000),
        runtime=grown(10),
    params:
        spec=specs.predict(CONFIG),
        code=code("predict.py"),
        lock=LOCK,
    script:
        "../workflow_scripts/predict.py"
