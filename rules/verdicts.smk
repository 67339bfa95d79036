rule verdicts:
    input:
        rules.roles.input,
        rules.instruments.input,
        rules.development.input,
        rules.resampling.input,
        rules.forecast.input,
        rules.calibrations.input,
        every("{study}/comparisons.parquet"),
        at("verdicts.parquet"),
        at("predictions.parquet"),


rule summarise:
    input:
        metrics=metrics_of_study,
        agreement=rules.compare_roles.output.agreement,
        structure=blocks_of_study(rules.trace_structure.output.structure),
        overlap=blocks_of_study([rules.trace_mask_overlap.output.overlap, rules.compare_final_masks.output.overlap]),
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
        spec=lambda w: rule_params.summarise(CONFIG, w.study),
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
        spec=rule_params.judge(CONFIG),
        code=code("judge.py"),
        lock=LOCK,
    script:
        "../workflow_scripts/judge.py"


rule predict:
    input:
        comparisons=rules.judge.input.comparisons,
        verdicts=rules.judge.output.verdicts,
        # Lists, also of one: the studies may have none of these.
        development=[rules.summarise_development.output.development] if DEVELOPED else [],
        resampling=[rules.summarise_resampling.output.resampling] if RESAMPLED else [],
        forecast=rules.draw_forecast.input.forecast,
        dimension=rules.summarise_dimension.output.dimension,
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
        spec=rule_params.predict(CONFIG),
        code=code("predict.py"),
        lock=LOCK,
    script:
        "../workflow_scripts/predict.py"
