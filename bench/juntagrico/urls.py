"""The addresses of juntagrico."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("admin/", admin.site.urls),
    path("", include("juntagrico.urls")),
    path("impersonate/", include("impersonate.urls")),
]
