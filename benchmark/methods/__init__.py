"""The methods: one registry entry each, how each is built, and what is to be known of it."""
