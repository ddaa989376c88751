"""The front ends in numpy, for machines where torch need not be loaded."""
