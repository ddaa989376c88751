"""The report of a training run: charts, advice, the page."""
