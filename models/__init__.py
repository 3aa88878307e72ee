"""The paper's contribution: networks, the formulas of its losses, and HGMVAE itself."""

from models.hgmvae import HGMVAE, HGMVAEConfig, hgmvae_heads
from models.networks import Decoder, Encoder, Trunk

__all__ = ["HGMVAE", "Decoder", "Encoder", "HGMVAEConfig", "Trunk", "hgmvae_heads"]
