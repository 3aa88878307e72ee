"""The methods: the registry, how each method is built, and the card that documents it."""
