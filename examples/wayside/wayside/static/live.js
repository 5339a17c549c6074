// The live parts of Wayside: the bench by WebSocket, the feed by server-sent events.
// Whatever it does can be done without it, by reloading the page.

const SECOND = 1000;
const LINES_SHOWN = 50;
const NEWS_SHOWN = 3;

/** Read this page again as the server has it now. */
async function readAgain() {
  const response = await fetch(location.pathname, { headers: { Accept: "text/html" } });
  if (!response.ok) throw new Error(response.statusText);

  return new DOMParser().parseFromString(await response.text(), "text/html");
}

/** Mark something as just arrived; the style sheet says what that looks like. */
function markNew(element) {
  element.classList.add("new");
  setTimeout(() => element.classList.remove("new"), 4 * SECOND);
}

/* The bench */

class Bench {
  constructor(root) {
    this.root = root;
    this.list = root.querySelector(".lines");
    this.names = root.querySelector(".bench-names");
    this.status = root.querySelector(".bench-status");
    this.blank = root.querySelector("#line");
    this.form = root.querySelector(".bench-form");
    this.failures = 0;
    this.list.querySelectorAll("time").forEach(localise);
    this.form?.addEventListener("submit", (event) => this.say(event));
    addEventListener("online", () => this.connect());
    // A browser may keep a page that was left, to come back to; on the bench it is gone.
    addEventListener("pagehide", () => this.leave());
    addEventListener("pageshow", (event) => event.persisted && this.connect());
    // So that the server knows who is still here, and nothing between takes us for idle.
    setInterval(() => this.send({ here: true }), 30 * SECOND);
    this.connect();
  }

  get isOpen() {
    return this.socket?.readyState === WebSocket.OPEN;
  }

  connect() {
    clearTimeout(this.timer);
    if (this.isOpen || this.socket?.readyState === WebSocket.CONNECTING) return;
    const address = new URL(this.root.dataset.bench, location);
    address.protocol = location.protocol === "https:" ? "wss:" : "ws:";
    address.searchParams.set("after", this.newest());
    this.socket = new WebSocket(address);
    this.socket.onmessage = (event) => this.take(JSON.parse(event.data));
    this.socket.onclose = () => this.retry();
  }

  leave() {
    clearTimeout(this.timer);
    this.socket.onclose = null;
    this.socket.close();
  }

  /** Try again after 1, 2, 4 … 15 seconds, less a little chance, so that not all come at once. */
  retry() {
    this.status.textContent = this.failures ? "Not connected. Trying again." : "Connecting again.";
    const wait = Math.min(15, 2 ** this.failures) * (1 - Math.random() / 2);
    this.timer = setTimeout(() => this.connect(), wait * SECOND);
    this.settle();
    // Pages may still be served where no WebSocket is.
    if (this.failures++) this.catchUp();
  }

  async catchUp() {
    try {
      const page = await readAgain();
      const lines = [...page.querySelectorAll(".lines > li")].reverse();
      for (const line of lines) if (!document.getElementById(line.id)) this.add(line);
    } catch {
      // Not reachable at all; the next attempt will tell.
    }
  }

  newest() {
    const numbers = [...this.list.children].map((line) => Number(line.id.replace("line-", "")));

    return Math.max(0, ...numbers);
  }

  send(message) {
    if (this.isOpen) this.socket.send(JSON.stringify(message));
  }

  take(message) {
    if (this.failures || this.status.dataset.state !== "live") this.status.textContent = "Live.";
    this.status.dataset.state = "live";
    this.failures = 0;
    if (message.line) this.write(message.line);
    if (message.gone) document.getElementById(`line-${message.gone}`)?.remove();
    if (message.present) this.seat(message.present, message.visitors);
    if (message.said) {
      this.form.reset();
      this.settle();
    }
    if (message.refused) this.settle(message.refused);
  }

