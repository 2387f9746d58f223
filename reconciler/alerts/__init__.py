"""
Drift, told to people and to the programs that wake them.

What drifted becomes events (`event`, `making`, `meaning`); the ledger decides which of
them are news (`ledger`, `ledger_file`); sinks carry those into the outside world.
"""
