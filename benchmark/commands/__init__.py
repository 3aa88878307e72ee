"""The subcommands, each a function of its options and of the console to print to, which returns the exit status.

Everything below this layer takes plain values and prints nothing.
"""
