from costrel import Costrel, render_template

app = Costrel(__name__)

ENTRIES = [
    {"name": "Ada", "text": "A fine place to rest."},
    {"name": "Linus", "text": "The <b>soup</b> was good."},
]


@app.get("/")
def index():
    return render_template("index.html", entries=ENTRIES)
