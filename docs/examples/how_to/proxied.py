from werkzeug.middleware.proxy_fix import ProxyFix

from costrel import Costrel, request

app = Costrel(__name__)
app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1)


@app.get("/")
def who():
    return f"{request.remote_addr} over {request.scheme}"
