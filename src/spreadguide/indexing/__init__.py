"""Documents → passages and units → an index on disk."""
