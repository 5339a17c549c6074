from costrel import Costrel

app = Costrel(__name__)


@app.get("/")
def hello():
    return "Hello, traveller!"


@app.get("/greet/<name>")
def greet(name):
    return {"greeting": f"Hello, {name}!"}
