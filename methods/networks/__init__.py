"""Network families and parts that several methods share."""
