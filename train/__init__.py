"""How a detector is trained: the Model Garden task, its experiments, one run."""
