from django.core.wsgi import get_wsgi_application

from socialops.starting import load_settings

load_settings(status=3)  # gunicorn's own word for "cannot boot"; on any other it tries again for ever
application = get_wsgi_application()
