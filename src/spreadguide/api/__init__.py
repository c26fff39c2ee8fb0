"""HTTP: the application factory, its routes, schemas and streaming."""
