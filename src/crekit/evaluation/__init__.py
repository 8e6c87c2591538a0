"""Models judged: on regions that they have not seen, side by side, fold by fold, data set by data set."""
