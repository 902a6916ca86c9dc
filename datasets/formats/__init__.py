"""Annotation formats: each read into one table, COCO written."""
