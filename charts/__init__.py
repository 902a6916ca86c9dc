"""Every picture: figures out of plain tables and arrays. No TensorFlow."""
