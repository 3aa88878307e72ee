"""The methods HGMVAE is compared with: VAE, beta-VAE and WAE from pythae, GMVAE and SWAE of our own."""
