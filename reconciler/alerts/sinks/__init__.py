"""One module for each kind of sink: from a batch to what that service takes, and what sends it."""
