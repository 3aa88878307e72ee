"""Results: the folder of a study, its manifest and records, and the long frame of their scores."""
