"""What a gain of HGMVAE is due to: questions, each a contrast of trained methods, and their answers from runs."""
