"""The model catalogue, and how a model file is fetched, verified and found."""
