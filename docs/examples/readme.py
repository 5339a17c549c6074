from costrel import Costrel, url_for

app = Costrel(__name__)


@app.get("/users/<int:user_id>")
def user(user_id):
    return {"id": user_id, "url": url_for("user", user_id=user_id)}
