import costrel.as_flask  # noqa: F401, I001  # must be the first import

from flask import Flask, jsonify

app = Flask(__name__)


@app.get("/")
def index():
    return jsonify(served_by=type(app).__module__)
