from costrel import Flask, abort, request, url_for
from costrel.views import MethodView

app = Flask(__name__)
NOTES = {1: "Fill the flask."}


class Notes(MethodView):
    def get(self, note_id):
        if note_id not in NOTES:
            abort(404)
        return {"text": NOTES[note_id], "self": url_for("notes", note_id=note_id)}

    def put(self, note_id):
        NOTES[note_id] = request.get_json()["text"]
        return {"text": NOTES[note_id]}


app.add_url_rule("/notes/<int:note_id>", view_func=Notes.as_view("notes"))
