"""
Forges, where pull requests are reviewed: one comment on each tells what the plan would do.

One module for each forge speaks its REST API; `comment` is what is done with any of them.
"""
