"""What a connector is: pure Python, no Django, no Celery, no tables."""
