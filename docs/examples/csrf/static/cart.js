const token = document.querySelector('meta[name="csrf-token"]').content;

document.querySelector("#bowl").addEventListener("click", async (event) => {
  const response = await fetch(event.target.dataset.url, {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-CSRFToken": token },
    body: JSON.stringify({ item: "bowl" }),
  });
  const { items } = await response.json();
  document.querySelector("#items").replaceChildren(
    ...items.map((item) => Object.assign(document.createElement("li"), { textContent: item })),
  );
});