  write({ id, author, body, at }) {
    if (document.getElementById(`line-${id}`)) return;
    const line = this.blank.content.firstElementChild.cloneNode(true);
    line.id = `line-${id}`;
    line.querySelector(".line-author").textContent = author;
    line.querySelector(".line-body").textContent = body;
    line.querySelector("time").dateTime = at;
    const form = line.querySelector("form");
    if (form) {
      const { name, keeper } = this.root.dataset;
      if (author !== name && keeper === undefined) form.remove();
      // By the attribute: within a template the property knows no address to start from.
      form.setAttribute("action", form.getAttribute("action").replace("/1/", `/${id}/`));
    }
    this.add(line);
  }

  add(line) {
    line.querySelectorAll("time").forEach(localise);
    this.list.prepend(line);
    markNew(line);
    while (this.list.children.length > LINES_SHOWN) this.list.lastElementChild.remove();
  }

  seat(names, visitors) {
    const items = names.map((name) => [name, "tag"]);
    if (visitors) items.push([`${visitors} visitor${visitors === 1 ? "" : "s"}`, "tag tag-quiet"]);
    this.names.replaceChildren(
      ...items.map(([text, style]) => Object.assign(document.createElement("li"), { className: style, textContent: text })),
    );
  }

  /** Send the line; without a connection the browser sends the form as ever. */
  say(event) {
    if (!this.isOpen) return;
    event.preventDefault();
    if (this.isWaiting) return;
    this.isWaiting = true;
    this.send({ say: this.form.elements.text.value });
  }

  /** The line was taken, or not; what was typed stays until it was. */
  settle(problem = "") {
    this.isWaiting = false;
    if (!this.form) return;
    this.form.querySelector(".error").textContent = problem;
    this.form.elements.text.toggleAttribute("aria-invalid", Boolean(problem));
  }
}

function localise(time) {
  time.textContent = new Date(time.dateTime).toLocaleString([], { dateStyle: "medium", timeStyle: "short" });
}

/* The feed */

/** Call a function with each piece of news, while the page can be seen. */
function watchFeed(start, show) {
  const address = new URL(start, location);
  let source = null;
  let timer = 0;
  function open() {
    clearTimeout(timer);
    source?.close();
    source = new EventSource(address);
    source.addEventListener("news", (event) => {
      address.searchParams.set("after", event.lastEventId);
      show(JSON.parse(event.data));
    });
    // The browser itself comes back, but for an answer that is an error.
    source.onerror = () => {
      if (source.readyState === EventSource.CLOSED) timer = setTimeout(open, 30 * SECOND);
    };
  }
  function follow() {
    if (!document.hidden) return open();
    clearTimeout(timer);
    source?.close();
  }
  document.addEventListener("visibilitychange", follow);
  follow();
}

function showNews(section) {
  const list = section.querySelector("ol");
  const blank = section.querySelector("template");
  watchFeed(section.dataset.feed, ({ author, did, title, address }) => {
    const item = blank.content.firstElementChild.cloneNode(true);
    item.querySelector("strong").textContent = author;
    item.querySelector("span").textContent = did;
    Object.assign(item.querySelector("a"), { textContent: title, href: address });
    list.prepend(item);
    markNew(item);
    while (list.children.length > NEWS_SHOWN) list.lastElementChild.remove();
  });
}

/** Keep the comments of a walk as the server has them: it alone makes markup of what people type. */
function showComments(section) {
  const list = section.querySelector(".comment-list");
  watchFeed(section.dataset.feed, async ({ walk_id: walk }) => {
    if (String(walk) !== section.dataset.walk) return;
    const page = await readAgain();
    list.querySelector(":scope > p")?.remove();
    for (const comment of page.querySelectorAll(".comment")) {
      if (document.getElementById(comment.id)) continue;
      list.append(comment);
      markNew(comment);
    }
    document.getElementById("comments-title").textContent = page.getElementById("comments-title").textContent;
  });
}

for (const root of document.querySelectorAll("[data-bench]")) new Bench(root);
for (const section of document.querySelectorAll("[data-feed]")) {
  if (section.dataset.walk) showComments(section);
  else showNews(section);
}
