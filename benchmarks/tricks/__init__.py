"""What every trick does to the test accuracy, measured over paired seeds, and a page for each."""
