"""The 601 classes of the Open Images v4 checkpoints, and which of them other data sets' classes are."""
