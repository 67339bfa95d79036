# In their own folder, and with a name of their settings: one calibration serves all results that rest on it.
SETTINGS = calibrations.settings_names(CONFIG, SHIPPED)


# Each instrument against its ground truth, before it is believed: `judge` reads the checks.
rule calibrate:
    output:
        checks=calibrated("calibration/{instrument}{settings}.parquet"),
    log:
        calibrated("logs/calibrate/{instrument}{settings}.log"),
    benchmark:
        calibrated("benchmarks/calibrate/{instrument}{settings}.tsv")
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
        calibration=expand(rules.calibrate.output.checks, zip, instrument=SETTINGS.keys(), settings=SETTINGS.values()),
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
        expand(rules.calibrate.output, zip, instrument=SETTINGS.keys(), settings=SETTINGS.values()),
        rules.draw_calibrations.output,


STAGES.append(rules.calibrations.input)
