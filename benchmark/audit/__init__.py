"""The audit: stored checkpoints, evaluated again under every protocol that the paper's text allows."""
