"""The paper's contribution: networks, the formulas of its losses, and HGMVAE itself."""
