"""Settings tried on a method one after another, on scenes that no result is reported for."""
