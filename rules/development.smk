# What becomes of a transient in tickets, in the studies whose dense networks have one.
DEVELOPED = rule_params.having(CONFIG, "development")


rule develop_tickets:
    input:
        data=rules.prepare_data.output.data,
        dense=rules.train_dense.output.weights,
        masks=of_job(rules.imp_round.output.masks, rewind=rule_params.least_rewind, level=rule_params.development_level),
        structure=rules.trace_structure.output.structure,
    output:
        structure=at("{study}/block{block}/development/structure.parquet"),
        metrics=at("{study}/block{block}/development/metrics.parquet"),
        masks=at("{study}/block{block}/development/masks.parquet"),
        weights=at("{study}/block{block}/development/weights.parquet"),
    log:
        logs("develop_tickets", "study", "block"),
    benchmark:
        benchmarks("develop_tickets", "study", "block")
    # One of the longest jobs, which little waits for: at the end it would leave the other cores with nothing to do.
    priority: 1
    conda:
        CONDA
    resources:
        **networks(minutes=60),
    params:
        **job("develop_tickets"),
    script:
        "../workflow_scripts/develop_tickets.py"


rule summarise_development:
    input:
        structure=every([rules.trace_structure.output.structure, rules.develop_tickets.output.structure], DEVELOPED),
        metrics=every([rules.train_dense.output.metrics, rules.develop_tickets.output.metrics], DEVELOPED),
        llc=every(rules.estimate_llc.output.llc, DEVELOPED, source=rule_params.llc_of_developed),
    output:
        development=at("development.parquet"),
    log:
        logs("summarise_development"),
    benchmark:
        benchmarks("summarise_development")
    conda:
        CONDA
    resources:
        **analysis(),
    params:
        **job("summarise_development"),
    script:
        "../workflow_scripts/summarise_development.py"


use rule draw_calibrations as draw_development with:
    input:
        development=rules.summarise_development.output.development,
    output:
        figures=drawn(at("figures/development.{format}")),
    log:
        logs("draw_development"),
    benchmark:
        benchmarks("draw_development")
    params:
        **job("draw_development", "development"),


rule development:
    input:
        rules.instruments.input,
        every(rules.develop_tickets.output, DEVELOPED),
        every(rules.estimate_llc.output, DEVELOPED, source=rule_params.llc_of_developed),
        [rules.summarise_development.output, rules.draw_development.output] if DEVELOPED else [],


STAGES.append(rules.development.input)
