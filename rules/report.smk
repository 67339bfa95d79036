from os.path import relpath

# The figures that this file draws, and those that a stage before it asks for.
ASKED = {str(path) for stage in STAGES for path in stage}
FIGURES = [name for name in FIGURE_MODULES if name in rule_params.FIGURES or at(f"figures/{name}.png") in ASKED]


use rule draw_calibrations as figures with:
    input:
        comparisons=rules.judge.input.comparisons,
        verdicts=rules.judge.output.verdicts,
    output:
        figures=expand(at("figures/{name}.{format}"), name=rule_params.FIGURES, format=FORMATS),
    log:
        logs("figures"),
    benchmark:
        benchmarks("figures")
    # Of all that follows the verdicts it takes the longest, and the report waits for it.
    priority: 1
    params:
        **job("figures", *rule_params.FIGURES),


rule report:
    input:
        comparisons=rules.judge.input.comparisons,
        verdicts=rules.judge.output.verdicts,
        predictions=rules.predict.output.predictions,
        clock=rules.read_clock.output.clock,
        figures=expand(at("figures/{name}.png"), name=[name for name in FIGURES if not name.startswith("calibration_")]),
        calibration=rules.draw_calibrations.input.calibration,
        calibration_figures=expand(at("figures/calibration_{instrument}.png"), instrument=INSTRUMENTS),
        # The code digest sees Python only. Relative: another path would be another input to Snakemake.
        template=relpath(ROOT / "workflow_scripts/ticketlab/report/page.html.j2"),
        # Not read here: so that whoever asks for the report alone asks for all stages (see data.smk).
        stages=sorted(ASKED),
    output:
        report=at("report.html"),
        config=at("config.yaml"),
    log:
        logs("report"),
    benchmark:
        benchmarks("report")
    group:
        "end"
    conda:
        CONDA
    resources:
        **analysis(),
    params:
        **job("report"),
    script:
        "../workflow_scripts/report.py"


STAGES += [rules.figures.output, rules.report.output]
