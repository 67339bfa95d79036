"""The captions and alternative texts of the figures: what each compares and how it is drawn."""

# For readers who do not see the figure.
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
CAPTIONS = {
    "tickets": "Test 1. Left: the test metric at the end of training against the share of weights kept; the grey band "
    "holds values not worse than dense by more than δ. The filling of a ticket's marker shows its verdict. The "
    "controls start from the first rewind step; dense with IMP's total steps is drawn at the density whose search "
    "took as many. Middle: the same metric over training at one density. Right: ticket − dense, seed by seed,"
    " at equal steps and with dense given all the steps of the search.",
    "roles": "Test 2. Left: determinacy D of roles against the step at which data orders split, with the thresholds; "
    "networks of other initialisations must be at 0. Best matching permutes components within layers, minus"
    " the gain of such a choice by chance. Right: the agreement behind D, by kind of pair. No interval is given "
    "where pairs share initialisations.",
    "transience": "Test 3. Distance from the dense network's predictions to each reference predictor's. A is the share "
    "of the first distance that is covered at the nearest point (ringed), F the share of A that is lost again at "
    "the end; both are located on one half of the seeds and measured on the other.",
    "llc": "Local learning coefficient by SGLD, at one setting per study. Filled: the mean over seeds whose estimate"
    " carries no flag. Hollow: with those away from a minimum as well, which is not a learning coefficient but a "
    "complexity at this scale. Below: the share of seeds whose estimate is flagged. The dashed line is the "
    "dense network at the same step. A bar that meets the frame extends beyond it.",
    "clock": "One axis of training steps. From the top: learning coefficient (hollow where any estimate is flagged); "
    "distance to reference predictors as a share of that at step 0; overlap of the magnitude mask at step t "
    "with final masks, beyond what densities and the sizes of the initial weights explain; the loss, minus dense's, "
    "of a network trained from its initial weights under the magnitude mask of step t (step 0 is the mask by "
    "initial magnitude, the last step the one-shot mask); and, for networks whose data orders split at t, the "
    "roles and final masks that they share, and the barrier on the straight line between their weights (hollow: "
    "split at the end, where the networks are the same). Large markers are half-way steps with their intervals (for "
    "the learning coefficient ▲ half-way up to its highest value, ▼ half-way down from it); the table below gives them "
    "in order.",
    "noise": "Test 2 against the dose of noise. Left: determinacy D of roles, and of the places of the largest final "
    "weights (overlap beyond that of weights of similar initial size), for data orders that split at step 0, by "
    "batch size at equal numbers of steps. The slope is that of a line through each initialisation's doses. "
    "Right: the final error of the networks; where they do not learn the task, D has no meaning.",
    "development": "Predictions P4 and P5. Distance, along training from θ₀, to structures that dense networks learn "
    "and then lose: for tickets with the mask of the end (IMP's), with the mask of the dense network's largest "
    "weights at the step nearest to the structure, and with both masks shuffled within layers. A is the share "
    "of the first distance that is covered, F the share of A that is lost again; after them the difference to "
    "dense in the test metric at the end. Last panels: learning coefficient along training at the study's one "
    "setting, without estimates that carry a flag other than that of being away from a minimum.",
    "resampling": "P3. A part of the initial weights is kept, all others are drawn again, and the network is trained "
    "dense. The share is that of the initialisation's decisions for every data order: 1 is the agreement of "
    "networks of the same initialisation, 0 that of networks of different ones. Left: roles by component; right: "
    "places of the largest final weights beyond what their own initial sizes explain. The random set and the "
    "largest initial weights have the ticket's size in every tensor. Dashed: the bounds above which a part counts "
    "as keeping the roles, and below which as losing them; for places only differences between parts are judged.",
    "forecast": "P8. Left: a logistic regression from components at step k to the role that they have at the end, "
    "fitted on all initialisations but one and tested on that one; the AUC ranks components within a layer, mean "
    "over roles. The band counts as not predicted. Right: the rank correlation that shows whether supermasks over "
    "untrained weights keep more of the components that matter after training; in the band they keep no more. "
    "Intervals over initialisations.",
    "dimension": "Prediction P7. Deep linear networks, whose 2λ is exact: the smallest subspace or trainable set "
    "through θ₀ in which the loss reaches 0, and the smallest ticket that iterative magnitude pruning finds, against "
    "2λ. The target is also turned, which does not change λ. Slopes are those of lines through the networks for "
    "each seed, with intervals over seeds.",
}
