"""The texts of the figures for readers who do not see them. Captions are in captions/, one file per figure."""

ALTERNATIVES = {
    "tickets": "Three panels per study: test metric against weights kept, over training, and ticket minus dense.",
    "roles": "Two panels per study: determinacy by split step, and agreement by kind of pair.",
    "transience": "One panel per study: distance to each reference predictor over training.",
    "llc": "Two panels per study: learning coefficient over training and by ticket size, with flagged shares below.",
    "clock": "Six strips per study over one axis of training steps: complexity, structure, masks, tickets, what "
    "networks share after their data orders split, the barrier between them.",
    "noise": "Determinacy of roles and masks against the batch size, and the final error of the networks.",
    "development": "Distance to transient structures, and learning coefficients, of dense networks and tickets over "
    "training.",
    "resampling": "Two panels per study: the share of roles and of masks that each part of the initial weights keeps.",
    "dimension": "Sizes against twice the learning coefficient, on logarithmic axes.",
    "forecast": "Two panels per study: AUC of roles against the step, and supermasks against ablation effects.",
}
