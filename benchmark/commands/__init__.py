"""The subcommands: functions of their options and the console to print to, which return the exit status.

All layers below this one take plain values and print nothing.
"""
