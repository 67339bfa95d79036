# The developmental clock: the barriers between networks that part at a step, and when each quantity is determined.
BARRED = rule_params.having(CONFIG, "barriers")


rule measure_barriers:
    input:
        data=rules.prepare_data.output.data,
        dense=of_job(rules.train_dense.output.weights),
        spawned=of_job(rules.train_spawned.output.weights),
    output:
        barriers=at("{study}/barriers.parquet"),
    log:
        logs("measure_barriers", "study"),
    benchmark:
        benchmarks("measure_barriers", "study")
    conda:
        CONDA
    resources:
        **networks(minutes=20),
    params:
        **job("measure_barriers"),
    script:
        "../workflow_scripts/measure_barriers.py"


rule read_clock:
    input:
        llc=every(rules.estimate_llc.output.llc, source="dense"),
        structure=every(rules.trace_structure.output.structure),
        overlap=every(rules.trace_mask_overlap.output.overlap),
        metrics=[
            *every(rules.train_dense.output.metrics),
            *every(rules.train_controls.output.metrics, control=rule_params.masked_at_a_step),
        ],
        agreements=every(rules.compare_roles.output.agreement),
        barriers=every(rules.measure_barriers.output.barriers, BARRED),
    output:
        clock=at("clock.parquet"),
    log:
        logs("read_clock"),
    benchmark:
        benchmarks("read_clock")
    conda:
        CONDA
    resources:
        **analysis(mem_mb=2000, minutes=10),
    params:
        **job("read_clock"),
    script:
        "../workflow_scripts/read_clock.py"


use rule draw_calibrations as draw_clock with:
    input:
        comparisons=rules.judge.input.comparisons,
        barriers=rules.read_clock.input.barriers,
        clock=rules.read_clock.output.clock,
    output:
        figures=drawn(at("figures/clock.{format}")),
        of_studies=drawn(at("figures/clock_{name}.{format}"), name=STUDIES),
    log:
        logs("draw_clock"),
    benchmark:
        benchmarks("draw_clock")
    params:
        **job("draw_clock", "clock"),


rule clock:
    input:
        rules.roles.input,
        rules.instruments.input,
        every(rules.measure_barriers.output, BARRED),
        rules.read_clock.output,
        rules.draw_clock.output,


STAGES.append(rules.clock.input)
