"""A bare page of Django 3.2 or newer, for django.go: three lines, one of them from the session.

gunicorn django_page:site serves it, with the default session engine, db, in the SQLite file that the
variable BENCH_DATABASE names. Of Django's middleware it has what sessions need, and what says how
long a page is, no more.
"""

import os

import django
from django.conf import settings
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse
from django.template import Context, Template
from django.urls import path

settings.configure(
    SECRET_KEY="of no use",
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": os.environ["BENCH_DATABASE"]}},
    INSTALLED_APPS=["django.contrib.sessions"],
    MIDDLEWARE=[
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.common.CommonMiddleware",
    ],
    TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates"}],
    USE_TZ=True,
)
django.setup()

PAGE = Template("<!doctype html>\n<title>Dashboard</title>\n<p>{{ user }} · {{ role }}\n")


def signin(request):
    request.session["_user"], request.session["_role"] = "alice", "student"
    return HttpResponse("signed in\n")


def dashboard(request):
    session = request.session
    return HttpResponse(PAGE.render(Context({"user": session["_user"], "role": session["_role"]})))


urlpatterns = [path("signin", signin), path("dashboard", dashboard)]
site = get_wsgi_application()

if __name__ == "__main__":
    call_command("migrate", verbosity=0)
