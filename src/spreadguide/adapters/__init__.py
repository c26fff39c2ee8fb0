"""The engines: embedders, FAISS, BM25 and SQLite, each behind one of the protocols."""
