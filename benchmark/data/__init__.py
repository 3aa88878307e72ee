"""Data sets: found or downloaded, verified, prepared once, and loaded as uint8 arrays with a fixed split."""
