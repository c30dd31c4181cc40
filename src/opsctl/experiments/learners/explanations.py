"""What do the codes EXP100-EXP119 mean."""

EXPLANATIONS: dict[str, str] = {
    "EXP101": """A learner was asked for a slate that it cannot make: more items than there are candidates, or candidates and readers that do not
belong together.""",
    "EXP102": """A learner was shown a number that is NaN or infinite, a reward outside of 0 to 1, or rows of different lengths. One such row
would spoil all that was learned before, so nothing was learned from the batch.""",
    "EXP103": """An estimate of what another policy would have earned needs, for every row of the log, the probability with which the logged
choice was made: above 0 and at most 1. A propensity of 0 says that what happened could not happen. Policies that log no
propensities can only be replayed, and only where the log was made by chance alone.""",
    "EXP106": """The log to be replayed cannot be read as a table: it is neither CSV (gzip or not) nor Parquet, a row has another number of
fields than the first one, or its text is no UTF-8. Files without a first line of names need `--header user,item,rating,time`.""",
    "EXP107": """The log to be replayed lacks a column. A file of ratings needs reader, item, rating and time; a log of a bandit needs item,
click and, for estimates by weights, propensity. Usual names are found by themselves; others are named by `--user`, `--item`,
`--rating`, `--time`, `--click`, `--propensity`, `--position` and `--feature`.""",
    "EXP108": """A value in the log to be replayed is no number or no time, or is empty, NaN, infinite or out of its range. Rows are not left
out silently: which rows are missing may depend on what was chosen, and then the estimate is wrong.""",
    "EXP109": """The log to be replayed holds too little: no rows, or too few to train vectors on an early part and to replay the rest.""",
    "EXP110": """Every row of the log has the same reward, so that all policies come out alike. For ratings, choose another `--like-at`.""",
    "EXP111": """There is no such policy. `random`, `greedy`, `epsilon_greedy`, `linear_ts`, `beta_ts` and `epinet_ts` can be replayed.""",
    "EXP112": """The way to replay does not fit the log: weights need logged propensities, and rejection needs a log whose choices were made by
chance alone, with propensities that are all alike, or none.""",
}
