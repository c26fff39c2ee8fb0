"""Questions → passages: dense and lexical search, fused by rank."""
