# One image for web, worker, beat and manage.py: what it does is the command it is given.
FROM python:3.13-slim

ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /app
COPY requirements/base.lock requirements/base.lock
RUN pip install --only-binary :all: --require-hashes -r requirements/base.lock
COPY . .
# The static files need no database and no secret, but the settings want to be whole.
RUN DATABASE_URL=postgresql:///none REDIS_URL=redis://none SECRET_KEY=none MFA_KEYS=none \
    python manage.py collectstatic --noinput --verbosity 0 \
    && useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin socialops \
    && install -d -o socialops -g socialops /var/lib/socialops /var/lib/socialops/media
USER socialops
VOLUME /var/lib/socialops
EXPOSE 8000
STOPSIGNAL SIGTERM
CMD ["python", "-m", "gunicorn", "socialops.wsgi", "--bind", "0.0.0.0:8000", "--worker-class", "gthread", "--workers", "2", "--threads", "8", "--worker-tmp-dir", "/dev/shm", "--no-control-socket"]
