# Each instrument against its ground truth, before it is believed: `judge` reads the checks.
rule calibrate:
    output:
        checks=at("calibration/{instrument}.parquet"),
    log:
        logs("calibrate", "instrument"),
    benchmark:
        benchmarks("calibrate", "instrument")
    conda:
        CONDA
    resources:
        **analysis(mem_mb=2000, minutes=60),
    params:
        **job("calibrate"),
    script:
        "../workflow_scripts/calibrate.py"


# All figures are drawn by one script: the other rules that draw are made of this one.
rule draw_calibrations:
    input:
        calibration=expand(rules.calibrate.output.checks, instrument=INSTRUMENTS),
    output:
        figures=drawn(at("figures/calibration_{instrument}.{format}"), "Calibration", instrument=INSTRUMENTS),
    log:
        logs("draw_calibrations"),
    benchmark:
        benchmarks("draw_calibrations")
    conda:
        CONDA
    resources:
        **analysis(),
    params:
        **job("draw_calibrations", *(f"calibration_{instrument}" for instrument in INSTRUMENTS)),
    script:
        "../workflow_scripts/draw.py"


rule calibrations:
    input:
        expand(rules.calibrate.output, instrument=INSTRUMENTS),
        rules.draw_calibrations.output,


STAGES.append(rules.calibrations.input)
