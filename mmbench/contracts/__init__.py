"""What plug-ins promise, as checks that run over one of them wherever mmbench is installed."""
