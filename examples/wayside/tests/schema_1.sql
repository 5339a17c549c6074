CREATE TABLE user (
    id INTEGER PRIMARY KEY,
    username TEXT NOT NULL UNIQUE COLLATE NOCASE,
    password_hash TEXT NOT NULL,
    is_keeper INTEGER NOT NULL DEFAULT 0,
    created_at TEXT NOT NULL
);

CREATE TABLE walk (
    id INTEGER PRIMARY KEY,
    author_id INTEGER NOT NULL REFERENCES user (id) ON DELETE CASCADE,
    title TEXT NOT NULL,
    place TEXT NOT NULL,
    walked_on TEXT NOT NULL,
    distance_km REAL,
    ascent_m INTEGER,
    body TEXT NOT NULL,
    picture TEXT,
    picture_alt TEXT NOT NULL DEFAULT '',
    created_at TEXT NOT NULL
);

CREATE INDEX walk_by_day ON walk (walked_on DESC, id DESC);

CREATE INDEX walk_by_author ON walk (author_id);

CREATE TABLE tag (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
);

CREATE TABLE walk_tag (
    walk_id INTEGER NOT NULL REFERENCES walk (id) ON DELETE CASCADE,
    tag_id INTEGER NOT NULL REFERENCES tag (id) ON DELETE CASCADE,
    PRIMARY KEY (walk_id, tag_id)
) WITHOUT ROWID;

CREATE INDEX walk_tag_by_tag ON walk_tag (tag_id, walk_id);

CREATE TABLE comment (
    id INTEGER PRIMARY KEY,
    walk_id INTEGER NOT NULL REFERENCES walk (id) ON DELETE CASCADE,
    author_id INTEGER NOT NULL REFERENCES user (id) ON DELETE CASCADE,
    body TEXT NOT NULL,
    created_at TEXT NOT NULL
);

CREATE INDEX comment_by_walk ON comment (walk_id, id);

CREATE TABLE api_token (
    id INTEGER PRIMARY KEY,
    user_id INTEGER NOT NULL REFERENCES user (id) ON DELETE CASCADE,
    label TEXT NOT NULL,
    token_hash TEXT NOT NULL UNIQUE,
    created_at TEXT NOT NULL
);
