# Whether the roles of trained components are predicted by what the components are at earlier steps (P8).
FORECAST = rule_params.forecast(CONFIG)


rule forecast:
    input:
        rules.roles.input,
        rules.tickets.input,
        expand(at("{study}/forecast.parquet"), study=FORECAST),
        expand(at("figures/forecast.{format}"), format=["png", "svg"] if FORECAST else []),


rule forecast_roles:
    input:
        data=rules.prepare_data.output.data,
        dense=blocks_of_study(rules.train_dense.output.weights),
        roles=at_initialisation(rules.score_roles.output.roles, source="dense"),
        supermasks=blocks_of_study(rules.find_supermask.output.masks),
    output:
        forecast=at("{study}/forecast.parquet"),
    log:
        at("logs/forecast_roles/{study}.log"),
    benchmark:
        at("benchmarks/forecast_roles/{study}.tsv")
    conda:
        CONDA
    threads: 1
    resources:
        mem_mb=grown(3000),
        runtime=grown(20),
        gpu=GPUS,
    params:
        spec=lambda w: rule_params.forecast_roles(CONFIG, w.study),
        code=code("forecast_roles.py"),
        lock=LOCK,
    script:
        "../workflow_scripts/forecast_roles.py"


rule draw_forecast:
    input:
        forecast=expand(rules.forecast_roles.output.forecast, study=FORECAST),
    output:
        figures=expand(at("figures/forecast.{format}"), format=["png", "svg"]),
    log:
        at("logs/draw_forecast.log"),
    benchmark:
        at("benchmarks/draw_forecast.tsv")
    conda:
        CONDA
    threads: 1
    resources:
        mem_mb=grown(1000),
        runtime=grown(10),
    params:
        spec=rule_params.draw_forecast(CONFIG),
        code=code_of_figures("forecast"),
        lock=LOCK,
    script:
        "../workflow_scripts/draw.py"
