rule summarise:
    input:
        metrics=of_trained("metrics"),
        examples=of_trained("examples"),
        rates=of_job(rules.train_rates.output.rates),
        rate_examples=of_job(rules.train_rates.output.examples),
        agreement=rules.compare_roles.output.agreement,
        holders=rules.compare_roles.output.holders,
        structure=of_job(rules.trace_structure.output.structure),
        retained=of_job(rules.trace_structure.output.retained),
        overlap=of_job(rules.trace_mask_overlap.output.overlap),
        llc=of_job(rules.estimate_llc.output.llc, source=rule_params.llc_sources),
    output:
        comparisons=at("{study}/comparisons.parquet"),
    log:
        logs("summarise", "study"),
    benchmark:
        benchmarks("summarise", "study")
    conda:
        CONDA
    resources:
        **analysis(),
    params:
        **job("summarise"),
    script:
        "../workflow_scripts/summarise.py"


rule judge:
    input:
        comparisons=every(rules.summarise.output.comparisons),
        calibration=rules.draw_calibrations.input.calibration,
    output:
        verdicts=shown(at("verdicts.parquet"), "Tables"),
    log:
        logs("judge"),
    benchmark:
        benchmarks("judge")
    conda:
        CONDA
    resources:
        **analysis(),
    params:
        **job("judge"),
    script:
        "../workflow_scripts/judge.py"


# In the place of judge where networks were trained elsewhere: the reasons say so.
rule judge_released:
    input:
        comparisons=rules.judge.input.comparisons,
        calibration=rules.judge.input.calibration,
    output:
        verdicts=shown(at("verdicts.parquet"), "Tables"),
    log:
        logs("judge_released"),
    benchmark:
        benchmarks("judge_released")
    conda:
        CONDA
    resources:
        **analysis(),
    params:
        **job("judge_released"),
    script:
        "../workflow_scripts/judge_released.py"


if RELEASED:

    ruleorder: judge_released > judge

else:

    ruleorder: judge > judge_released


rule predict:
    input:
        comparisons=rules.judge.input.comparisons,
        verdicts=by_any(rules.judge.output.verdicts),
        calibration=rules.judge.input.calibration,
        # Lists, also of one: the studies may have none of these.
        development=[rules.summarise_development.output.development] if DEVELOPED else [],
        resampling=[rules.summarise_resampling.output.resampling] if RESAMPLED else [],
        forecast=rules.draw_forecast.input.forecast,
        compression=every(rules.measure_compression.output.compression, COMPRESSED),
        dimension=rules.summarise_dimension.output.dimension,
    output:
        predictions=shown(at("predictions.parquet"), "Tables"),
    log:
        logs("predict"),
    benchmark:
        benchmarks("predict")
    conda:
        CONDA
    resources:
        **analysis(),
    params:
        **job("predict"),
    script:
        "../workflow_scripts/predict.py"


rule verdicts:
    input:
        rules.development.input,
        rules.resampling.input,
        rules.forecast.input,
        rules.calibrations.input,
        every(rules.summarise.output),
        [rules.judge_released.output if RELEASED else rules.judge.output, rules.predict.output],


STAGES.append(rules.verdicts.input)
