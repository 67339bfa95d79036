# Each instrument against its ground truth, before it is believed: `judge` reads the checks.
rule calibrations:
    input:
        expand(at("calibration/{instrument}.parquet"), instrument=INSTRUMENTS),
        expand(at("figures/calibration_{instrument}.{format}"), instrument=INSTRUMENTS, format=["png", "svg"]),


rule calibrate:
    output:
        checks=at("calibration/{instrument}.parquet"),
    log:
        at("logs/calibrate/{instrument}.log"),
    benchmark:
        at("benchmarks/calibrate/{instrument}.tsv")
    conda:
        CONDA
    threads: 1
    resources:
        mem_mb=grown(2000),
        runtime=grown(60),
    params:
        spec=lambda w: rule_params.calibrate(CONFIG, w.instrument),
        code=lambda w: code("calibrate.py", CALIBRATIONS[w.instrument])(w),
        lock=LOCK,
    script:
        "../workflow_scripts/calibrate.py"


rule draw_calibrations:
    input:
        calibration=expand(rules.calibrate.output.checks, instrument=INSTRUMENTS),
    output:
        figures=expand(at("figures/calibration_{instrument}.{format}"), instrument=INSTRUMENTS, format=["png", "svg"]),
    log:
        at("logs/draw_calibrations.log"),
    benchmark:
        at("benchmarks/draw_calibrations.tsv")
    conda:
        CONDA
    threads: 1
    resources:
        mem_mb=grown(1000),
        runtime=grown(10),
    params:
        spec={},
        code=code_of_figures(*(f"calibration_{instrument}" for instrument in INSTRUMENTS)),
        lock=LOCK,
    script:
        "../workflow_scripts/draw.py"
