"""The baselines that HGMVAE is compared with, and five further models from pythae."""
