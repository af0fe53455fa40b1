"""What to do: profiles, settings, methods x data sets x seeds as cells. Imports no torch."""
