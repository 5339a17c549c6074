-- AUTOINCREMENT: no number is used twice, so who has seen 7 has missed what is above it.
CREATE TABLE line (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    author_id INTEGER NOT NULL REFERENCES user (id) ON DELETE CASCADE,
    body TEXT NOT NULL,
    created_at TEXT NOT NULL
);

CREATE INDEX line_by_author ON line (author_id, created_at);

CREATE TABLE presence (
    token TEXT PRIMARY KEY,
    user_id INTEGER REFERENCES user (id) ON DELETE CASCADE,
    seen_at TEXT NOT NULL
);

CREATE TABLE news (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    walk_id INTEGER NOT NULL REFERENCES walk (id) ON DELETE CASCADE,
    comment_id INTEGER REFERENCES comment (id) ON DELETE CASCADE
);

CREATE INDEX news_by_walk ON news (walk_id);

CREATE INDEX news_by_comment ON news (comment_id);

INSERT INTO news (walk_id, comment_id)
SELECT walk_id, comment_id
FROM (
    SELECT id AS walk_id, NULL AS comment_id, created_at FROM walk
    UNION ALL
    SELECT walk_id, id, created_at FROM comment
)
ORDER BY created_at, comment_id;
