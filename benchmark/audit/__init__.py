"""The audit: stored checkpoints, scored again under every protocol that the paper's text allows."""
