"""The decisions: from desired and live state to a plan. Pure: no I/O, no clock, no randomness, no logging."""
