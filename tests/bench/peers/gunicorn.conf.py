"""How gunicorn serves the peers: as it serves Bookshelf, but for the class of its workers."""

import os

bind = f"127.0.0.1:{os.environ['PORT']}"
workers = os.environ["WEB_CONCURRENCY"]
worker_class = os.environ["WORKER_CLASS"]
threads = 4
loglevel = "warning"
