"""Routes of ours are served before Flask makes its contexts, and answer as Flask would."""

from __future__ import annotations

from io import BytesIO

import pytest
from flask import Request, current_app, has_app_context, request
from marshmallow import Schema, fields
from werkzeug.exceptions import ClientDisconnected

from core.http import body, serve
from core.http.application import WebApplication
from core.http.routes import Answer, Routes
from core.http.work import Frame


class _Word(Schema):
    word = fields.String(required=True)


@pytest.fixture
def client(settings, database):
    routes = Routes("probe")

    @routes.post("/words", body=_Word, answers={201: _Word}, public=True)
    def say(work, body):
        return Answer(body, 201, {"Location": f"/words/{body['word']}"})

    @routes.get("/words/<word>", answers={200: _Word}, public=True)
    def show(work, word):
        if word == "broken":
            raise RuntimeError("a defect")
        return {"word": word, "inside_flask": has_app_context()}

    app = WebApplication("probe")
    app.extensions["wangge"] = Frame(settings, database, None)
    app.config["MAX_CONTENT_LENGTH"] = 1000
    serve.mount(app, [routes])
    app.add_url_rule("/page", "page", lambda: f"{request.path} of {current_app.name}")
    return app.test_client()


def test_route_is_served_outside_flask_and_a_page_inside_it(client):
    assert client.get("/api/v1/words/树").json == {"word": "树", "inside_flask": False}
    assert client.get("/page").text == "/page of probe"


def test_head_sends_the_headers_of_get_without_its_body(client):
    got, told = client.get("/api/v1/words/x"), client.head("/api/v1/words/x")
    assert (told.status_code, told.data) == (200, b"")
    assert told.headers["Content-Length"] == got.headers["Content-Length"] == str(len(got.data))


def test_options_tell_the_methods(client):
    assert set(client.options("/api/v1/words/x").headers["Allow"].split(", ")) == {"GET", "HEAD", "OPTIONS"}


def test_header_that_is_not_ascii_is_written_as_a_client_reads_it(client):
    answer = client.post("/api/v1/words", json={"word": "树"})
    assert (answer.status_code, answer.headers["Location"]) == (201, "/words/%E6%A0%91")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/api/v1/nothing", 404), ("PUT", "/api/v1/words", 405), ("GET", "/api/v1/words/broken", 500), ("POST", "/api/v1/words", 415)],
)
def test_every_error_is_a_problem_document(client, method, path, status):
    answer = client.open(path, method=method)
    assert (answer.status_code, answer.content_type, answer.json["status"]) == (status, "application/problem+json", status)


def test_body_longer_than_allowed_is_refused_with_and_without_its_length_told(client):
    long = b'{"word": "' + b"x" * 1000 + b'"}'
    assert client.post("/api/v1/words", data=long, content_type="application/json").status_code == 413
    chunked = {"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked", "CONTENT_LENGTH": ""}
    sent = client.post("/api/v1/words", input_stream=BytesIO(long), content_type="application/json", environ_overrides=chunked)
    assert sent.status_code == 413


def test_body_that_ends_early_is_refused(client):
    asked = Request({"CONTENT_LENGTH": "10", "wsgi.input": BytesIO(b"{}"), "REQUEST_METHOD": "POST"})
    asked.max_content_length = 1000
    with pytest.raises(ClientDisconnected):
        body.bytes_of(asked)


def test_body_may_be_asked_for_again():
    asked = Request({"CONTENT_LENGTH": "2", "wsgi.input": BytesIO(b"{}"), "REQUEST_METHOD": "POST"})
    asked.max_content_length = 1000
    assert body.bytes_of(asked) == body.bytes_of(asked) == b"{}"
