"""What is the gain of HGMVAE due to? Questions, each a contrast of trained methods, and how runs answer them."""
