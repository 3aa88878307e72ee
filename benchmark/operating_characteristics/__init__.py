"""Error rates of the suite's judgements, by simulation through the functions that judge."""
