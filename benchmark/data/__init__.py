"""Data sets: finding or downloading, verification, preparation, and loading as uint8 arrays with a fixed split."""
