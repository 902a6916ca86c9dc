"""TFRecords written and read: shards cut at subset boundaries, the input pipeline."""
