from costrel import Costrel, request

app = Costrel(__name__)
app.config["TRUSTED_PROXIES"] = 1


@app.get("/")
def who():
    return f"{request.remote_addr} over {request.scheme}"
