# Whether the roles of trained components are predicted by what the components are at earlier steps (P8).
FORECAST = rule_params.having(CONFIG, "forecast")


rule forecast_roles:
    input:
        data=rules.prepare_data.output.data,
        dense=of_job(rules.train_dense.output.weights),
        roles=of_job(rules.score_roles.output.roles, source="dense"),
        supermasks=of_job(rules.find_supermask.output.masks),
    output:
        forecast=at("{study}/forecast.parquet"),
    log:
        logs("forecast_roles", "study"),
    benchmark:
        benchmarks("forecast_roles", "study")
    conda:
        CONDA
    resources:
        **networks(minutes=20),
    params:
        **job("forecast_roles"),
    script:
        "../workflow_scripts/forecast_roles.py"


use rule draw_calibrations as draw_forecast with:
    input:
        forecast=every(rules.forecast_roles.output.forecast, FORECAST),
    output:
        figures=drawn(at("figures/forecast.{format}")),
    log:
        logs("draw_forecast"),
    benchmark:
        benchmarks("draw_forecast")
    params:
        **job("draw_forecast", "forecast"),


rule forecast:
    input:
        rules.roles.input,
        rules.tickets.input,
        every(rules.forecast_roles.output, FORECAST),
        rules.draw_forecast.output if FORECAST else [],


STAGES.append(rules.forecast.input)
