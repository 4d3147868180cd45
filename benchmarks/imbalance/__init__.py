"""What helps against imbalanced classes, compared with statistics."""
