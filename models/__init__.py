"""The paper's model HGMVAE, its losses, and the networks shared by all methods."""
