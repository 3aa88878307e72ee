"""Results: a study's results folder, its manifest and records as typed data, and its scores as one long frame."""
