from os.path import relpath

# The figures of what only some studies do.
FURTHER = {"noise": NOISY, "fate": FATED, "resample": RESAMPLED, "foretold": FORETOLD}
FIGURES = [*specs.FIGURES, "clock", *(name for name, studies in FURTHER.items() if studies), "dimensions"]


rule figures:
    input:
        comparisons=rules.judge.input.comparisons,
        verdicts=rules.judge.output.verdicts,
    output:
        figures=expand(at("figures/{name}.{format}"), name=specs.FIGURES, format=["png", "svg"]),
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
        spec=specs.figures(CONFIG),
        code=code("figures.py"),
        lock=LOCK,
    script:
        "../workflow_scripts/figures.py"


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
        template=relpath(ROOT / "workflow_scripts/ticketlab/report.html.j2"),
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
        spec=specs.report(CONFIG),
        code=code("report.py"),
        lock=LOCK,
    script:
        "../workflow_scripts/report.py"
