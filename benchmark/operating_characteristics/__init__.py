"""How often the suite's judgements are right and wrong, by simulation through the functions that judge."""
