"""Results: the folder of a study, its manifest and records as typed data, and the long frame of their scores."""
