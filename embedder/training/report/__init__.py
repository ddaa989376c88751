"""What a training run reports: charts, advice, the page."""
