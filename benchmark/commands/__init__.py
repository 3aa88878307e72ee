"""What each subcommand does. Everything below this layer takes plain values and prints nothing."""
