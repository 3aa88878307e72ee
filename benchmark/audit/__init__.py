"""The audit: stored checkpoints evaluated again under the protocols that the paper's words leave open."""
