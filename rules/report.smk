# The figures that this file draws, and those that a stage before it asks for.
ASKED = {path for stage in STAGES for path in stage}
FIGURES = [name for name in FIGURE_MODULES if name in rule_params.FIGURES or at(f"figures/{name}.png") in ASKED]
FIGURES = [name for name in FIGURES if not name.startswith("calibration_")]


use rule draw_calibrations as figures with:
    input:
        comparisons=rules.judge.input.comparisons,
        verdicts=by_any(rules.judge.output.verdicts),
        holders=every(rules.compare_roles.output.holders),
        scales=every(rules.estimate_llc.output.scales, source=rule_params.llc_sources),
    output:
        figures=drawn(at("figures/{name}.{format}"), name=rule_params.FIGURES),
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
        verdicts=by_any(rules.judge.output.verdicts),
        predictions=rules.predict.output.predictions,
        clock=rules.read_clock.output.clock,
        figures=expand(at("figures/{name}.png"), name=FIGURES),
        calibration=rules.draw_calibrations.input.calibration,
        calibration_figures=expand(at("figures/calibration_{instrument}.png"), instrument=INSTRUMENTS),
        roles=every(rules.score_roles.output.roles, source="dense")
        + every(rules.score_roles.output.roles, FOLLOWED, source="course"),
        # The code digest sees Python only.
        template=source("report/page/page.html.j2"),
        style=source("report/page/page.css"),
        script=source("report/page/page.js"),
        captions=[source(f"report/captions/{name}.rst") for name in FIGURES],
        # Not read here: so that whoever asks for the report alone asks for all stages (see data.smk).
        stages=sorted(ASKED),
    output:
        report=shown(at("report.html"), "Answer"),
        config=at("config.yaml"),
    log:
        logs("report"),
    benchmark:
        benchmarks("report")
    conda:
        CONDA
    resources:
        **analysis(),
    params:
        **job("report"),
    script:
        "../workflow_scripts/report.py"


STAGES += [rules.figures.output, rules.report.output]
