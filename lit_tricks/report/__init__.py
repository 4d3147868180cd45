"""Tables, pictures and pages, made from what a run directory holds."""
