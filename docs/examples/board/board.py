from werkzeug.security import check_password_hash, generate_password_hash
from wtforms import PasswordField, StringField, validators

from costrel import Costrel, redirect, render_template
from costrel.ext import forms, login, sqlite

app = Costrel(__name__)
app.config["SECRET_KEY"] = "dev"  # enough for `costrel run` on your own machine
db, users, _ = sqlite.SQLite(app), login.LoginManager(app, login_view="sign_in"), forms.Forms(app)


@users.user_loader
class User(login.UserMixin):
    def __init__(self, name):
        self.id = name


class Account(forms.FlaskForm):
    name = StringField(validators=[validators.Length(2, 40)])
    password = PasswordField(validators=[validators.Length(10, 200)])


class Note(forms.FlaskForm):
    text = StringField("Your note", validators=[validators.Length(1, 200)])


@app.route("/", methods=["GET", "POST"])
@login.login_required
def board():
    if (form := Note()).validate_on_submit():
        db.execute("INSERT INTO note (author, text) VALUES (?, ?)", (login.current_user.id, form.text.data))
        db.commit()
        return redirect("/")
    return render_template("board.html", form=form, notes=db.execute("SELECT * FROM note ORDER BY id DESC"))


@app.route("/sign-in", methods=["GET", "POST"])
def sign_in():
    if (form := Account()).validate_on_submit():
        name, password = form.name.data, form.password.data
        db.execute("INSERT OR IGNORE INTO user VALUES (?, ?)", (name, generate_password_hash(password)))
        db.commit()
        user = db.execute("SELECT * FROM user WHERE name = ?", (name,)).fetchone()
        if check_password_hash(user["password"], password) and login.login_user(User(user["name"])):
            return redirect("/")
    return render_template("sign_in.html", form=form)


app.add_url_rule("/sign-out", "sign_out", lambda: login.logout_user() and redirect("/"), methods=["POST"])
