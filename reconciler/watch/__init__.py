"""
Looking for drift again and again: when, and how the process that does it is.

The loop itself is a command (`cli.watch`); here are the values that it goes by and shows:
`rhythm` (when to look next), `standing` (alive, ready) and `pages` (what can be asked of it).
"""
