"""The methods: their registry, the construction of their models, and the cards that document them."""
