"""Azure Container Registry over HTTP: where it is, how to sign in, what to ask and how to read the answers."""
