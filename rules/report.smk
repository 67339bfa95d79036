from os.path import relpath

# The figures of what only some studies do.
FURTHER = {"noise": NOISY, "development": DEVELOPED, "resampling": RESAMPLED, "forecast": FORECAST}
FIGURES = [*rule_params.FIGURES, "clock", *(name for name, studies in FURTHER.items() if studies), "dimension"]


rule figures:
    input:
        comparisons=rules.judge.input.comparisons,
        verdicts=rules.judge.output.verdicts,
    output:
        figures=expand(at("figures/{name}.{format}"), name=rule_params.FIGURES, format=["png", "svg"]),
    log:
        at("logs/figures.log"),
    benchmark:
        at("benchmarks/figures.tsv")
    # Of all that follows the verdicts it takes the longest, and the report waits for it.
    priority: 1
    conda:
        CONDA
    threads: 1
    resources:
        mem_mb=grown(1000),
        runtime=grown(10),
    params:
        spec=rule_params.figures(CONFIG),
        code=code_of_figures(*rule_params.FIGURES),
        lock=LOCK,
    script:
        "../workflow_scripts/draw.py"


rule report:
    input:
        comparisons=rules.judge.input.comparisons,
        verdicts=rules.judge.output.verdicts,
        predictions=rules.predict.output.predictions,
        clock=rules.read_clock.output.clock,
        figures=expand(at("figures/{name}.png"), name=FIGURES),
        calibration=rules.draw_calibrations.input.calibration,
        calibration_figures=expand(at("figures/calibration_{instrument}.png"), instrument=INSTRUMENTS),
        # The code digest sees Python only. Relative: another path would be another input to Snakemake.
        template=relpath(ROOT / "workflow_scripts/ticketlab/report/page.html.j2"),
        # Not read here: so that whoever asks for the report alone asks for all stages (see data.smk).
        stages=[*rules.verdicts.input, *rules.noise.input, *rules.clock.input, *rules.dimension.input],
    output:
        report=at("report.html"),
        config=at("config.yaml"),
    log:
        at("logs/report.log"),
    benchmark:
        at("benchmarks/report.tsv")
    conda:
        CONDA
    threads: 1
    resources:
        mem_mb=grown(1000),
        runtime=grown(10),
    params:
        spec=rule_params.report(CONFIG),
        code=code("report.py"),
        lock=LOCK,
    script:
        "../workflow_scripts/report.py"
